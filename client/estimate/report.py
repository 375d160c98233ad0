"""What was learnt of a device and how good the estimates there were, for people."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from typing import Any

from client.estimate import history
from client.estimate.history import Run
from client.estimate.learning import REST, learn
from client.store import Store

RECENT = 20
"""Runs by which the error is judged, the newest."""

SPREAD = 0.5
KINDS = {
    "load": "Loading models",
    "text": "Text encoding",
    "enhance": "Prompt enhancement",
    "pictures": "Reading pictures",
    "edges": "Finding edges",
    "depth": "Finding depth",
    "pose": "Finding poses",
    "encode": "VAE encoding",
    "sample": "Sampling",
    "upscale": "Latent upscaling",
    "decode": "VAE decoding",
    "audio": "Sound",
    "save": "Encoding the video",
    REST: "Everything else",
}
"""Kinds of work in the order in which a run comes to them."""


@dataclass(frozen=True)
class Kind:
    """What is known of one kind of work: by how much slower than assumed it is, and the usual spread around that."""

    name: str
    title: str
    measured: int
    factor: float
    spread: float


@dataclass(frozen=True)
class Report:
    """A device by its key, its runs, newest first, and its kinds of work.

    `error` is the median of the newest runs' errors, as a share of the actual time; None without runs.
    """

    device: str
    runs: tuple[Run, ...]
    kinds: tuple[Kind, ...]
    error: float | None
    inside: float | None

    @property
    def name(self) -> str:
        """The device in words."""
        return "Draft engine" if self.device == "draft" else self.device.removeprefix("comfyui/").replace("/", ", ")

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        return {
            "device": self.device,
            "runs": len(self.runs),
            "median_error": self.error,
            "in_range": self.inside,
            "kinds": {
                kind.name: {"measured": kind.measured, "factor": kind.factor, "spread": kind.spread}
                for kind in self.kinds
            },
        }


def reports(store: Store) -> tuple[Report, ...]:
    """A report of every device of which something was learnt, the one last used first."""
    return tuple(report(store, device) for device in history.devices(store))


def report(store: Store, device: str) -> Report:
    """The report of a device."""
    runs = tuple(history.runs(store, device))
    recent = runs[:RECENT]
    return Report(
        device=device,
        runs=runs,
        kinds=_kinds(store, device),
        error=statistics.median(run.error for run in recent) if recent else None,
        inside=statistics.mean(run.low <= run.seconds <= run.high for run in recent) if recent else None,
    )


def _kinds(store: Store, device: str) -> tuple[Kind, ...]:
    seen = history.observations(store, device)
    learnt, counts = learn(seen, SPREAD), Counter(one.kind for one in seen)
    found = []
    for name, title in KINDS.items():
        fit = learnt.fits.get(name)
        if fit is not None:
            factor, _ = learnt.factor(name, fit.usual)
            found.append(Kind(name, title, counts[name], factor, fit.noise))
    return tuple(found)
