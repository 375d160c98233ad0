"""Short lines for the person at the terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable

from workflows.errors import StudioError

Say = Callable[[str], None]


def say(text: str) -> None:
    """One line of progress or result."""
    print(text, flush=True)


def complain(text: str) -> None:
    """One line about what went wrong."""
    print(text, file=sys.stderr, flush=True)


def sentence(error: StudioError) -> str:
    """What happened and what to do next, on one line."""
    return f"{error.message} {error.hint}"


def passing(text: str) -> None:
    """A line that the next one replaces; shown to a person only, never written into a file or pipe."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{text[:width]:<{width}}\r", end="", flush=True)


def duration(seconds: float) -> str:
    """Seconds in words that a person says: "40 s", "12 min", "3 h 20 min", "2 d 4 h"."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{int(seconds)} s"
