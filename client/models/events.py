"""What happens while files are fetched, as values that a terminal and a page can show. Sizes in bytes, times in s."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Started:
    """A file is begun, or gone on with where `have` of its bytes are already there."""

    file: str
    bytes: int
    have: int = 0


@dataclass(frozen=True)
class Waiting:
    """Another program fetches the same file; this one waits for it."""

    file: str


@dataclass(frozen=True)
class Checking:
    """What an earlier run left is read, so that the whole file's hash can be told at the end."""

    file: str
    done: int
    of: int


@dataclass(frozen=True)
class Progress:
    """`done` of a file's bytes are there; `rate` is in bytes/s, `left` in s, None where nothing comes."""

    file: str
    done: int
    bytes: int
    rate: float
    left: float | None


@dataclass(frozen=True)
class Stalled:
    """Not one byte came for `seconds`; the connection is made anew."""

    file: str
    seconds: float


@dataclass(frozen=True)
class Retrying:
    """The connection was cut or refused for the moment; it is made anew after `wait` s."""

    file: str
    reason: str
    wait: float


@dataclass(frozen=True)
class Done:
    """A file is in its place. `fetched` counts the bytes that came over the network, `verified` is about its hash."""

    file: str
    path: str
    bytes: int
    fetched: int
    how: str
    verified: bool = True


@dataclass(frozen=True)
class Failed:
    """A file can't be had; what came of it stays for the next time."""

    file: str
    code: str
    message: str
    hint: str
    retryable: bool


@dataclass(frozen=True)
class Stopped:
    """Fetching was ended from outside; what came stays for the next time."""

    file: str
    done: int


@dataclass(frozen=True)
class Total:
    """All files together: bytes on disk of those to have, files in their place and files in all."""

    done: int
    bytes: int
    rate: float
    left: float | None
    files_done: int
    files: int


Event = Started | Waiting | Checking | Progress | Stalled | Retrying | Done | Failed | Stopped | Total
Outcome = Done | Failed | Stopped


def as_dict(event: Event) -> dict[str, Any]:
    """The event as JSON has it, with its name in lower case."""
    return {"event": type(event).__name__.lower(), **asdict(event)}
