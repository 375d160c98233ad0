"""What the words of a prompt mean, from `vocabulary.toml`."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

Traits = dict[str, Any]


@cache
def section(name: str) -> dict[str, Traits]:
    """A section of the vocabulary: its traits by name, in the file's order."""
    with (Path(__file__).parent / "vocabulary.toml").open("rb") as file:
        found: dict[str, Traits] = tomllib.load(file)[name]
    return found


def find(name: str, prompt: str, negative: str = "") -> tuple[str, ...]:
    """The traits of section `name` that `prompt` speaks of, the first named first, without those in `negative`.

    Traits that are only hinted at count where none is named.
    """
    unwanted = {*_named(name, "words", negative), *_named(name, "hints", negative)}
    for kind in ("words", "hints"):
        found = tuple(trait for trait in _named(name, kind, prompt) if trait not in unwanted)
        if found:
            return found
    return ()


def _named(name: str, kind: str, text: str) -> tuple[str, ...]:
    pattern, meaning = _index(name, kind)
    matches = pattern.finditer(text.lower().replace("-", " "))
    return tuple(dict.fromkeys(meaning[match[1]] for match in matches))


@cache
def _index(name: str, kind: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern that finds the longest of the section's words, with or without a plural ending, and what each means."""
    meaning = {word.replace("-", " "): trait for trait, row in section(name).items() for word in row.get(kind, ())}
    choices = "|".join(re.escape(word) for word in sorted(meaning, key=len, reverse=True))
    return re.compile(rf"\b({choices or '(?!)'})(?:s|es)?\b"), meaning
