"""A pull of models as a terminal shows it: a live line for each file in flight, and one for all together.

Where no terminal reads it, the same lines are written now and then.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bootstrap.terminal import Block, complain, duration, say
from client.models.events import (
    Checking,
    Done,
    Event,
    Failed,
    Progress,
    Retrying,
    Stalled,
    Started,
    Stopped,
    Total,
    Waiting,
)

LOG_SECONDS = 30.0
"""How often progress is written where no terminal shows it."""
QUIET_SECONDS = 3.0
"""After this long without news of a file, its last rate says nothing any more."""
LEAST_NAME = 16
"""Characters of a file's name that are shown on however narrow a terminal."""
_InFlight = Started | Waiting | Checking | Progress | Stalled | Retrying


class Teller:
    """Shows events as they come. `clock` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._block = Block()
        self._files: dict[str, tuple[float, _InFlight]] = {}
        self._total: Total | None = None
        self._logged = clock()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        now = self._clock()
        if isinstance(event, Total):
            self._total = event
        elif isinstance(event, Done | Failed | Stopped):
            self._files.pop(event.file, None)
        else:
            self._files[event.file] = now, event
        if line := _line(event):
            self._block.show(())
            (complain if isinstance(event, Failed) else say)(f"  {line}")
        if self._block.is_live:
            self._block.show(self._lines(self._block.width))
        elif isinstance(event, Total) and now - self._logged >= LOG_SECONDS:
            self._logged = now
            for text in self._lines():
                say(text)

    def end(self) -> None:
        """Take the live lines away."""
        self._block.show(())

    def _lines(self, width: int | None = None) -> list[str]:
        """How far the files in flight are, and all together. In a width the names give way to the numbers."""
        now = self._clock()
        rows = [(event.file, _state(event, now - heard < QUIET_SECONDS)) for heard, event in self._files.values()]
        names, states = [name for name, _ in rows], [state for _, state in rows]
        room = max(map(len, names), default=0)
        if width is not None:
            room = min(room, max(LEAST_NAME, width - 4 - max(map(len, states), default=0)))
        shown = [f"  {_short(name, room):<{room}}  {state}" for name, state in rows]
        return [*shown, *([f"  {total(self._total)}"] if self._total else [])]


def _state(event: _InFlight, fresh: bool) -> str:
    """How far one file in flight is."""
    if isinstance(event, Progress):
        pace = speed(event.rate, event.left) if fresh else "nothing comes"
        return f"{_amount(event.done, event.bytes)}, {pace}"
    if isinstance(event, Started):
        return _amount(event.have, event.bytes)
    if isinstance(event, Checking):
        return f"{_amount(event.done, event.of)} of what is there checked"
    return _held_up(event)


def _held_up(event: Stalled | Retrying | Waiting) -> str:
    if isinstance(event, Stalled):
        return f"nothing came for {event.seconds:g} s"
    if isinstance(event, Retrying):
        return f"{event.reason}, trying again in {event.wait:.0f} s"
    return "another program fetches it; waiting for that"


def _line(event: Event) -> str:
    """What stays to be read of an event, "" where nothing does."""
    if isinstance(event, Done):
        proved = "" if event.verified else ", which the hub gives no hash to prove"
        return f"{event.file}: in its place ({event.how}){proved}"
    if isinstance(event, Failed):
        return f"{event.message} {event.hint}"
    return f"{event.file}: {_held_up(event)}" if isinstance(event, Stalled | Retrying | Waiting) else ""


def total(event: Total) -> str:
    """All files in one line."""
    pace = speed(event.rate, event.left)
    return f"{event.files_done} of {event.files} files, {_amount(event.done, event.bytes)}, {pace}"


def speed(rate: float, left: float | None) -> str:
    """Bytes per second and seconds left."""
    return f"{rate / 1e6:.{1 if rate < 1e7 else 0}f} MB/s" + (f", {duration(left)} left" if left is not None else "")


def gb(count: float) -> str:
    """Bytes as people say them."""
    return f"{count / 1e9:.1f} GB" if count >= 5e7 else f"{count / 1e6:.1f} MB"


def _amount(done: int, size: int) -> str:
    share = f" ({100 * done // size} %)" if size else ""
    return f"{done / 1e9:.1f} of {gb(size)}{share}" if size >= 5e7 else f"{done / 1e6:.1f} of {gb(size)}{share}"


def _short(name: str, room: int) -> str:
    """A name that fits its column: of a longer one its beginning and its end."""
    kept = room - 2
    return name if len(name) <= room else f"{name[: kept - kept // 2]}..{name[len(name) - kept // 2 :]}"
