"""What happened to the local engine, as JSON lines in the data folder's `logs/engine_events.jsonl`.

Written by the programs that watch and start it, read by pages and by `bootstrap`. Standard library only.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

What = Literal["started", "ended", "restarted", "stopped", "gave_up", "orphans_ended"]
OUT_OF_MEMORY = "was killed by the system, which had run out of memory"
"""The `why` of an engine that the kernel has ended."""

_MOST_BYTES = 256 * 1024


@dataclass(frozen=True)
class Event:
    """One line: unix seconds, what happened, why as the end of the sentence "The engine …", and the process (0 = none).

    `started`: by a person, or first. `ended`: by itself; the supervisor starts it again. `restarted`: it was wedged
    and has been killed, to be started again. `stopped`: as asked. `gave_up`: it ended too often and stays down.
    `orphans_ended`: processes that an earlier engine had left behind were killed.
    """

    time: float
    what: What
    why: str
    pid: int


def path(data: Path) -> Path:
    """The file, whether there or not. What is older lies beside it, as `engine_events.jsonl.1`."""
    return data / "logs" / "engine_events.jsonl"


def append(data: Path, what: What, why: str, pid: int = 0) -> Event:
    """Write one event. Raises OSError where the file can't be written."""
    event = Event(time.time(), what, why, pid)
    file = path(data)
    if file.exists() and file.stat().st_size > _MOST_BYTES:
        file.replace(file.with_name(f"{file.name}.1"))
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(event)) + "\n")
        lines.flush()
        os.fsync(lines.fileno())
    return event


def read(data: Path, count: int = 50) -> tuple[Event, ...]:
    """The newest events, the newest last; lines that are none, such as one cut short, are passed over."""
    try:
        lines = path(data).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    found = [event for event in map(_event, lines) if event is not None]
    return tuple(found[-count:])


def since(data: Path, moment: float) -> tuple[Event, ...]:
    """The events from a moment (unix seconds) on; cheap where nothing has been written since it was last asked."""
    try:
        found = path(data).stat()
    except OSError:
        return ()
    if found.st_mtime < moment:
        return ()
    return tuple(event for event in _read_as(data, found.st_mtime_ns, found.st_size) if event.time >= moment)


@lru_cache(maxsize=4)
def _read_as(data: Path, changed: int, size: int) -> tuple[Event, ...]:
    """The events of a file that was last changed then; the arguments tell one state of it from the next."""
    return read(data)


def _event(line: str) -> Event | None:
    try:
        row = json.loads(line)
        event = Event(float(row["time"]), row["what"], str(row["why"]), int(row["pid"]))
    except (ValueError, KeyError, TypeError):
        return None
    return event if event.what in get_args(What) else None
