"""Short lines for the person at the terminal. That nobody reads them any more is no error."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import TextIO

from workflows.errors import StudioError

Say = Callable[[str], None]


def say(text: str) -> None:
    """One line of progress or result."""
    _write(sys.stdout, f"{text}\n")


def complain(text: str) -> None:
    """One line about what went wrong."""
    _write(sys.stderr, f"{text}\n")


def sentence(error: StudioError) -> str:
    """What happened and what to do next, on one line."""
    return f"{error.message} {error.hint}"


def passing(text: str) -> None:
    """A line that the next one replaces; shown to a person only, never written into a file or pipe."""
    if sys.stdout is not None and sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        _write(sys.stdout, f"\r{text[:width]:<{width}}\r")


class Block:
    """Lines at the end of the output that the next ones replace; shown to a person only."""

    def __init__(self) -> None:
        self._height = 0
        out = sys.stdout
        self.is_live = out is not None and out.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    @property
    def width(self) -> int:
        """Characters that fit a line."""
        return shutil.get_terminal_size().columns - 1

    def show(self, lines: Sequence[str]) -> None:
        """Have these lines there in place of the last ones; they are cut, as a wrapped one could not be taken away."""
        if not self.is_live:
            return
        width = self.width
        back = f"\x1b[{self._height}A" if self._height else ""
        if back or lines:
            _write(sys.stdout, f"\r{back}\x1b[J" + "".join(f"{line[:width]}\n" for line in lines))
        self._height = len(lines)


def duration(seconds: float) -> str:
    """Seconds in words that a person says: "40 s", "12 min", "3 h 20 min", "2 d 4 h"."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{int(seconds)} s"


def _write(stream: TextIO | None, text: str) -> None:
    """Write and flush. Once the terminal is closed or the pipe's reader gone, everything goes nowhere."""
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except UnicodeEncodeError:
        _write(stream, text.encode("ascii", "backslashreplace").decode())
    except OSError:
        # What the stream still holds would fail again, at the latest when the interpreter ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
