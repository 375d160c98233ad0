"""What runs teach: the fit, what it is not misled by, and what one run's events say."""

import json
import math
import random

import pytest

from client.engine import Engine
from client.estimate import facts, history, prior
from client.estimate.device import device
from client.estimate.estimator import Estimator, Sent
from client.estimate.learning import REST, Observation, learn
from client.estimate.lesson import lesson
from client.estimate.predict import History, estimate
from client.estimate.recorder import plan_of
from client.estimate.timings import Timings, after
from client.events import Cached, Ending, Executing, NodeProgress, Started, decode
from client.machine import single
from client.reducer import Track, reduce
from client.store import Store
from tests.support import captures
from workflows import manifest
from workflows.build import build
from workflows.checking import sample

ME = "11111111-1111-4111-8111-111111111111"
GPU = device(draft=False, name="NVIDIA GeForce RTX 4090", type_="cuda", vram_gb=25.5, ram_gb=64)
SPREAD = 0.4
TILES = 12


def runs(*factors, kind="sample", prior_seconds=10.0, mode=""):
    return [Observation(kind, prior_seconds, factor * prior_seconds, mode) for factor in factors]


def factor(observations, kind="sample", prior_seconds=10.0, mode=""):
    return learn(observations, SPREAD).factor(kind, prior_seconds, mode)[0]


def test_nothing_learnt_leaves_the_prior_as_it_is():
    found, sigma = learn([], SPREAD).factor("sample", 10.0)
    assert found == 1.0
    assert sigma >= SPREAD


def test_one_run_teaches_most_and_five_nearly_all():
    assert factor(runs(2.0)) == pytest.approx(2.0, rel=0.15)
    assert factor(runs(2.0, 2.0, 2.0, 2.0, 2.0)) == pytest.approx(2.0, rel=0.02)


def test_the_range_narrows_with_every_run():
    sigmas = [learn(runs(*[1.3] * count), SPREAD).factor("sample", 10.0)[1] for count in (0, 1, 3, 10)]
    assert sigmas == sorted(sigmas, reverse=True)
    assert sigmas[-1] < 0.12


@pytest.mark.parametrize("disturbed", [(0,), (1,), (4,), (0, 3)])
def test_runs_beside_other_work_do_not_spoil_it(disturbed):
    factors = [3.0 if place in disturbed else 1.0 for place in range(6)]
    assert factor(runs(*factors)) == pytest.approx(1.0, rel=0.06)


def test_of_two_runs_that_differ_the_faster_is_believed():
    assert factor(runs(1.0, 3.0)) < 1.25
    assert factor(runs(3.0, 1.0)) < 1.25


def test_a_machine_that_has_changed_is_followed():
    assert factor(runs(*[1.0] * 20, *[0.5] * 12)) == pytest.approx(0.5, rel=0.1)
    assert factor(runs(*[1.0] * 10, *[1.6] * 20)) == pytest.approx(1.6, rel=0.1)


def test_what_grows_faster_than_assumed_is_seen_from_the_sizes():
    seen = [Observation("sample", size, size**1.2) for size in (2.0, 5.0, 12.0, 30.0, 3.0, 20.0, 8.0)]
    for size in (4.0, 25.0, 60.0):
        assert factor(seen, prior_seconds=size) == pytest.approx(size**0.2, rel=0.12)


def test_one_kind_of_work_tells_of_the_others_on_the_same_part_of_the_machine():
    seen = runs(2.0, 2.0, 2.0) + runs(2.0, 2.0, 2.0, kind="text")
    assert factor(seen, kind="decode") > 1.5
    assert factor(seen, kind="save") == 1.0
    assert factor(seen, kind="load") == 1.0


def test_a_mode_s_own_ways_stay_its_own():
    seen = []
    for _ in range(4):
        seen += runs(1.0, mode="t2v") + runs(1.05, mode="i2v") + runs(2.0, mode="style") + runs(1.9, mode="keyframe")
    assert factor(seen, mode="style") == pytest.approx(2.0, rel=0.15)
    assert factor(seen, mode="t2v") == pytest.approx(1.0, rel=0.15)


def test_where_modes_do_not_differ_a_disturbed_run_gives_none_a_way_of_its_own():
    seen = []
    for mode in ("t2v", "i2v", "a2v", "keyframe") * 2:
        seen += runs(1.0, mode=mode)
    assert factor([*seen, *runs(3.0, mode="style")], mode="style") < 1.2


def test_noise_does_not_shift_the_middle():
    dice = random.Random(5)
    seen = runs(*(1.4 * dice.lognormvariate(0, 0.1) for _ in range(30)))
    assert factor(seen) == pytest.approx(1.4, rel=0.08)


def test_nonsense_is_left_out():
    nonsense = [Observation("sample", *pair) for pair in ((0.0, 5.0), (5.0, 0.0), (5.0, math.inf), (math.inf, 5.0))]
    assert 1.7 < factor([*nonsense, *runs(2.0, 2.0)]) < 2.1


# One run's events


def heard(*events):
    timings = Timings()
    for now, event in events:
        timings = after(timings, event, ME, now)
    return timings


def test_a_node_takes_from_its_beginning_to_the_next_one_s():
    timings = heard(
        (0.0, Started(ME)), (0.0, Cached(ME, ("1",))), (0.5, Executing(ME, "2")), (2.5, Executing(ME, "3")),
        (3.0, Ending(ME)),
    )  # fmt: skip
    assert timings.complete
    assert timings.spans == {"2": 2.0, "3": 0.5}
    assert (timings.seconds, timings.cached) == (3.0, {"1"})


def test_steps_are_timed_from_the_first_to_the_last():
    ticks = [(10.0 + step, NodeProgress(ME, {"2": step / 8}, "2", step, 8)) for step in (1, 3, 8)]
    timings = heard((0.0, Started(ME)), (0.0, Executing(ME, "2")), *ticks, (20.0, Ending(ME)))
    assert timings.ticks["2"].step_seconds == 1.0
    assert timings.spans["2"] == 20.0


def test_news_of_others_and_after_the_end_changes_nothing():
    timings = heard((0.0, Started(ME)), (1.0, Executing(ME, "2")), (2.0, Executing("somebody", "3")), (4.0, Ending(ME)),
                    (9.0, Executing(ME, "5")), (9.0, Ending(ME)))  # fmt: skip
    assert (timings.spans, timings.seconds) == ({"2": 3.0}, 4.0)


def test_a_lost_connection_spoils_the_times():
    back = decode(json.dumps({"type": "executing", "data": {"node": "3"}}))
    timings = heard((0.0, Started(ME)), (1.0, Executing(ME, "2")), (5.0, back), (6.0, Ending(ME)))
    assert not timings.complete


def test_a_connection_made_anew_while_a_node_was_at_work_spoils_nothing():
    """The watcher makes one after every 20 seconds of silence, which loading or one step may take."""
    back = decode(json.dumps({"type": "executing", "data": {"node": "2"}}))
    timings = heard((0.0, Started(ME)), (1.0, Executing(ME, "2")), (25.0, back), (60.0, Ending(ME)))
    assert timings.complete
    assert timings.spans == {"2": 59.0}


def test_a_run_that_was_joined_half_way_is_not_complete():
    assert not heard((1.0, Executing(ME, "2")), (6.0, Ending(ME))).complete


def test_the_events_of_a_real_server_give_times_for_all_that_ran():
    (prompt_id, *_) = captures.prompt_ids("ws_a_submitter")
    timings = Timings()
    for now, frame in enumerate(captures.frames("ws_a_submitter")):
        event = decode(frame)
        if event is not None:
            timings = after(timings, event, prompt_id, float(now))
    assert timings.complete
    assert set(timings.spans) == {"1", "2", "3", "4"}
    assert sum(timings.spans.values()) <= timings.seconds


# One run's lesson


def balanced():
    mode = manifest.mode("t2v")
    request = sample(mode, mode.preset("balanced"))
    graph = build(request)
    return mode, facts.read(graph, request.shape)


def events_of(found, slower, loading=0.0, cached=frozenset()):
    """A run in which work takes `slower` times the prior, a number or one by kind, and models are loaded at first."""
    expected, now, events = prior.seconds(found, GPU), 0.0, [(0.0, Started(ME)), (0.0, Cached(ME, tuple(cached)))]
    for work in found.works:
        if work.node in cached:
            continue
        events.append((now, Executing(ME, work.node)))
        if work.kind == "sample":
            now, loading = now + loading, 0.0
        taken = (slower if isinstance(slower, float) else slower.get(work.kind, 1.0)) * expected[work.node]
        steps = work.steps or (TILES if work.kind == "decode" else 0)
        for step in range(1, steps + 1):
            share = {work.node: step / steps}
            events.append((now + taken * step / steps, NodeProgress(ME, share, work.node, step, steps)))
        now += taken
        events.append((now, NodeProgress(ME, {work.node: 1.0})))
    return [*events, (now, Ending(ME))]


def told(found, slower, loading=0.0, cached=frozenset()):
    return heard(*events_of(found, slower, loading, cached))


def loaders(found):
    return frozenset(node for load in found.loads for node in load.nodes)


def test_a_warm_run_teaches_every_kind_it_has():
    mode, found = balanced()
    taught = lesson(found, mode.name, GPU, told(found, 1.5, cached=loaders(found)), [])
    assert taught.loaded == ()
    assert {one.kind for one in taught.observations} == {"text", "sample", "upscale", "decode", "audio", "save", REST}
    assert all(one.seconds == pytest.approx(1.5 * one.prior) for one in taught.observations if one.kind != REST)


def test_a_run_that_loads_models_teaches_the_loading_and_the_pace():
    mode, found = balanced()
    taught = lesson(found, mode.name, GPU, told(found, 1.5, loading=90.0), [])
    assert {load.file for load in taught.loaded} == found.files
    seen = {}
    for one in taught.observations:
        seen.setdefault(one.kind, []).append(one)
    assert set(seen) == {"sample", "save", "load"}
    assert all(one.seconds == pytest.approx(1.5 * one.prior, rel=0.01) for one in seen["sample"])
    assert seen["load"][0].seconds == pytest.approx(90.0, rel=0.15)


def test_what_was_learnt_moves_the_estimate_and_cold_runs_do_not_spoil_it():
    mode, found = balanced()
    known, before = [], estimate(found, GPU, History(), mode)
    for loading in (60.0, 0.0, 0.0, 60.0, 0.0):
        cached = frozenset() if loading else loaders(found)
        known += lesson(found, mode.name, GPU, told(found, 1.5, loading, cached), known).observations
    made = estimate(found, GPU, History(learn(known, GPU.spread), 5, found.files), mode)
    assert made.seconds == pytest.approx(1.5 * before.seconds, rel=0.05)
    assert made.cold_seconds == pytest.approx(60.0, rel=0.15)
    assert (made.loading_seconds, made.loaded, made.runs) == (0.0, True, 5)
    assert made.high / made.low < before.high / before.low
    assert "5 finished runs" in made.basis


def reaches(count):
    """By how much less and more than expected a run may take, after so many runs that were all alike."""
    mode, found = balanced()
    known = []
    for _ in range(count):
        known += lesson(found, mode.name, GPU, told(found, 1.0, cached=loaders(found)), known).observations
    made = estimate(found, GPU, History(learn(known, GPU.spread), count, found.files), mode)
    return made.seconds / made.low, made.high / made.seconds


def test_a_range_reaches_further_up_than_down_as_whatever_disturbs_a_run_makes_it_longer():
    for less, more in map(reaches, (0, 1, 5, 20)):
        assert more > less * 1.05


def test_a_range_leaves_room_for_what_few_runs_have_not_shown():
    widths = [less * more for less, more in map(reaches, (1, 2, 5, 20))]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 1.6
    assert 1.3 < widths[-1] < 1.6


def test_only_what_is_not_loaded_yet_is_expected_to_be_loaded():
    mode, found = balanced()
    made = estimate(found, GPU, History(loaded=found.files - {"ltx-2.3-spatial-upscaler-x2-1.1.safetensors"}), mode)
    assert 0 < made.loading_seconds < 0.05 * made.cold_seconds


def test_the_bar_of_a_run_moves_with_time():
    mode, found = balanced()
    ways = {"sample": 0.6, "decode": 2.5, "save": 1.5, "text": 2.0}
    known = []
    for _ in range(5):
        known += lesson(found, mode.name, GPU, told(found, ways, cached=loaders(found)), known).observations
    for learnt, most in ((learn([], GPU.spread), 1.0), (learn(known, GPU.spread), 0.10)):
        plan = plan_of(estimate(found, GPU, History(learnt), mode))
        track, off = Track(ME, plan), []
        events = events_of(found, ways, cached=loaders(found))
        for now, event in events:
            track = reduce(track, event, now)
            off.append(abs(track.state.fraction - now / events[-1][0]))
        assert track.state.fraction == pytest.approx(1.0)
        assert max(off) <= most
        if most == 1.0:
            assert max(off) > 0.15, "the ways of this device are as was assumed, so that nothing is shown here"


def test_a_run_on_an_engine_that_has_run_before_is_judged_without_loading(tmp_path):
    mode, found = balanced()
    request = sample(mode, mode.preset("balanced"))
    machine = single("NVIDIA GeForce RTX 4090", "cuda", 25.5, 64.0)
    engine = Engine("", "alive", device="NVIDIA GeForce RTX 4090", machine=machine)
    store = Store(tmp_path / "studio.db")
    estimator = Estimator(store, lambda: engine, tmp_path)
    sent = Sent(build(request), "t2v", "balanced", request.shape)
    expected = estimator.sent(sent)
    assert expected.loading_seconds > 10
    for cached, extra in ((loaders(found), 0.0), (frozenset(), expected.loading_seconds)):
        estimator = Estimator(store, lambda: engine, tmp_path)
        estimator.learn(sent, told(found, 1.0, extra, cached))
        run, *_ = history.runs(store)
        assert run.cold is bool(extra)
        assert run.error < 0.1
    store.close()
