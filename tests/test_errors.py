"""The registry of errors, both ways: every code that is raised is registered, every registered one is raised."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from workflows.errors import REGISTRY, StudioError

CHECKOUT = Path(__file__).parent.parent
SOURCES = [
    CHECKOUT / "Home.py",
    *(
        path
        for room in ("workflows", "client", "bootstrap", "pages")
        for path in sorted((CHECKOUT / room).rglob("*.py"))
    ),
]


@dataclass(frozen=True)
class Raised:
    """A call of `StudioError`. `code` is None where it is no literal, `facts` where not all of them can be seen."""

    where: str
    code: str | None
    facts: frozenset[str] | None


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in SOURCES:
        yield str(path.relative_to(CHECKOUT)), ast.parse(path.read_text(encoding="utf-8"))


def raised() -> Iterator[Raised]:
    for name, tree in trees():
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "StudioError":
                first = call.args[0] if call.args else None
                code = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
                names = [keyword.arg for keyword in call.keywords]
                facts = None if None in names else frozenset(name for name in names if name and name != "field")
                yield Raised(f"{name}:{call.lineno}", code, facts)


def compared() -> Iterator[tuple[str, str]]:
    """Codes that an error is asked for, as in `error.code == "…"`."""
    for name, tree in trees():
        for compare in ast.walk(tree):
            if isinstance(compare, ast.Compare):
                sides = [compare.left, *compare.comparators]
                if any(isinstance(side, ast.Attribute) and side.attr == "code" for side in sides):
                    for constant in (node for side in sides for node in ast.walk(side)):
                        if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                            yield f"{name}:{compare.lineno}", constant.value


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


SITES = list(raised())


def test_every_error_names_its_code_where_it_is_made() -> None:
    assert [site.where for site in SITES if site.code is None] == []


def test_every_code_that_is_raised_is_registered() -> None:
    assert [(site.where, site.code) for site in SITES if site.code is not None and site.code not in REGISTRY] == []


def test_every_registered_code_is_raised() -> None:
    assert REGISTRY.keys() - {site.code for site in SITES} == set()


def test_every_code_that_is_asked_for_is_registered() -> None:
    assert [(where, code) for where, code in compared() if code not in REGISTRY] == []


@pytest.mark.parametrize("site", [site for site in SITES if site.code in REGISTRY], ids=lambda site: site.where)
def test_every_fact_of_a_sentence_is_given_where_it_is_raised(site: Raised) -> None:
    assert site.code is not None
    kind = REGISTRY[site.code]
    if site.facts is not None:
        assert placeholders(kind.message) | placeholders(kind.hint) <= site.facts


@pytest.mark.parametrize("code", REGISTRY)
def test_every_error_says_what_happened_and_what_to_do(code: str) -> None:
    kind = REGISTRY[code]
    for text in (kind.message, kind.hint):
        assert text.strip() == text
        assert text
        assert "\n" not in text
        assert text[0].isupper() or text[0] == "{"
    assert kind.hint.endswith(".")
    assert code.isidentifier()
    assert code == code.lower()
    assert all(name.isidentifier() for name in placeholders(kind.message) | placeholders(kind.hint))


def test_an_error_carries_its_sentence_hint_facts_and_field() -> None:
    error = StudioError("value_out_of_range", field="seconds", title="Duration", low=0.3, high=20, unit=" s", value=0)
    assert str(error) == error.message == "Duration must be between 0.3 and 20 s; 0 was given."
    assert error.hint == "Choose a value in that range."
    assert (error.code, error.field, error.retryable) == ("value_out_of_range", "seconds", False)
    assert error.facts["high"] == 20


def test_an_unregistered_code_or_a_missing_fact_does_not_pass() -> None:
    with pytest.raises(KeyError, match="no_such_code"):
        StudioError("no_such_code")
    with pytest.raises(KeyError, match="title"):
        StudioError("value_missing")
