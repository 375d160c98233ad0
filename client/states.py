"""The states of a job, as a union of frozen dataclasses.

Queued | Running | Succeeded | Failed | Cancelled. The last three are final: a job reaches exactly one of them, once.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Output:
    """A finished file in the library: `name` is its file name there, `size` its length in bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class Queued:
    """Not running yet.

    `position` counts the jobs ahead on the engine, 0 = next; None until the engine has said. `note` is one sentence
    where something needs saying.
    """

    position: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Running:
    """Being executed.

    `stage` is the manifest's title of what runs now; `step` of `of` counts inside it (0 of 0 where it doesn't count).
    `fraction` runs from 0 to 1 over the whole job and never falls; `eta` is the seconds left as far as can be told,
    likely between `eta_low` and `eta_high` where there is an estimate.
    `note` is one sentence where something needs saying ("The engine does not answer, waiting for it").
    """

    stage: str = ""
    step: int = 0
    of: int = 0
    fraction: float = 0.0
    eta: float | None = None
    eta_low: float | None = None
    eta_high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Succeeded:
    """Finished: its files lie in the library."""

    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Failed:
    """Ended without a video. `code` is a key of `workflows.errors.REGISTRY`; `detail` is technical, may be empty."""

    code: str
    message: str
    hint: str
    retryable: bool
    detail: str = ""


@dataclass(frozen=True)
class Cancelled:
    """Ended because somebody asked for it."""


JobState = Queued | Running | Succeeded | Failed | Cancelled
FINAL = (Succeeded, Failed, Cancelled)
NAMES: dict[type, str] = {
    Queued: "queued",
    Running: "running",
    Succeeded: "succeeded",
    Failed: "failed",
    Cancelled: "cancelled",
}


def is_final(state: JobState) -> bool:
    """Whether the job has ended."""
    return isinstance(state, FINAL)
