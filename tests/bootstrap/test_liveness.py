"""The decision table of bootstrap.liveness, row by row; a process is seen every five seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from bootstrap.liveness import NOBODY, Alive, Busy, Gone, Life, Limits, Sight, Starting, Verdict, Wedged, fold, judge

LIMITS = Limits(start=60, silent=30, stuck=120, confirm=10)
IDLE = Sight(at=0, pid=7, queue=0, cpu=10.0, read=0)
RUNS = replace(IDLE, queue=1)
SILENT = replace(IDLE, queue=None)
DEAD = replace(RUNS, running=("a",), deaths=1)


def after(seen: Iterable[Sight], cpu: float = 0.0, read: int = 0) -> list[Verdict]:
    """The verdict after each sight; the process uses this much CPU and reads this much from one to the next."""
    life: Life = NOBODY
    verdicts = []
    for number, kind in enumerate(seen):
        sight = replace(kind, at=1000.0 + 5 * number)
        if sight.cpu is not None:
            sight = replace(sight, cpu=10 + cpu * number, read=read * number)
        life = fold(life, sight)
        verdicts.append(judge(life, sight, LIMITS))
    return verdicts


def wedged_at(verdicts: list[Verdict]) -> int | None:
    """Seconds from the first sight to the first verdict of wedged."""
    return next((5 * number for number, verdict in enumerate(verdicts) if isinstance(verdict, Wedged)), None)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([Sight(0, 0)], Gone()),
        ([IDLE, Sight(0, 0)], Gone()),
        ([SILENT] * 12, Starting()),
        ([SILENT] * 5 + [IDLE], Alive()),
        ([IDLE], Alive()),
        ([RUNS], Busy()),
        ([RUNS] * 10_000, Busy()),
        ([IDLE] + [SILENT] * 5, Busy()),
        ([IDLE] + [SILENT] * 5 + [IDLE], Alive()),
        ([RUNS, DEAD], Busy()),
        ([RUNS, DEAD, DEAD], Busy()),
    ],
)
def test_what_is_no_reason_to_restart(seen: list[Sight], expected: Verdict) -> None:
    verdicts = after(seen)
    assert verdicts[-1] == expected
    assert wedged_at(verdicts) is None


@pytest.mark.parametrize(
    ("seen", "cpu", "read", "seconds", "why"),
    [
        ([SILENT], 0.0, 0, 60, "did not answer within 60 s of its start"),
        ([IDLE, SILENT], 0.0, 0, 30, "neither answered nor done anything for 30 s"),
        ([IDLE, SILENT], 0.1, 0, 30, "neither answered nor done anything for 30 s"),
        ([RUNS, SILENT], 5.0, 0, 120, "has not answered for 120 s"),
        ([RUNS, SILENT], 0.0, 4096, 120, "has not answered for 120 s"),
        ([RUNS, replace(SILENT, cpu=None, read=None)], 0.0, 0, 120, "has not answered for 120 s"),
        ([RUNS, DEAD], 0.0, 0, 15, "worker thread has died"),
        ([RUNS, DEAD], 5.0, 0, 15, "worker thread has died"),
        ([IDLE, replace(IDLE, deaths=1)], 0.0, 0, 15, "worker thread has died"),
    ],
)
def test_what_is_wedged_and_when(seen: list[Sight], cpu: float, read: int, seconds: int, why: str) -> None:
    verdicts = after([*seen, *[seen[-1]] * 60], cpu, read)
    assert wedged_at(verdicts) == seconds
    assert why in str(verdicts[seconds // 5])


def test_a_queue_that_moves_on_disproves_what_the_log_said() -> None:
    moved = replace(DEAD, running=("b",))
    assert wedged_at(after([DEAD, *[moved] * 100])) is None


def test_a_worker_that_dies_after_a_false_alarm_is_noticed() -> None:
    alarm = [DEAD, *[replace(DEAD, running=("b",))] * 10]
    died = replace(DEAD, running=("b",), deaths=2)
    assert wedged_at(after([*alarm, *[died] * 5])) == 5 * len(alarm) + 10


def test_another_process_begins_another_life() -> None:
    assert wedged_at(after([*[DEAD] * 2, *[replace(RUNS, pid=8)] * 100])) is None
    assert after([*[IDLE, *[SILENT] * 5], replace(SILENT, pid=8)])[-1] == Starting()


def test_an_interrupted_silence_begins_anew() -> None:
    assert wedged_at(after([IDLE, *[SILENT] * 5, IDLE, *[SILENT] * 5])) is None


@pytest.mark.parametrize("kind", [SILENT, DEAD])
def test_time_in_which_nobody_looked_counts_for_nothing(kind: Sight) -> None:
    life = fold(fold(NOBODY, replace(RUNS, at=0)), replace(kind, at=5))
    late = replace(kind, at=10_000)
    # Of the gap, thirty seconds count: the silence is as long as may be, and the worker has been dead for long enough.
    verdict = judge(fold(life, late), late, replace(LIMITS, silent=36, confirm=31))
    assert verdict == Busy()
    assert isinstance(judge(fold(life, late), late, replace(LIMITS, silent=35, confirm=30)), Wedged)
