"""What a client hears, against what was recorded from ComfyUI 0.27.0 running the same graph."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.draft.shapes import outline, settled, transcript
from tests.support import captures
from tests.support.comfy_client import Listener, Message, executed_nodes, messages, unused_color, video

WORKFLOW = {"extra_pnginfo": {"workflow": {"id": "wf-123"}}}


def recorded(name: str) -> list[Message | bytes]:
    return [json.loads(frame) if isinstance(frame, str) else frame for frame in captures.frames(name)]


def only(frames: list[Message | bytes], kind: str) -> dict[str, Any]:
    (found,) = messages(frames, kind)
    data: dict[str, Any] = found["data"]
    return data


@pytest.fixture(scope="module")
def first_run(own_url: str) -> tuple[str, list[Message | bytes]]:
    """(prompt id, all frames) of the very first prompt of an engine."""
    with Listener(own_url) as listener:
        prompt_id = listener.submit(video(), extra_data=WORKFLOW)
        listener.follow(prompt_id)
        return prompt_id, listener.heard


def test_a_run_is_told_as_comfyui_tells_it(first_run: tuple[str, list[Message | bytes]]) -> None:
    assert transcript(first_run[1]) == transcript(recorded("ws_a_submitter"))


def test_its_history_entry_is_comfyuis(own_url: str, first_run: tuple[str, list[Message | bytes]]) -> None:
    answer = requests.get(f"{own_url}/history/{first_run[0]}").json()
    assert settled(answer) == settled(captures.answer("history_video"))


def test_its_job_is_comfyuis(own_url: str, first_run: tuple[str, list[Message | bytes]]) -> None:
    answer = requests.get(f"{own_url}/api/jobs/{first_run[0]}").json()
    assert settled(answer) == settled(captures.answer("job_video"))
    assert list(answer) == list(captures.answer("job_video"))


@pytest.mark.usefixtures("first_run")
def test_a_second_run_is_cached_and_told_as_comfyui_tells_it(own_url: str) -> None:
    with Listener(own_url, flags=False) as listener:
        frames = listener.run(video())
        heard = transcript(listener.heard)
    assert heard == transcript(recorded("ws_b_cached"))
    prompt_id = messages(frames, "execution_start")[0]["data"]["prompt_id"]
    answer = requests.get(f"{own_url}/history/{prompt_id}").json()
    expected = captures.answer("history_video_cached")
    for entry in (*answer.values(), *expected.values()):
        entry["status"]["messages"][1][1]["nodes"].sort()
    assert settled(answer) == settled(expected)


@pytest.mark.usefixtures("first_run")
def test_only_what_a_change_reaches_runs_again(own_url: str) -> None:
    with Listener(own_url) as listener:
        listener.run(video())
        renamed = listener.run(video(prefix="probe/other"))
        assert sorted(only(renamed, "execution_cached")["nodes"]) == ["1", "2", "3"]
        assert executed_nodes(renamed) == ["4"]
        recolored = listener.run(video(color=unused_color(), prefix="probe/other"))
        assert sorted(only(recolored, "execution_cached")["nodes"]) == ["2"]
        assert executed_nodes(recolored) == ["1", "3", "4"]
        # Results of an older prompt are not kept: the memory is bounded.
        again = listener.run(video(prefix="probe/other"))
        assert executed_nodes(again) == ["1", "3", "4"]


def test_freeing_memory_forgets_results(own_url: str) -> None:
    with Listener(own_url) as listener:
        listener.run(video())
        assert requests.post(f"{own_url}/free", json={"unload_models": True}).status_code == 200
        assert executed_nodes(listener.run(video())) == []
        answer = requests.post(f"{own_url}/free", json={"unload_models": True, "free_memory": True})
        assert (answer.status_code, answer.content) == (200, b"")
        assert sorted(executed_nodes(listener.run(video()))) == ["1", "2", "3", "4"]


def test_equal_nodes_run_once(listener: Listener) -> None:
    color = unused_color()
    one = video(color)
    twin = {f"1{key}": {**node, "inputs": _shifted(node["inputs"])} for key, node in video(color).items()}
    frames = listener.run({**one, **twin})
    # The sound may be cached from an earlier prompt.
    assert [node for node in executed_nodes(frames) if node not in ("2", "12")] == ["1", "3", "4"]
    shown = {message["data"]["node"]: message["data"]["output"] for message in messages(frames, "executed")}
    assert shown["4"] == shown["14"]
    assert shown["11"] is None


def _shifted(inputs: dict[str, Any]) -> dict[str, Any]:
    return {name: [f"1{value[0]}", value[1]] if isinstance(value, list) else value for name, value in inputs.items()}


def test_a_failure_is_told_as_comfyui_tells_it(listener: Listener) -> None:
    prompt_id = listener.submit(video(unused_color(), prefix="../outside"))
    frames = listener.follow(prompt_id)
    kinds = [message["type"] for message in messages(frames)][-3:]
    assert kinds == ["execution_error", "status", "executing"]
    error, expected = only(frames, "execution_error"), only(recorded("ws_c_error_value"), "execution_error")
    assert outline({**error, "current_inputs": {}}) == outline({**expected, "current_inputs": {}})
    assert (error["node_id"], error["node_type"], error["exception_type"]) == ("4", "SaveVideo", "ValueError")
    assert error["exception_message"].endswith("\n")
    assert [*error["executed"], "4"] == executed_nodes(frames)
    assert sorted(error["current_outputs"]) == ["1", "2", "3", "4"]
    assert error["current_inputs"]["filename_prefix"] == ["../outside"]
    assert not messages(frames, "executed", "execution_success")

    entry = requests.get(f"{listener.url}/history/{prompt_id}").json()[prompt_id]
    expected_entry = next(iter(captures.answer("history_error_value").values()))
    assert list(entry) == list(expected_entry)
    assert entry["status"] | {"messages": []} == expected_entry["status"] | {"messages": []}
    assert entry["outputs"] == entry["meta"] == {}
    assert entry["status"]["messages"][-1] == ["execution_error", error]
    job = requests.get(f"{listener.url}/api/jobs/{prompt_id}").json()
    assert list(job) == list(captures.answer("job_error_value"))
    assert (job["status"], job["execution_error"]) == ("failed", error)


def test_the_worker_lives_on_after_a_failure(listener: Listener) -> None:
    listener.run(video(unused_color(), prefix="../outside"))
    assert messages(listener.run(video(unused_color())), "execution_success")
