"""The websocket: who hears what, previews, connecting again, and clients that do not read."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket

from tests.support import captures
from tests.support.comfy_client import Graph, Listener, endless, event, messages, text, unused_color, video

GRAPH = Path(__file__).parents[2] / "workflows" / "t2v.json"


def sampling() -> Graph:
    """The text-to-video graph, made small; its samplers show previews."""
    graph: Graph = json.loads(GRAPH.read_text())
    small = {
        "EmptyLTXVLatentVideo": {"width": 64, "height": 64, "length": 9},
        "LTXVEmptyLatentAudio": {"frames_number": 9},
        "RandomNoise": {"noise_seed": unused_color()},
    }
    for node in graph.values():
        node["inputs"].update(small.get(node["class_type"], {}))
    return graph


def stop(url: str) -> None:
    requests.post(f"{url}/interrupt")


def test_the_handshake(draft_url: str) -> None:
    with Listener(draft_url, client_id="shake") as listener:
        first, second = listener.heard
    assert first["type"] == "status"
    assert first["data"]["sid"] == "shake"
    assert list(first["data"]["status"]) == ["exec_info"]
    assert second == {"type": "feature_flags", "data": requests.get(f"{draft_url}/features").json()}
    recorded = json.loads(captures.frames("ws_a_submitter")[1])
    assert second == recorded


def test_a_client_without_an_id_gets_one(draft_url: str) -> None:
    socket = websocket.create_connection(draft_url.replace("http", "ws") + "/ws", timeout=10)
    sid = json.loads(socket.recv())["data"]["sid"]
    assert len(bytes.fromhex(sid)) == 16
    socket.close()


def test_flags_count_only_as_the_first_message(draft_url: str) -> None:
    with Listener(draft_url, flags=False) as listener:
        listener.socket.send("this is not JSON")
        listener.socket.send(json.dumps({"type": "hello"}))
        listener.socket.send(json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}}))
        listener.run(text("x"))
        assert not messages(listener.heard, "feature_flags")


def test_previews_with_metadata(draft_url: str) -> None:
    with Listener(draft_url) as listener:
        prompt_id = listener.submit(sampling())
        frames = listener.follow(prompt_id)
    places = [index for index, frame in enumerate(frames) if isinstance(frame, bytes)]
    assert places
    expected = next(frame for frame in captures.frames("old0.27.0_ws_preview") if isinstance(frame, bytes))
    for place in places:
        frame = frames[place]
        assert isinstance(frame, bytes)
        assert event(frame) == 4
        length = struct.unpack(">I", frame[4:8])[0]
        about = json.loads(frame[8 : 8 + length])
        assert list(about) == list(json.loads(expected[8 : 8 + struct.unpack(">I", expected[4:8])[0]]))
        assert frame[8 + length :].startswith(b"\xff\xd8\xff")
        before, after = frames[place - 1], frames[place + 1]
        assert isinstance(before, dict)
        assert isinstance(after, dict)
        assert (before["type"], after["type"]) == ("progress_state", "progress")
        assert about["prompt_id"] == prompt_id
        assert about["node_id"] == about["display_node_id"] == about["real_node_id"] == after["data"]["node"]
        state = before["data"]["nodes"][about["node_id"]]
        assert (state["value"], state["max"]) == (after["data"]["value"], after["data"]["max"])


def test_previews_without_metadata(draft_url: str) -> None:
    with Listener(draft_url, flags=False) as listener:
        frames = listener.run(sampling())
    places = [index for index, frame in enumerate(frames) if isinstance(frame, bytes)]
    assert places
    for place in places:
        frame, before = frames[place], frames[place - 1]
        assert isinstance(frame, bytes)
        assert isinstance(before, dict)
        assert struct.unpack(">II", frame[:8]) == (1, 1)
        assert frame[8:].startswith(b"\xff\xd8\xff")
        assert before["type"] == "progress"


def test_progress_begins_and_ends(listener: Listener) -> None:
    frames = listener.run(video(unused_color()))
    ticks = [message["data"] for message in messages(frames, "progress") if message["data"]["node"] == "4"]
    assert ticks[0]["value"] == 1
    assert ticks[-1]["value"] == ticks[-1]["max"] == 24
    assert [tick["value"] for tick in ticks] == sorted({tick["value"] for tick in ticks})
    assert list(ticks[0]) == ["value", "max", "prompt_id", "node"]


def test_others_hear_only_the_status(draft_url: str) -> None:
    with Listener(draft_url) as submitter, Listener(draft_url) as other:
        submitter.run(video(unused_color()))
        submitter.run(text("x"))
        other.until(lambda message: message == submitter.heard[-2])
        assert {message["type"] for message in messages(other.heard)} == {"status", "feature_flags"}
        assert all("sid" not in message["data"] for message in messages(other.heard, "status")[1:])


def test_without_a_client_id_everybody_hears_the_progress_only(draft_url: str) -> None:
    with Listener(draft_url) as bystander:
        prompt_id = requests.post(f"{draft_url}/prompt", json={"prompt": sampling()}).json()["prompt_id"]
        heard = bystander.until(_empty)
        job = requests.get(f"{draft_url}/api/jobs/{prompt_id}").json()
    assert {message["type"] for message in messages(heard)} == {"status", "progress_state", "progress"}
    assert {event(frame) for frame in heard if isinstance(frame, bytes)} == {1}
    assert job["status"] == "completed"
    assert job["outputs_count"] == 1


def _empty(message: dict[str, Any]) -> bool:
    return message["type"] == "status" and message["data"]["status"]["exec_info"]["queue_remaining"] == 0


def test_without_a_client_id_a_cached_run_has_its_outputs(draft_url: str) -> None:
    """ComfyUI leaves them out of the history."""
    graph = text(unused_color())
    with Listener(draft_url) as bystander:
        for _ in range(2):
            prompt_id = requests.post(f"{draft_url}/prompt", json={"prompt": graph}).json()["prompt_id"]
            bystander.until(_empty)
            assert requests.get(f"{draft_url}/history/{prompt_id}").json()[prompt_id]["outputs"].keys() == {"1"}


def test_an_interrupt_without_a_client_id_is_told_to_everybody(draft_url: str) -> None:
    with Listener(draft_url) as bystander:
        prompt_id = requests.post(f"{draft_url}/prompt", json={"prompt": endless()}).json()["prompt_id"]
        bystander.until(lambda message: message["type"] == "progress")
        stop(draft_url)
        (told,) = messages(bystander.until(_empty), "execution_interrupted")
        assert told["data"]["prompt_id"] == prompt_id


def test_a_client_that_connects_again_is_told_the_node(draft_url: str) -> None:
    with Listener(draft_url) as listener:
        prompt_id = listener.submit(endless())
        listener.until(lambda message: message["type"] == "progress")
    with Listener(draft_url, listener.client_id, flags=False) as again:
        status, executing = again.listen(), again.listen()
        assert isinstance(status, dict)
        assert status["data"]["sid"] == listener.client_id
        assert status["data"]["status"] == {"exec_info": {"queue_remaining": 1}}
        assert executing == {"type": "executing", "data": {"node": "4"}}
        again.until(lambda message: message["type"] == "progress")
        stop(draft_url)
        assert messages(again.follow(prompt_id), "execution_interrupted")
    with Listener(draft_url, listener.client_id, flags=False) as idle:
        idle.run(text("x"))
        assert messages(idle.heard)[1]["type"] == "status"


def test_the_newest_socket_of_a_client_stays_when_an_older_one_closes(draft_url: str) -> None:
    """On ComfyUI the newer one then hears nothing any more."""
    with Listener(draft_url, "twice", flags=False) as older:
        older.listen()
        with Listener(draft_url, "twice") as newer:
            newer.run(text("before"))
            older.socket.close()
            assert messages(newer.run(text("after")), "execution_success")
        assert len(older.heard) == 1


def test_a_client_that_does_not_read_holds_nobody_up(draft_url: str) -> None:
    """On ComfyUI all messages to all clients stop."""
    long = text("x" * 1_000_000)
    with Listener(draft_url, flags=False) as deaf, Listener(draft_url) as other:
        for index in range(12):
            deaf.submit({"1": {**long["1"], "inputs": {"source": f"{index}{long['1']['inputs']['source']}"}}})
        assert messages(other.run(text("y")), "execution_success")
        assert requests.get(f"{draft_url}/prompt").json()["exec_info"]["queue_remaining"] == 0
        # What it should have heard waits for it.
        deaf.until(lambda message: message["type"] == "execution_success")


@pytest.mark.parametrize("path", ["/ws", "/api/ws"])
def test_both_addresses(draft_url: str, path: str) -> None:
    socket = websocket.create_connection(f"{draft_url.replace('http', 'ws')}{path}?clientId=a", timeout=10)
    assert json.loads(socket.recv())["data"]["sid"] == "a"
    socket.close()
