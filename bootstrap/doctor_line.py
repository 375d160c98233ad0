"""What a check of the doctor says. Standard library only."""

from __future__ import annotations

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


def as_dict(line: Line) -> dict[str, Any]:
    """The finding as JSON has it."""
    return asdict(line)


def from_dict(found: dict[str, Any]) -> Line:
    """The finding from what `as_dict` made."""
    assert found["level"] in get_args(Level)
    return Line(**found)
