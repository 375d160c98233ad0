"""What a job's time says: the rules of its budget. How it is spent on an engine is in test_attempts."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import engine_events
from client.budget import LEAST_SILENCE_SECONDS, budget, meter
from client.estimate.model import Estimate, StageEstimate, budget_seconds
from client.overseer import Limits, Overseer


def estimate(seconds: float, step: float = 1.0, loading: float = 0.0) -> Estimate:
    stage = StageEstimate("Sampling", seconds, step, (("1", seconds),))
    return Estimate(seconds, 0.8 * seconds, 1.25 * seconds, loading, None, 1000, (stage,), 0, "test", loading)


class Motion:
    """A job on an engine that reports progress at the times that it is given."""

    def __init__(self, expected: float, cap: float | None, hangs_at: float, end: float, pause: float) -> None:
        self.meter = meter(budget(estimate(expected), cap)).run(0.0)
        self.hangs_at, self.end, self.pause = hangs_at, end, pause

    def follow(self) -> tuple[str, float]:
        """How it ends, and after how many seconds of execution."""
        now = 0.0
        while True:
            now += self.pause
            if now < self.hangs_at:
                if now >= self.end:
                    return "ended", now
                self.meter = self.meter.progress(now)
            verdict = self.meter.verdict(now, "Sampling")
            if verdict in ("silent", "over"):
                return verdict, now
            if verdict == "longer":
                self.meter = self.meter.extend(now, min(now, self.hangs_at) / self.end)


unhurried = settings(deadline=None)
expected_seconds = st.floats(1, 600)
caps = st.none() | st.floats(60, 3600)


@unhurried
@given(expected_seconds, caps, st.floats(0, 1))
def test_a_hang_is_found_soon_after_the_budget_and_never_after_the_cap(
    expected: float, cap: float | None, share: float
) -> None:
    whole = budget(estimate(expected), cap)
    assert whole.seconds is not None
    hangs_at = share * min(whole.seconds, expected)
    said, after = Motion(expected, cap, hangs_at, expected + 1e9, 0.5).follow()
    assert said in ("silent", "over")
    assert after <= 1.5 * whole.seconds + 0.5
    assert cap is None or after <= cap + 0.5


@unhurried
@given(expected_seconds, st.floats(0, 1))
def test_a_hang_where_long_silence_is_usual_is_found_after_one_and_a_half_budgets(
    expected: float, share: float
) -> None:
    job = Motion(expected, None, float("inf"), float("inf"), 0.5)
    # A decoder that reports nothing while it is at work.
    silent = replace(estimate(expected), stages=(StageEstimate("Sampling", expected, 0.0, (("1", expected),)),))
    whole = budget(silent, None)
    assert whole.seconds is not None
    job.meter, job.hangs_at = meter(whole).run(0.0), share * whole.seconds
    said, after = job.follow()
    assert said == "silent"
    assert after <= 1.5 * whole.seconds + 0.5


@unhurried
@given(expected_seconds, caps)
def test_where_no_progress_can_be_heard_a_job_has_one_and_a_half_budgets(expected: float, cap: float | None) -> None:
    whole = budget(estimate(expected), cap)
    assert whole.seconds is not None
    job = meter(whole).run(0.0)
    assert job.verdict(0.999 * whole.seconds, "Sampling", heard=False) == "fine"
    if whole.seconds == cap:
        assert job.verdict(whole.seconds, "Sampling", heard=False) == "over"
        return
    assert job.verdict(whole.seconds, "Sampling", heard=False) == "longer"
    job = job.extend(whole.seconds, 0.0)
    assert job.verdict(job.granted - 0.001, "Sampling", heard=False) == "fine"
    assert job.verdict(job.granted + 0.001, "Sampling", heard=False) in ("silent", "over")


@unhurried
@given(expected_seconds, st.floats(0.2, 8))
def test_a_job_that_goes_on_is_never_ended_where_there_is_no_cap(expected: float, slower: float) -> None:
    said, _ = Motion(expected, None, float("inf"), expected * slower, 0.5).follow()
    assert said == "ended"


@unhurried
@given(expected_seconds, st.floats(60, 3600), st.floats(0.2, 8))
def test_a_job_that_goes_on_is_ended_at_the_cap_and_not_before(expected: float, cap: float, slower: float) -> None:
    said, after = Motion(expected, cap, float("inf"), expected * slower, 0.5).follow()
    assert after <= cap + 0.5
    if expected * slower < cap - 0.5:
        assert said == "ended"
    elif expected * slower > cap + 0.5:
        assert said == "over"


@unhurried
@given(expected_seconds, caps, st.lists(st.floats(0, 5000), max_size=6))
def test_nothing_is_spent_while_a_job_waits(expected: float, cap: float | None, waits: list[float]) -> None:
    now, watched = 0.0, meter(budget(estimate(expected), cap))
    for wait in waits:
        now += wait
        assert watched.verdict(now) == "fine"
        watched = watched.run(now)
        now += 1.0
        watched = watched.pause(now)
    assert watched.spent(now + 9e9) == pytest.approx(len(waits))


@unhurried
@given(expected_seconds, caps)
def test_a_second_attempt_has_twice_the_time_within_the_cap(expected: float, cap: float | None) -> None:
    first, second = (budget(estimate(expected), cap, attempt).seconds for attempt in (1, 2))
    assert first is not None
    assert second is not None
    assert first == budget_seconds(estimate(expected), cap)
    assert second == pytest.approx(
        2 * budget_seconds(estimate(expected), None)
        if cap is None
        else min(cap, 2 * budget_seconds(estimate(expected), None))
    )


def test_without_an_estimate_the_cap_alone_counts() -> None:
    assert budget(None, 900).seconds == 900
    assert meter(budget(None, None)).run(0).verdict(9e9) == "fine"


def test_the_wait_between_two_steps_comes_from_the_estimate() -> None:
    quick, slow = budget(estimate(40, step=0.5), None), budget(estimate(4000, step=100), None)
    assert quick.silence("Sampling") == LEAST_SILENCE_SECONDS
    assert slow.silence("Sampling") == pytest.approx(4 * 1.25 * 100)
    assert budget(estimate(40, step=0.5, loading=70), None).silence("Sampling") == LEAST_SILENCE_SECONDS + 70


def test_an_engine_that_the_kernel_has_ended_is_told_from_one_that_was_restarted(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    overseer = Overseer(Limits(events=tmp_path))
    engine_events.append(tmp_path, "ended", engine_events.OUT_OF_MEMORY)
    assert overseer.loss(time.time() + 60).code == "engine_lost"
    assert overseer.loss(time.time() - 60).code == "engine_out_of_memory"
    assert Overseer(Limits()).loss(0).code == "engine_lost"
