"""How far a job is and how long it has to go between the signs that are heard of it."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.__main__ import moment
from client.estimate.model import Estimate, StageEstimate
from client.estimate.recorder import plan_of
from client.events import Ending, Event, Executing, NodeProgress, Started
from client.job import Job
from client.reducer import Track, reduce, unanswered
from client.standing import hear, standing
from client.states import Running
from client.views import InProgress
from workflows.grid import Shape

ME = "11111111-1111-4111-8111-111111111111"
STAGES = (
    StageEstimate("Reading", 10.0, 0.0, (("text", 10.0),)),
    StageEstimate("Sampling", 60.0, 7.5, (("guider", 0.0), ("sampler", 60.0))),
    StageEstimate("Decoding", 30.0, 0.0, (("decoder", 30.0),)),
)
STEPS = 8
WARM = Estimate(100.0, 80.0, 125.0, 45.0, 20.0, 1000, STAGES, 5, "test")
COLD = replace(WARM, loading_seconds=45.0)


def begun(expected: Estimate | None) -> Track:
    """A job that began at 0."""
    plan = plan_of(WARM)
    assert plan is not None
    return reduce(Track(ME, plan, expected=expected), Started(ME), 0.0)


def at(track: Track, now: float) -> Running:
    """How it stands."""
    state = standing(track, now)
    assert isinstance(state, Running)
    return state


def run(pace: float, loading: float) -> list[tuple[float, Event]]:
    """What is heard of a run whose models are loaded before the sampler's first step: no word of a node's end."""
    now, events = 10.0 * pace, [(0.0, Executing(ME, "text")), (10.0 * pace, Executing(ME, "sampler"))]
    for step in range(1, STEPS + 1):
        now += 7.5 * pace + (loading if step == 1 else 0.0)
        events.append((now, NodeProgress(ME, {"sampler": step / STEPS}, "sampler", step, STEPS)))
    events.append((now, Executing(ME, "decoder")))
    return [*events, (now + 30.0 * pace, NodeProgress(ME, {"decoder": 1.0})), (now + 30.0 * pace, Ending(ME))]


def shown(expected: Estimate, heard: list[tuple[float, Event]]) -> list[tuple[float, float]]:
    """What a bar shows that is looked at twice a second, and at all that is heard."""
    track, seen, now = begun(expected), [], 0.0
    for then, event in heard:
        while now < then:
            seen.append((now, at(track, now).fraction))
            now += 0.5
        track = hear(track, event, then)
        seen.append((then, at(track, then).fraction))
    return seen


def furthest_off(seen: list[tuple[float, float]]) -> float:
    """How far a bar was from where the time was."""
    end = seen[-1][0]
    return max(abs(fraction - now / end) for now, fraction in seen)


@pytest.mark.parametrize("loading", [0.0, 30.0, 45.0, 60.0])
@pytest.mark.parametrize("pace", [0.8, 1.0, 1.3])
def test_the_bar_moves_with_time_whether_models_are_loaded_or_not(loading: float, pace: float) -> None:
    expected = replace(WARM, loading_seconds=loading)
    assert furthest_off(shown(expected, run(pace, loading))) < 0.10


@settings(deadline=None)
@given(st.floats(0.2, 5), st.floats(0, 100), st.floats(0, 100), st.randoms())
def test_the_bar_never_falls_and_ends_full(pace: float, thought: float, took: float, dice: random.Random) -> None:
    heard = [(now + dice.random() * 0.01, event) for now, event in run(pace, took)]
    seen = [
        fraction for _, fraction in shown(replace(WARM, loading_seconds=thought), sorted(heard, key=lambda o: o[0]))
    ]
    assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(seen))
    assert seen[-1] == pytest.approx(1.0)


def test_a_node_that_counts_steps_after_all_does_not_throw_the_bar_back() -> None:
    track = reduce(begun(WARM), Executing(ME, "decoder"), 70.0)
    before = at(track, 90.0).fraction
    track = hear(track, NodeProgress(ME, {"decoder": 0.01}, "decoder", 1, 100), 90.0)
    assert at(track, 90.0).fraction == before
    track = hear(track, NodeProgress(ME, {"decoder": 0.95}, "decoder", 95, 100), 97.0)
    assert at(track, 97.0).fraction > before


def test_a_sampler_gets_no_further_than_its_next_step() -> None:
    track = reduce(begun(WARM), Executing(ME, "sampler"), 10.0)
    assert at(track, 500.0).fraction == pytest.approx(0.6 / STEPS)
    track = reduce(track, NodeProgress(ME, {"sampler": 0.5}, "sampler", 4, STEPS), 500.0)
    assert at(track, 503.75).fraction == pytest.approx(0.3 + 0.3 / STEPS)
    assert at(track, 900.0).fraction == pytest.approx(0.3 + 0.6 / STEPS)


def test_the_time_left_is_the_estimate_at_first_with_its_own_range() -> None:
    state = at(begun(COLD), 0.0)
    assert (state.eta, state.eta_low, state.eta_high) == (145.0, 125.0, 170.0)
    later = at(begun(COLD), 20.0)
    assert (later.eta, later.eta_low, later.eta_high) == (125.0, 105.0, 150.0)


def test_the_time_left_follows_the_pace_that_a_job_shows() -> None:
    track = begun(WARM)
    for now, event in run(3.0, 0.0):
        if now <= 150.0:
            track = reduce(track, event, now)
    state = at(track, 150.0)
    assert state.eta is not None
    assert state.eta_low is not None
    assert state.eta_high is not None
    assert 80 < state.eta < 150
    assert state.eta_low / state.eta == pytest.approx(0.8)
    assert state.eta_high / state.eta == pytest.approx(1.25)


def test_a_job_whose_engine_does_not_answer_stands_still() -> None:
    track = reduce(begun(WARM), Executing(ME, "text"), 0.0)
    away = unanswered(unanswered(track, 4.0), 6.0)
    assert at(away, 60.0).fraction == pytest.approx(at(track, 4.0).fraction)
    assert at(away, 60.0).eta is None
    back = reduce(away, InProgress(), 60.0)
    assert at(back, 60.0).eta is not None
    assert at(back, 60.0).fraction >= at(away, 60.0).fraction


def test_a_line_of_json_is_not_printed_for_the_passing_of_time_alone() -> None:
    def job(now: float) -> Job:
        state = standing(reduce(begun(WARM), Executing(ME, "text"), 0.0), now)
        shape = Shape(256, 256, 9, 24.0)
        return Job(ME, "me", "t2v", "fast", {}, shape, state, (), 0.0, 0.0, None, False, None, None, None)

    assert job(1.0).state != job(1.1).state
    assert moment(job(1.0)) == moment(job(1.1))
    assert moment(job(1.0)) != moment(job(9.0))
