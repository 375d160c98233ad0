"""What was learnt, in the studio's database: measured work by device and kind, and finished runs with their estimates.

All functions raise StudioError `database_failed` when the disk is full or the file locked for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from client.estimate.learning import WINDOW, Observation
from client.store import Store

FORMULA = 1
"""Version of the prior. What was measured against another one teaches nothing about this one."""

KEPT_RUNS = 500
"""A device's newest runs that are kept."""


@dataclass(frozen=True)
class Run:
    """A finished run and what was expected of it just before, in seconds; with the loading of models that it loaded.

    `cold` says that there were some.

    `finished_at` is in unix seconds, `device` the key of what it ran on.
    """

    device: str
    finished_at: float
    mode: str
    preset: str
    width: int
    height: int
    frames: int
    cold: bool
    predicted: float
    low: float
    high: float
    seconds: float

    @property
    def error(self) -> float:
        """How far the prediction was off, as a share of the actual time."""
        return abs(self.predicted - self.seconds) / self.seconds if self.seconds else 0.0


COLUMNS = ", ".join(column.name for column in fields(Run))
PLACES = ", ".join("?" for _ in fields(Run))


def observations(store: Store, device: str) -> list[Observation]:
    """What was measured on a device, oldest first."""
    rows = store.read(
        "SELECT kind, prior, seconds, mode FROM measured WHERE device = ? AND formula = ? ORDER BY id", device, FORMULA
    )
    return [Observation(*row) for row in rows]


def runs(store: Store, device: str | None = None, limit: int = KEPT_RUNS) -> list[Run]:
    """The newest runs on a device, or on all of them, newest first."""
    rows = store.read(
        f"SELECT {COLUMNS} FROM runs WHERE ? IS NULL OR device = ? ORDER BY finished_at DESC, id DESC LIMIT ?",
        device,
        device,
        limit,
    )
    return [Run(**{**dict(row), "cold": bool(row["cold"])}) for row in rows]


def devices(store: Store) -> list[str]:
    """The devices of which something was learnt, the one last used first."""
    return [
        row["device"] for row in store.read("SELECT device FROM runs GROUP BY device ORDER BY MAX(finished_at) DESC")
    ]


def count(store: Store, device: str) -> int:
    """How many runs on a device are kept."""
    return int(store.read("SELECT COUNT(*) FROM runs WHERE device = ?", device)[0][0])


def keep(store: Store, device: str, seen: Sequence[Observation], run: Run | None) -> None:
    """Write down what a run has taught, and the run itself, all or nothing; what is too old to count is dropped."""
    statements: list[tuple[str, tuple[object, ...]]] = [
        (
            "INSERT INTO measured (device, formula, kind, mode, prior, seconds) VALUES (?, ?, ?, ?, ?, ?)",
            (device, FORMULA, one.kind, one.mode, one.prior, one.seconds),
        )
        for one in seen
    ]
    statements += [
        (
            "DELETE FROM measured WHERE device = ? AND kind = ? AND id NOT IN"
            " (SELECT id FROM measured WHERE device = ? AND kind = ? ORDER BY id DESC LIMIT ?)",
            (device, kind, device, kind, WINDOW),
        )
        for kind in dict.fromkeys(one.kind for one in seen)
    ]
    if run is not None:
        statements.append((f"INSERT INTO runs ({COLUMNS}) VALUES ({PLACES})", astuple(run)))
        statements.append(
            (
                "DELETE FROM runs WHERE device = ? AND id NOT IN"
                " (SELECT id FROM runs WHERE device = ? ORDER BY finished_at DESC, id DESC LIMIT ?)",
                (device, device, KEPT_RUNS),
            )
        )
    store.change(*statements)


def measured_tflops(store: Store, device: str) -> float | None:
    """What a matrix product has reached on a device, in 10^12 operations a second; None where nobody measured."""
    rows = store.read("SELECT tflops FROM calibrations WHERE device = ?", device)
    return float(rows[0]["tflops"]) if rows else None


def keep_calibration(store: Store, device: str, tflops: float, now: float) -> None:
    """Write down what a matrix product has reached, unless runs have taught more: they were compared with the guess."""
    store.change(
        (
            "INSERT OR REPLACE INTO calibrations (device, tflops, measured_at)"
            " SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM measured WHERE device = ? AND formula = ?)",
            (device, tflops, now, device, FORMULA),
        )
    )
