"""Graphs that `POST /prompt` refuses: the payloads are those that ComfyUI 0.27.0 gave for the same graphs."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.draft.prompting import changed, post, refused, scale
from tests.support.comfy_client import Graph, text, video

SIZE = ["INT", {"default": 512, "min": 1, "max": 16384, "step": 1}]
CODEC = ["COMBO", {"default": "auto", "multiselect": False, "options": ["auto", "h264"]}]


def node_error(url: str, graph: Graph, node_id: str) -> dict[str, Any]:
    """The one error of a node; its traceback, if any, is taken out."""
    body = refused(url, graph)
    assert body["error"]["type"] == "prompt_outputs_failed_validation"
    found = body["node_errors"][node_id]
    assert list(found) == ["errors", "dependent_outputs", "class_type"]
    assert found["class_type"] == graph[node_id]["class_type"]
    (error,) = found["errors"]
    error["extra_info"].pop("traceback", None)
    return dict(error)


def without(node_id: str, name: str) -> Graph:
    graph = video()
    del graph[node_id]["inputs"][name]
    return graph


def resize(**inputs: Any) -> Graph:
    node = {"class_type": "ResizeImageMaskNode", "inputs": {"input": ["1", 0], "scale_method": "area", **inputs}}
    return {**changed("3", images=["5", 0]), "5": node}


def test_an_unknown_class(draft_url: str) -> None:
    assert refused(draft_url, {"1": {"class_type": "NoSuchNode", "inputs": {}}}) == {
        "error": {
            "type": "missing_node_type",
            "message": "Node 'NoSuchNode' not found. The custom node may not be installed.",
            "details": "Node ID '#1'",
            "extra_info": {"node_id": "1", "class_type": "NoSuchNode", "node_title": "NoSuchNode"},
        },
        "node_errors": {},
    }


def test_no_class(draft_url: str) -> None:
    assert refused(draft_url, {"1": {"inputs": {}}})["error"] == {
        "type": "missing_node_type",
        "message": "Node 'ID #1' has no class_type. The workflow may be corrupted or a custom node is missing.",
        "details": "Node ID '#1'",
        "extra_info": {"node_id": "1", "class_type": None, "node_title": None},
    }


def test_a_missing_input(draft_url: str) -> None:
    body = refused(draft_url, without("1", "width"))
    assert body["node_errors"]["1"] == {
        "errors": [
            {
                "type": "required_input_missing",
                "message": "Required input is missing",
                "details": "width",
                "extra_info": {"input_name": "width"},
            }
        ],
        "dependent_outputs": ["4"],
        "class_type": "EmptyImage",
    }
    assert body["error"] == {
        "type": "prompt_outputs_failed_validation",
        "message": "Prompt outputs failed validation",
        "details": "",
        "extra_info": {},
    }


def test_the_errors_of_an_output_node_are_in_the_details(draft_url: str) -> None:
    assert refused(draft_url, without("4", "codec"))["error"]["details"] == "Required input is missing: codec"


def test_a_value_of_the_wrong_type(draft_url: str) -> None:
    reason = "invalid literal for int() with base 10: 'abc'"
    assert node_error(draft_url, changed("1", width="abc"), "1") == {
        "type": "invalid_input_type",
        "message": "Failed to convert an input value to a INT value",
        "details": f"width, abc, {reason}",
        "extra_info": {
            "input_name": "width",
            "input_config": SIZE,
            "received_value": "abc",
            "exception_message": reason,
        },
    }


@pytest.mark.parametrize(
    ("width", "kind", "message"),
    [
        (0, "value_smaller_than_min", "Value 0 smaller than min of 1"),
        (20000, "value_bigger_than_max", "Value 20000 bigger than max of 16384"),
    ],
)
def test_a_value_out_of_range(draft_url: str, width: int, kind: str, message: str) -> None:
    assert node_error(draft_url, changed("1", width=width), "1") == {
        "type": kind,
        "message": message,
        "details": "width",
        "extra_info": {"input_name": "width", "input_config": SIZE, "received_value": width},
    }


def test_a_value_not_in_a_list_of_the_newer_shape(draft_url: str) -> None:
    assert node_error(draft_url, changed("4", codec="nope"), "4") == {
        "type": "value_not_in_list",
        "message": "Value not in list",
        "details": "codec: 'nope' not in ['auto', 'h264']",
        "extra_info": {"input_name": "codec", "input_config": CODEC, "received_value": "nope"},
    }


def test_a_model_that_the_engine_lacks(draft_url: str) -> None:
    graph = {**text(["5", 0]), "5": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "no.safetensors"}}}
    listed = requests.get(f"{draft_url}/models/checkpoints").json()
    assert node_error(draft_url, graph, "5") == {
        "type": "value_not_in_list",
        "message": "Value not in list",
        "details": f"ckpt_name: 'no.safetensors' not in {listed}",
        "extra_info": {
            "input_name": "ckpt_name",
            "input_config": [listed, {}],
            "received_value": "no.safetensors",
        },
    }


def test_a_value_not_in_a_long_list(draft_url: str) -> None:
    graph = {**text(["5", 0]), "5": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "nope"}}}
    error = node_error(draft_url, graph, "5")
    assert error["details"] == "sampler_name: 'nope' not in (list of length 44)"
    assert error["extra_info"]["input_config"] is None


def test_a_file_that_is_not_there(draft_url: str) -> None:
    graph = {**text(["5", 0]), "5": {"class_type": "LoadImage", "inputs": {"image": "nope.png"}}}
    assert node_error(draft_url, graph, "5") == {
        "type": "custom_validation_failed",
        "message": "Custom validation failed for node",
        "details": "image - Invalid image file: nope.png",
        "extra_info": {"input_name": "image"},
    }


@pytest.mark.parametrize("name", ["/etc/passwd", "../../../../../../etc/passwd", "../draft.log"])
def test_a_file_outside_the_folders_is_not_looked_at(draft_url: str, name: str) -> None:
    graph = {**text(["5", 0]), "5": {"class_type": "LoadImage", "inputs": {"image": name}}}
    assert node_error(draft_url, graph, "5")["details"] == f"image - Invalid image file: {name}"


def test_a_link_of_the_wrong_type(draft_url: str) -> None:
    assert node_error(draft_url, changed("3", images=["2", 0]), "3") == {
        "type": "return_type_mismatch",
        "message": "Return type mismatch between linked nodes",
        "details": "images, received_type(AUDIO) mismatch input_type(IMAGE)",
        "extra_info": {
            "input_name": "images",
            "input_config": ["IMAGE", {}],
            "received_type": "AUDIO",
            "linked_node": ["2", 0],
        },
    }


@pytest.mark.parametrize("link", [["1"], ["1", 0, 0], []])
def test_a_link_of_the_wrong_length(draft_url: str, link: list[Any]) -> None:
    error = node_error(draft_url, changed("3", images=link), "3")
    assert error["type"] == "bad_linked_input"
    assert error["message"] == "Bad linked input, must be a length-2 list of [node_id, slot_index]"
    assert error["extra_info"]["received_value"] == link


@pytest.mark.parametrize(
    ("link", "kind", "details"),
    [
        (["99", 0], "KeyError", "'99'"),
        ([1, 0], "KeyError", "1"),
        (["1", 5], "IndexError", "tuple index out of range"),
        ([["1"], 0], "TypeError", "unhashable type: 'list'"),
    ],
)
def test_a_link_to_nowhere(draft_url: str, link: list[Any], kind: str, details: str) -> None:
    assert node_error(draft_url, changed("3", images=link), "3") == {
        "type": "exception_during_inner_validation",
        "message": "Exception when validating inner node",
        "details": details,
        "extra_info": {
            "input_name": "video",
            "input_config": ["VIDEO", {}],
            "exception_message": details,
            "exception_type": kind,
            "linked_node": ["3", 0],
        },
    }


def test_a_link_to_nowhere_at_an_output_node(draft_url: str) -> None:
    body = refused(draft_url, text(["99", 0]))
    (error,) = body["node_errors"]["1"]["errors"]
    assert error["type"] == "exception_during_validation"
    assert error["extra_info"]["traceback"]
    assert body["error"]["details"] == "Exception when validating node: '99'"


def test_a_cycle(draft_url: str) -> None:
    graph = {**changed("3", images=["5", 0]), "5": scale("6"), "6": scale("5")}
    body = refused(draft_url, graph)
    path = "5 (ImageScale) -> 6 (ImageScale) -> 5 (ImageScale)"
    assert body["node_errors"] == {
        node_id: {
            "errors": [
                {
                    "type": "dependency_cycle",
                    "message": "Dependency cycle detected",
                    "details": path,
                    "extra_info": {"node_id": node_id, "cycle_nodes": ["5", "6"]},
                }
            ],
            "dependent_outputs": ["4"],
            "class_type": "ImageScale",
        }
        for node_id in ("5", "6")
    }


def test_the_inputs_of_a_dynamic_choice(draft_url: str) -> None:
    sized = {"resize_type": "scale dimensions", "resize_type.height": 64, "resize_type.crop": "center"}
    error = node_error(draft_url, resize(**sized), "5")
    assert (error["type"], error["details"]) == ("required_input_missing", "width")
    assert error["extra_info"] == {"input_name": "resize_type.width"}
    error = node_error(draft_url, resize(**sized | {"resize_type.width": 64, "resize_type.crop": "x"}), "5")
    assert error["details"] == "resize_type.crop: 'x' not in ['disabled', 'center']"
    assert post(draft_url, prompt=resize(**sized | {"resize_type.width": 64})).status_code == 200


def test_an_option_that_a_dynamic_choice_lacks(draft_url: str) -> None:
    """ComfyUI queues such a graph and fails on running it."""
    assert node_error(draft_url, resize(resize_type="nope"), "5")["type"] == "value_not_in_list"
