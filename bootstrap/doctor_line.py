"""What a check of the doctor says. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from workflows.errors import StudioError

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Line:
    """One finding: what was looked at, how it is, and the one thing to do, "" where nothing needs doing.

    A problem keeps the chosen engine from working, a warning does not.
    """

    name: str
    level: Level
    text: str
    do: str = ""


def of_error(name: str, error: StudioError, level: Level = "problem") -> Line:
    """The finding that an error is."""
    return Line(name, level, error.message, error.hint)


def guarded(name: str, check: Callable[..., Iterable[Line]], *arguments: object) -> Iterator[Line]:
    """What a check finds. Whatever goes wrong in it is one more finding, a problem."""
    try:
        yield from check(*arguments)
    except StudioError as error:
        yield of_error(name, error)
    except OSError as error:
        at = f": {error.filename}" if error.filename else ""
        reason = (error.strerror or str(error)).lower()
        yield Line(name, "problem", f"It can't be looked at ({reason}{at}).", "Mend that, or ask as another user.")
    except Exception as error:
        text = f"The check itself failed: {type(error).__name__}: {error}".rstrip(".")
        yield Line(name, "problem", f"{text}.", "Report this as a bug, with the line above.")


def as_dict(line: Line) -> dict[str, Any]:
    """The finding as JSON has it."""
    return asdict(line)


def from_dict(found: dict[str, Any]) -> Line:
    """The finding from what `as_dict` made."""
    assert found["level"] in get_args(Level)
    return Line(**found)
