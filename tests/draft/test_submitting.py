"""What `POST /prompt` takes and makes of it; what would break or kill a real server among it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import requests

from tests.draft.prompting import changed, post, refused, scale
from tests.support.comfy_client import Graph, Listener, messages, text, unused_color, video

RATE = ["FLOAT", {"default": 30.0, "min": 1.0, "max": 120.0, "step": 1.0}]


@pytest.mark.parametrize("graph", [{}, {"2": video()["2"]}])
def test_no_outputs(draft_url: str, graph: Graph) -> None:
    expected = {"type": "prompt_no_outputs", "message": "Prompt has no outputs", "details": "", "extra_info": {}}
    assert refused(draft_url, graph) == {"error": expected, "node_errors": {}}


@pytest.mark.parametrize("body", ["{}", "[]"])
def test_no_prompt(draft_url: str, body: str) -> None:
    answer = requests.post(f"{draft_url}/prompt", data=body)
    assert answer.status_code == 400
    message = "No prompt provided"
    assert answer.json()["error"] == {"type": "no_prompt", "message": message, "details": message, "extra_info": {}}


@pytest.mark.parametrize(
    "prompt_id",
    ["x", "", 5, ["a"], "8CB93BDC-81D0-49EF-ADF6-C67237AFF2A7", "9d1f2633201d46e1a5f20274de6cdb8f"],
)
def test_an_id_that_is_no_canonical_uuid(draft_url: str, prompt_id: object) -> None:
    error = refused(draft_url, text("x"), prompt_id=prompt_id)["error"]
    assert (error["type"], error["message"]) == ("invalid_prompt_id", "prompt_id must be a valid UUID")
    assert error["details"].startswith("prompt_id must be a UUID string in canonical lowercase hyphenated form; omit")


@pytest.mark.parametrize("more", [{}, {"prompt_id": None}])
def test_an_id_is_made_where_none_is_given(draft_url: str, more: dict[str, Any]) -> None:
    made = post(draft_url, prompt=text("x"), **more).json()["prompt_id"]
    assert str(UUID(made)) == made


@pytest.mark.parametrize(
    "body", ["", "{", "5", '{"prompt": "x"}', '{"prompt": null}', '{"number": "abc", "prompt": {}}']
)
def test_what_breaks_comfyuis_handler_is_answered_as_it_answers(draft_url: str, body: str) -> None:
    answer = requests.post(f"{draft_url}/prompt", data=body)
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text == "500 Internal Server Error\n\nServer got itself in trouble"


def test_values_are_converted_to_their_types(listener: Listener) -> None:
    graph = changed("1", width="64", height=64.9, batch_size=True, color={"__value__": 7})
    graph["3"]["inputs"]["fps"] = 24
    prompt_id = listener.submit(graph)
    listener.follow(prompt_id)
    ran = requests.get(f"{listener.url}/history/{prompt_id}").json()[prompt_id]["prompt"][2]
    assert ran["1"]["inputs"] == {"width": 64, "height": 64, "batch_size": 1, "color": 7}
    assert isinstance(ran["3"]["inputs"]["fps"], float)


def test_undeclared_inputs_are_ignored(listener: Listener) -> None:
    """On ComfyUI an undeclared link to nowhere passes the check and ends the worker thread for good."""
    graph = changed("1", color=unused_color(), more="x", list=[1, 2, 3], nowhere=["99", 0])
    assert messages(listener.run(graph), "execution_success")


def test_partial_execution(listener: Listener) -> None:
    graph = {**video(unused_color()), "9": text("x")["1"]}
    frames = listener.run(graph, partial_execution_targets=["9"])
    assert [message["data"]["node"] for message in messages(frames, "executed")] == ["9"]
    for targets in ([], ["1"]):
        error = refused(listener.url, graph, partial_execution_targets=targets)["error"]
        assert error["type"] == "prompt_no_outputs"


@pytest.mark.parametrize(
    ("graph", "more"),
    [
        ({**video(), "9": {"class_type": "EmptyImage"}}, {}),
        ({**video(), "9": {"class_type": "EmptyImage", "inputs": None}}, {}),
        ({**video(), "9": "x"}, {}),
        (video(), {"client_id": ["a"]}),
        (video(), {"client_id": {"a": 1}}),
        (video(), {"extra_data": {"extra_pnginfo": None}}),
        (video(), {"extra_data": {"extra_pnginfo": []}}),
        (video(), {"extra_data": {"extra_pnginfo": {"workflow": None}}}),
        (video(), {"number": float("nan")}),
        (video(), {"number": float("inf")}),
    ],
)
def test_what_kills_a_real_server_is_refused(listener: Listener, graph: Graph, more: dict[str, Any]) -> None:
    refused(listener.url, graph, **more)
    assert requests.get(f"{listener.url}/api/jobs").status_code == 200
    assert messages(listener.run(text("still here")), "execution_success")


def test_secrets_are_not_kept(listener: Listener) -> None:
    secrets = {"auth_token_comfy_org": "t0ken", "api_key_comfy_org": "k3y", "preview_method": "auto"}
    prompt_id = listener.submit(text("x"), extra_data=secrets)
    listener.follow(prompt_id)
    for path in (f"/history/{prompt_id}", f"/api/jobs/{prompt_id}"):
        answer = requests.get(listener.url + path).text
        assert "preview_method" in answer
        assert "t0ken" not in answer
        assert "k3y" not in answer


def test_what_no_output_depends_on_is_not_checked(listener: Listener) -> None:
    astray = {
        "5": scale("6"),
        "6": scale("5"),
        "7": scale("99"),
        "8": {"class_type": "EmptyImage", "inputs": {"width": "abc"}},
    }
    assert messages(listener.run({**text("x"), **astray}), "execution_success")


def test_one_bad_output_of_two(listener: Listener) -> None:
    bad = {
        "5": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 0}},
        "6": {"class_type": "PreviewAny", "inputs": {"source": ["5", 0]}},
    }
    answer = requests.post(
        f"{listener.url}/prompt",
        json={"prompt": {**video(unused_color()), **bad}, "client_id": listener.client_id},
    )
    assert answer.status_code == 200
    assert list(answer.json()) == ["prompt_id", "number", "node_errors"]
    assert answer.json()["node_errors"] == {
        "5": {
            "errors": [
                {
                    "type": "value_smaller_than_min",
                    "message": "Value 0.0 smaller than min of 1.0",
                    "details": "fps",
                    "extra_info": {"input_name": "fps", "input_config": RATE, "received_value": 0.0},
                }
            ],
            "dependent_outputs": ["6"],
            "class_type": "CreateVideo",
        }
    }
    frames = listener.follow(answer.json()["prompt_id"])
    assert [message["data"]["node"] for message in messages(frames, "executed")] == ["4"]
    assert messages(frames, "execution_success")
