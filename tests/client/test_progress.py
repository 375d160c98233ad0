"""The decoder and the reducer over what real servers of three ages sent."""

import json
import struct

import pytest

from client.events import Ending, Executing, NodeProgress, Preview, QueueChanged, decode
from client.reducer import Track, reduce
from client.standing import standing
from client.states import Queued, Running
from client.views import InProgress, Pending
from tests.support import captures
from workflows.plan import Plan

ME = "11111111-1111-4111-8111-111111111111"
PLAN = Plan(("Load", "Sample", "Save"), {"1": (0, 0.25), "2": (1, 0.5), "4": (2, 0.25)})


def replay(name, prompt_id):
    track = Track(prompt_id, PLAN)
    states = []
    for now, frame in enumerate(captures.frames(name)):
        event = decode(frame)
        if event is not None:
            track = reduce(track, event, float(now))
            states.append(track.state)
    return track, states


def progress_of(nodes, prompt_id=ME):
    return NodeProgress(prompt_id, nodes)


@pytest.mark.parametrize("name", ["ws_a_submitter", "ws_b_cached"])
def test_a_successful_run_reaches_its_end_and_full_progress(name):
    track, states = replay(name, captures.prompt_ids(name)[0])
    assert isinstance(states[0], Queued)
    assert track.over
    assert track.state.fraction == pytest.approx(1.0)
    assert standing(track, 1e9).eta == pytest.approx(0.0)


@pytest.mark.parametrize(
    "name",
    ["ws_c_error_value", "ws_c_error_oom", "ws_c_error_core", "ws_d_interrupt_pid", "ws_d_interrupt_jobcancel"],
)
def test_errors_and_interrupts_only_hint_at_an_end(name):
    track, _ = replay(name, captures.prompt_ids(name)[0])
    assert track.over
    assert isinstance(track.state, Running)
    assert track.state.fraction < 1


@pytest.mark.parametrize("age", ["0.3.64", "0.8.0", "0.27.0"])
def test_servers_of_all_ages_give_progress_and_previews(age):
    name = f"old{age}_ws_preview"
    ids = captures.prompt_ids(name)
    seen = [replay(name, prompt_id)[0] for prompt_id in ids]
    assert any(track.over for track in seen)
    assert any(track.preview == captures.JPEG for track in seen)


@pytest.mark.parametrize("name", ["ws_f_client1", "ws_f_client2", "ws_f_noid", "ws_e_delete", "ws_a_submitter"])
def test_other_peoples_prompts_change_nothing(name):
    track, _ = replay(name, ME)
    assert not track.over
    assert track.nodes == {}


def test_fraction_never_falls_whatever_is_replayed():
    for name in ["ws_a_submitter", "ws_c_error_value", "ws_d_interrupt_pid", "old0.27.0_ws_preview"]:
        for prompt_id in captures.prompt_ids(name):
            _, states = replay(name, prompt_id)
            fractions = [state.fraction for state in states if isinstance(state, Running)]
            assert fractions == sorted(fractions)
            assert all(0 <= fraction <= 1 for fraction in fractions)


def test_stage_and_steps_follow_the_node_that_runs():
    track = reduce(Track(ME, PLAN), Executing(ME, "2"), 0.0)
    track = reduce(
        track,
        decode(json.dumps({"type": "progress", "data": {"value": 3, "max": 8, "prompt_id": ME, "node": "2"}})),
        4.0,
    )
    assert (track.state.stage, track.state.step, track.state.of) == ("Sample", 3, 8)
    assert track.state.fraction == pytest.approx(0.5 * 3 / 8)


def test_a_node_has_ended_once_another_one_runs_though_nobody_says_so():
    track = reduce(Track(ME, PLAN), Executing(ME, "1"), 0.0)
    track = reduce(track, Executing(ME, "2"), 1.0)
    assert track.state.fraction == pytest.approx(0.25)


def test_time_left_is_projected_from_the_share_done():
    track = reduce(Track(ME, PLAN), Executing(ME, "1"), 100.0)
    assert standing(track, 105.0).eta is None
    track = reduce(track, progress_of({"1": 1.0, "2": 0.5}), 110.0)
    assert track.state.fraction == pytest.approx(0.5)
    assert standing(track, 110.0).eta == pytest.approx(10.0)


def test_executing_after_a_reconnect_names_no_prompt_and_is_ours():
    event = decode('{"type": "executing", "data": {"node": "2"}}')
    track = reduce(Track(ME, PLAN), event, 0.0)
    assert track.state.stage == "Sample"


def test_a_reconnect_takes_no_step_back_and_is_no_sign_of_progress():
    step = {"type": "progress", "data": {"value": 3, "max": 8, "prompt_id": ME, "node": "2"}}
    before = reduce(Track(ME, PLAN), decode(json.dumps(step)), 4.0)
    after = reduce(before, decode('{"type": "executing", "data": {"node": "2"}}'), 30.0)
    assert (after.state.step, after.state.of) == (3, 8)
    assert not after.advanced_from(before)


def test_a_preview_without_an_id_counts_only_while_running():
    frame = struct.pack(">II", 1, 1) + captures.JPEG
    waiting = Track(ME, PLAN)
    assert reduce(waiting, decode(frame), 0.0).preview is None
    running = reduce(waiting, InProgress(), 0.0)
    assert reduce(running, decode(frame), 0.0).preview == captures.JPEG
    assert reduce(running, Preview("somebody else", captures.JPEG), 0.0).preview is None


def test_queue_positions_come_from_http_and_stop_once_running():
    track = reduce(Track(ME, PLAN), Pending(3), 0.0)
    assert track.state == Queued(3)
    track = reduce(reduce(track, InProgress(), 1.0), Pending(2), 2.0)
    assert isinstance(track.state, Running)


def test_a_changed_queue_is_worth_a_question():
    moved = reduce(Track(ME, PLAN), QueueChanged(2), 0.0)
    assert moved.moved
    assert not reduce(moved, Pending(1), 0.0).moved


@pytest.mark.parametrize(
    "frame",
    ["", "{", "[]", "null", '{"type": "executing"}', '{"type": "progress", "data": {"value": "x"}}', b"", b"\0\0\0",
     b"\0\0\0\x04\0\0\0\xff", '{"type": "crystools.monitor", "data": {}}', '{"type": "status", "data": null}'],
)  # fmt: skip
def test_frames_that_make_no_sense_decode_to_nothing(frame):
    assert decode(frame) is None


def test_executing_null_is_an_end():
    assert decode(json.dumps({"type": "executing", "data": {"node": None, "prompt_id": ME}})) == Ending(ME)
