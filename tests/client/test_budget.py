"""What a job's time says: the rules of its budget, and every way in which it can be spent on a real engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from client import engine_events
from client.budget import LEAST_SILENCE_SECONDS, budget, meter
from client.estimate.model import Estimate, StageEstimate, budget_seconds
from client.jobs import Job, JobManager
from client.overseer import Limits, Overseer
from client.pace import Pace
from client.states import Cancelled, Failed, JobState, Queued, Running, Succeeded, is_final
from tests.support.draft import start_draft
from tests.support.gate import Gate
from workflows.errors import StudioError
from workflows.request import Request, parse

PACE = Pace(tick=0.02, look=0.1, blind=0.05, queue=0.05, doubt=0.3, goodbye=5.0)
FAST = 20.0
"""How much faster the budget's clock runs than ours: its minute is three of our seconds."""


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


@pytest.fixture(scope="module")
def paced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """An engine whose sampler does as it is told: its address, and the file that tells it."""
    base = tmp_path_factory.mktemp("paced")
    process, url = start_draft(base, module="tests.support.paced")
    yield url, base / "pace"
    process.terminate()
    process.wait(20)


class Studio:
    """A manager on the paced engine; `notes` are what it has said of its jobs' time, `gate.seen` what it has asked."""

    def __init__(self, data: Path, gate: Gate, limits: Limits) -> None:
        self.gate = gate
        self.is_open = True
        self.manager = JobManager(data, gate.url, PACE, limits=limits)

    def close(self) -> None:
        """End what still runs, once."""
        if self.is_open:
            self.is_open = False
            self.manager.close()

    def posts(self, path: str) -> int:
        return sum(line.startswith(f"POST {path} ") for line in self.gate.seen)

    def watch(
        self, job: Job, until: Callable[[JobState], bool] = is_final, seconds: float = 60
    ) -> tuple[JobState, set[str]]:
        """The state that was waited for, and the notes seen on the way there."""
        notes, deadline = set(), time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.manager.get(job.id)
            assert found is not None
            notes.add(getattr(found.state, "note", ""))
            if until(found.state):
                return found.state, notes
            time.sleep(0.005)
        raise AssertionError(f"still {found.state} after {seconds} s")


Start = Callable[..., Studio]


@pytest.fixture
def start(paced: tuple[str, Path], tmp_path: Path) -> Iterator[Start]:
    """Starts a studio: `start(*lines)`, each line an order for one run of the sampler."""
    url, orders = paced
    opened: list[Studio] = []

    def studio(*lines: str, cap: float | None = None, queue: float | None = None, ours: bool = False) -> Studio:
        orders.write_text("\n".join(lines))
        limits = Limits(cap, queue, ours, clock=lambda: FAST * time.monotonic())
        opened.append(Studio(tmp_path, gate, limits))
        return opened[-1]

    with Gate(url, {}) as gate:
        yield studio
        for one in opened:
            one.close()
        requests.post(f"{url}/queue", json={"clear": True}, timeout=10)
        requests.post(f"{url}/interrupt", timeout=10)


def request(seed: int, **values: object) -> Request:
    # The preset with one sampler, so that one line is one attempt.
    small = {"width": 256, "height": 256, "seconds": 1, "preset": "fast"}
    return parse("t2v", {"prompt": "a test", "seed": seed, **small, **values})


def test_a_silent_job_is_sent_once_more_and_then_ends_well(start: Start) -> None:
    studio = start("hang", "go")
    job = studio.manager.submit(request(11), "me")
    state, notes = studio.watch(job)
    assert isinstance(state, Succeeded)
    assert "Retrying with more time." in notes
    assert any(note.startswith("No progress for ") for note in notes)
    assert studio.posts("/prompt") == 2
    assert studio.posts("/free") == 0


def test_a_job_that_falls_silent_twice_fails_and_says_what_it_had_reached(start: Start) -> None:
    studio = start("hang", "hang", "hang", ours=True)
    job = studio.manager.submit(request(12), "me")
    state, _ = studio.watch(job)
    assert isinstance(state, Failed)
    assert (state.code, state.retryable) == ("engine_silent", True)
    assert "%" in state.message
    assert studio.posts("/prompt") == 2
    assert studio.posts("/free") == 2


def test_a_job_that_goes_on_is_given_more_time(start: Start) -> None:
    studio = start("step 50 0.1")
    job = studio.manager.submit(request(13), "me")
    state, notes = studio.watch(job)
    assert isinstance(state, Succeeded)
    assert any(note.startswith("It takes longer than expected") for note in notes)
    assert studio.posts("/prompt") == 1


def test_a_job_that_goes_on_is_ended_at_the_cap(start: Start) -> None:
    studio = start("step 1000 0.1", cap=70)
    job = studio.manager.submit(request(14), "me")
    state, _ = studio.watch(job)
    assert isinstance(state, Failed)
    assert state.code == "budget_spent"
    assert studio.posts("/prompt") == 1
    assert requests.get(f"{studio.gate.url}/queue", timeout=10).json()["queue_running"] == []


def test_a_job_may_wait_as_long_as_it_takes(start: Start) -> None:
    studio = start("step 50 0.1", "go")
    first = studio.manager.submit(request(15), "somebody")
    studio.watch(first, lambda state: isinstance(state, Running))
    second = studio.manager.submit(request(16), "me")
    state, _ = studio.watch(second)
    assert isinstance(state, Succeeded)
    assert studio.posts("/prompt") == 2


def test_a_job_that_waits_for_longer_than_it_may_is_taken_back(start: Start) -> None:
    studio = start("hang", "go", queue=20)
    first = studio.manager.submit(request(17), "somebody")
    studio.watch(first, lambda state: isinstance(state, Running))
    second = studio.manager.submit(request(18), "me")
    state, _ = studio.watch(second)
    assert isinstance(state, Failed)
    assert state.code == "queue_timeout"
    assert requests.get(f"{studio.gate.url}/queue", timeout=10).json()["queue_pending"] == []
    studio.manager.cancel(first.id)
    assert isinstance(studio.watch(first)[0], Cancelled)


def test_a_restart_of_the_studio_gives_no_third_attempt(start: Start) -> None:
    studio = start("hang", "hang", "go")
    job = studio.manager.submit(request(19), "me")
    studio.watch(job, lambda state: isinstance(state, Queued) and state.note == "Retrying with more time.")
    studio.watch(job, lambda state: isinstance(state, Running))
    studio.close()
    again = Studio(studio.manager.folder.parent, studio.gate, Limits(clock=lambda: FAST * time.monotonic()))
    try:
        state, _ = again.watch(job)
    finally:
        again.close()
    assert isinstance(state, Failed)
    assert state.code == "engine_silent"
    assert studio.posts("/prompt") == 2


def test_a_cancel_is_obeyed_while_a_job_hangs(start: Start) -> None:
    studio = start("hang")
    job = studio.manager.submit(request(20), "me")
    studio.watch(job, lambda state: isinstance(state, Running))
    studio.manager.cancel(job.id)
    assert isinstance(studio.watch(job)[0], Cancelled)
    assert studio.posts("/prompt") == 1


@pytest.mark.parametrize("ours", [True, False])
def test_memory_that_ran_out_is_freed_on_our_own_engine_only(start: Start, ours: bool) -> None:
    studio = start("oom", ours=ours)
    job = studio.manager.submit(request(21), "me")
    state, _ = studio.watch(job)
    assert isinstance(state, Failed)
    assert state.code == "out_of_memory"
    assert studio.posts("/free") == (1 if ours else 0)


def test_one_call_makes_a_smaller_video_where_memory_ran_out(start: Start) -> None:
    studio = start("oom", "go")
    job = studio.manager.submit(request(22, width=512, height=512, seconds=2), "me")
    studio.watch(job)
    failed = studio.manager.get(job.id)
    assert failed is not None
    changes = studio.manager.fitting(failed)
    assert changes
    smaller = studio.manager.retry_smaller(job.id)
    assert smaller.retry_of == job.id
    assert {name: smaller.values[name] for name in changes if name != "preset"} == {
        name: value for name, value in changes.items() if name != "preset"
    }
    assert isinstance(studio.watch(smaller)[0], Succeeded)
    with pytest.raises(StudioError) as caught:
        studio.manager.retry_smaller(smaller.id)
    assert caught.value.code == "nothing_smaller"
