"""Edits of a graph: each does one thing and leaves its argument as it was."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from workflows import graph as edit
from workflows.graph import Graph, GraphError


def node(class_type: str, title: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title}}


@pytest.fixture
def graph() -> Graph:
    return {
        "1": node("CheckpointLoaderSimple", "Checkpoint", ckpt_name="ltx.safetensors"),
        "7": node("CLIPTextEncode", "Prompt", text="a kite", clip=["1", 1]),
        "3": node("CFGGuider", "Guider", model=["1", 0], positive=["7", 0], cfg=1.0),
        "4": node("KSampler", "Sampler", model=["1", 0], guider=["3", 0], steps=8),
        "5": node("VAEDecode", "Decode", samples=["4", 0], vae=["1", 2]),
        "9": node("SaveVideo", "Save", video=["5", 0]),
        "2:1": node("PreviewAny", "Note", source=["7", 0]),
    }


EDITS: dict[str, Callable[[Graph], Graph]] = {
    "set": lambda g: edit.set_input(g, "Prompt.text", "a boat"),
    "link": lambda g: edit.link_input(g, "Decode.vae", "Sampler", 1),
    "replace": lambda g: edit.replace_node(g, "Guider", "BasicGuider", {"model": ["1", 0]}),
    "lora": lambda g: edit.insert_lora(g, "Checkpoint", "Camera", "dolly.safetensors", 0.8),
    "drop": lambda g: edit.drop_node(g, "Guider", "positive"),
    "prune": lambda g: edit.prune(g, "Save"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_changes_a_copy(name: str, graph: Graph) -> None:
    before = copy.deepcopy(graph)
    changed = EDITS[name](graph)
    assert graph == before
    assert changed != before


def test_an_edited_graph_can_be_edited_on_its_own(graph: Graph) -> None:
    before = copy.deepcopy(graph)
    changed = edit.set_input(graph, "Prompt.text", "a boat")
    changed["7"]["inputs"]["text"] = "a tree"
    assert graph == before


def test_set_changes_one_input(graph: Graph) -> None:
    changed = edit.set_input(graph, "Prompt.text", "a boat")
    assert changed["7"]["inputs"] == {"text": "a boat", "clip": ["1", 1]}
    assert {i: n for i, n in changed.items() if i != "7"} == {i: n for i, n in graph.items() if i != "7"}


def test_an_input_name_may_hold_dots(graph: Graph) -> None:
    graph["8"] = node("ResizeImageMaskNode", "Fit", **{"resize_type.width": 640})
    assert edit.set_input(graph, "Fit.resize_type.width", 768)["8"]["inputs"] == {"resize_type.width": 768}


def test_link_points_an_input_at_an_output(graph: Graph) -> None:
    assert edit.link_input(graph, "Decode.samples", "Prompt", 2)["5"]["inputs"]["samples"] == ["7", 2]
    assert edit.link_input(graph, "Decode.samples", "Prompt")["5"]["inputs"]["samples"] == ["7", 0]


def test_replace_keeps_id_title_and_users(graph: Graph) -> None:
    changed = edit.replace_node(graph, "Guider", "BasicGuider", {"model": ["1", 0]})
    assert changed["3"] == node("BasicGuider", "Guider", model=["1", 0])
    assert changed["4"] == graph["4"]


def test_a_lora_goes_between_the_model_and_all_its_users(graph: Graph) -> None:
    changed = edit.insert_lora(graph, "Checkpoint", "Camera", "dolly.safetensors", 0.8)
    (lora,) = changed.keys() - graph.keys()
    assert changed[lora] == node(
        "LoraLoaderModelOnly", "Camera", model=["1", 0], lora_name="dolly.safetensors", strength_model=0.8
    )
    assert [i for i, n in changed.items() if [lora, 0] in n["inputs"].values()] == ["3", "4"]
    assert changed["7"]["inputs"]["clip"] == ["1", 1]
    assert changed["5"]["inputs"]["vae"] == ["1", 2]


def test_loras_chain(graph: Graph) -> None:
    once = edit.insert_lora(graph, "Checkpoint", "First", "a.safetensors", 1.0)
    twice = edit.insert_lora(once, "First", "Second", "b.safetensors", 1.0)
    first, second = edit.find(twice, "First"), edit.find(twice, "Second")
    assert twice[first]["inputs"]["model"] == ["1", 0]
    assert twice[second]["inputs"]["model"] == [first, 0]
    assert twice["3"]["inputs"]["model"] == twice["4"]["inputs"]["model"] == [second, 0]


def test_a_dropped_node_is_bypassed(graph: Graph) -> None:
    changed = edit.drop_node(graph, "Guider", "positive")
    assert "3" not in changed
    assert changed["4"]["inputs"]["guider"] == ["7", 0]


def test_prune_keeps_what_the_output_needs_in_order(graph: Graph) -> None:
    assert list(edit.prune(graph, "Save")) == ["1", "7", "3", "4", "5", "9"]
    assert list(edit.prune(graph, "Note")) == ["1", "7", "2:1"]


def test_a_node_without_title_goes_by_its_class() -> None:
    assert edit.title({"class_type": "VAEDecode", "inputs": {}}) == "VAEDecode"


@pytest.mark.parametrize("value", [["1", 0], ["12:3", 2]])
def test_a_link_is_an_id_and_a_slot(value: object) -> None:
    assert edit.is_link(value)


@pytest.mark.parametrize("value", ["1", 0, [], ["1"], [1, 0], ["1", "0"], ["1", 0, 0], ("1", 0), None])
def test_anything_else_is_a_value(value: object) -> None:
    assert not edit.is_link(value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda g: edit.set_input(g, "Nobody.text", ""), "0 nodes are titled 'Nobody'; one is needed"),
        (lambda g: edit.set_input(g, "Prompt.words", ""), "'Prompt' has no input 'words'"),
        (lambda g: edit.set_input(g, "Prompt", ""), "'Prompt' does not say which input it means"),
        (lambda g: edit.link_input(g, "Decode.vae", "Nobody"), "0 nodes are titled 'Nobody'; one is needed"),
        (lambda g: edit.replace_node(g, "Nobody", "VAEDecode", {}), "0 nodes are titled 'Nobody'; one is needed"),
        (lambda g: edit.insert_lora(g, "Nobody", "L", "l", 1.0), "0 nodes are titled 'Nobody'; one is needed"),
        (lambda g: edit.drop_node(g, "Guider", "cfg"), "'Guider' has no linked input 'cfg' to bypass with"),
        (lambda g: edit.drop_node(g, "Guider", "no"), "'Guider' has no linked input 'no' to bypass with"),
        (lambda g: edit.prune(g, "Nobody"), "0 nodes are titled 'Nobody'; one is needed"),
        (lambda g: edit.find({**g, "6": g["7"]}, "Prompt"), "2 nodes are titled 'Prompt'; one is needed"),
    ],
)
def test_a_misfit_is_said(change: Callable[[Graph], Graph], sentence: str, graph: Graph) -> None:
    with pytest.raises(GraphError) as error:
        change(graph)
    assert str(error.value) == sentence


def test_prune_names_a_link_to_a_node_that_is_not_there(graph: Graph) -> None:
    graph["5"]["inputs"]["samples"] = ["99", 0]
    with pytest.raises(GraphError, match="99"):
        edit.prune(graph, "Save")


def test_a_node_whose_other_outputs_are_used_is_not_dropped(graph: Graph) -> None:
    graph["5"]["inputs"]["vae"] = ["3", 1]
    with pytest.raises(GraphError):
        edit.drop_node(graph, "Guider", "positive")
