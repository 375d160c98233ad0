"""Checking a graph against node interfaces: each kind of mistake is found and said once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.workflows.helpers import CASES, request
from workflows import manifest, schema
from workflows.build import apply, build, changes_of, outputs
from workflows.checking import samples
from workflows.graph import Graph, find
from workflows.manifest import Mode, Preset


@pytest.fixture
def graph() -> Graph:
    mode = manifest.mode("i2v")
    return copy.deepcopy(build(request(mode, mode.preset("balanced"))))


def put(at: str, value: Any) -> Callable[[Graph], None]:
    """Set any input, there or not; a value `(title, slot)` becomes a link."""

    def change(graph: Graph) -> None:
        title, _, name = at.partition(".")
        link = isinstance(value, tuple)
        graph[find(graph, title)]["inputs"][name] = [find(graph, value[0]), value[1]] if link else value

    return change


def remove(at: str) -> Callable[[Graph], None]:
    def change(graph: Graph) -> None:
        title, _, name = at.partition(".")
        del graph[find(graph, title)]["inputs"][name]

    return change


def rename(old: str, new: str) -> Callable[[Graph], None]:
    def change(graph: Graph) -> None:
        graph[find(graph, old)]["_meta"]["title"] = new

    return change


def reclass(title: str, class_type: str) -> Callable[[Graph], None]:
    def change(graph: Graph) -> None:
        graph[find(graph, title)]["class_type"] = class_type

    return change


def second_output(graph: Graph) -> None:
    saved = graph[find(graph, "Save video")]
    graph["900"] = {**saved, "_meta": {"title": "Save again"}}


def dangling(graph: Graph) -> None:
    graph[find(graph, "Decode video")]["inputs"]["samples"] = ["999", 0]


MISTAKES: dict[str, tuple[Callable[[Graph], None], str]] = {
    "unknown class": (reclass("Stage 1 noise", "Noise"), "Stage 1 noise: the engine has no node Noise"),
    "missing input": (remove("Stage 1 sigmas.sigmas"), "Stage 1 sigmas: the input sigmas is missing"),
    "missing link": (remove("Prompt.clip"), "Prompt: the input clip is missing"),
    "missing dotted input": (
        remove("Fit image.resize_type.width"),
        "Fit image: the input resize_type.width is missing",
    ),
    "unknown input": (put("Prompt.words", "x"), "Prompt: CLIPTextEncode has no input words"),
    "text for a number": (put("Video latent.width", "640"), "Video latent.width takes INT, not '640'"),
    "fraction for a whole number": (put("Video latent.width", 640.0), "Video latent.width takes INT, not 640.0"),
    "truth for a number": (put("Video latent.width", True), "Video latent.width takes INT, not True"),
    "number for a text": (put("Prompt.text", 5), "Prompt.text takes STRING, not 5"),
    "number for a truth": (put("Stage 1 first frame.bypass", 0), "Stage 1 first frame.bypass takes BOOLEAN, not 0"),
    "value for a link": (put("Prompt.clip", "clip"), "Prompt.clip takes a link to CLIP, not the value 'clip'"),
    "below the range": (put("Video latent.width", 32), "Video latent.width: 32 is outside 64 to 16384"),
    "above the range": (
        put("Audio latent.frames_number", 1001),
        "Audio latent.frames_number: 1001 is outside 1 to 1000",
    ),
    "not a number": (put("Create video.fps", float("nan")), "Create video.fps: nan is outside 1.0 to 120.0"),
    "no such node": (dangling, "Decode video.samples is linked to node 999, which is not there"),
    "no such slot": (
        put("Decode video.vae", ("Load checkpoint", 3)),
        "Decode video.vae is linked to output 3 of Load checkpoint, which has 3",
    ),
    "slot below zero": (
        put("Decode video.vae", ("Load checkpoint", -1)),
        "Decode video.vae is linked to output -1 of Load checkpoint, which has 3",
    ),
    "wrong type of link": (
        put("Decode video.vae", ("Load checkpoint", 0)),
        "Decode video.vae takes VAE, but Load checkpoint gives MODEL",
    ),
    "link for a text": (
        put("Prompt.text", ("Load checkpoint", 0)),
        "Prompt.text takes STRING, but Load checkpoint gives MODEL",
    ),
    "link for a choice": (
        put("Save video.codec", ("Load checkpoint", 0)),
        "Save video.codec takes COMBO, but Load checkpoint gives MODEL",
    ),
    "not in the list": (
        put("Save video.format", "gif"),
        "Save video.format: 'gif' is not one of the 2 the engine offers",
    ),
    "duplicate title": (rename("Stage 2 noise", "Stage 1 noise"), "2 nodes are titled 'Stage 1 noise'"),
    "two outputs": (second_output, "the graph has 2 output nodes; one is needed"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_and_said_once(name: str, graph: Graph) -> None:
    change, sentence = MISTAKES[name]
    change(graph)
    assert list(schema.problems(graph, schema.recorded())) == [sentence]


def test_every_mistake_of_a_graph_is_found(graph: Graph) -> None:
    names = ["missing input", "below the range", "not in the list", "wrong type of link"]
    for name in names:
        MISTAKES[name][0](graph)
    found = list(schema.problems(graph, schema.recorded()))
    assert sorted(found) == sorted(MISTAKES[name][1] for name in names)


def test_a_node_without_title_is_found(graph: Graph) -> None:
    del graph[find(graph, "Create video")]["_meta"]
    assert list(schema.problems(graph, schema.recorded())) == ["a CreateVideo node has no title"]


def test_a_graph_without_output_is_found(graph: Graph) -> None:
    del graph[find(graph, "Save video")]
    assert list(schema.problems(graph, schema.recorded())) == ["the graph has 0 output nodes; one is needed"]


def test_a_choice_that_brings_inputs_brings_only_its_own(graph: Graph) -> None:
    put("Fit image.resize_type", "scale longer dimension")(graph)
    found = list(schema.problems(graph, schema.recorded()))
    assert "Fit image: ResizeImageMaskNode has no input resize_type.width" in found
    assert "Fit image: the input resize_type.longer_size is missing" in found


def test_a_cycle_is_found(graph: Graph) -> None:
    put("Upscale latent.samples", ("Stage 2 split", 0))(graph)
    assert list(schema.problems(graph, schema.recorded()))


def test_files_are_compared_where_the_engine_lists_any(graph: Graph) -> None:
    interfaces = copy.deepcopy(dict(schema.recorded()))
    interfaces["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"][0] = ["other.safetensors"]
    (found,) = schema.problems(graph, interfaces)
    name = graph[find(graph, "Load checkpoint")]["inputs"]["ckpt_name"]
    assert found == f"Load checkpoint.ckpt_name: {name!r} is not one of the 1 the engine offers"


def test_uploads_are_compared_on_demand(graph: Graph) -> None:
    interfaces = copy.deepcopy(dict(schema.recorded()))
    interfaces["LoadImage"]["input"]["required"]["image"][0] = ["cat.png"]
    assert list(schema.problems(graph, interfaces)) == []
    (found,) = schema.problems(graph, interfaces, uploads=True)
    assert found == "Image.image: 'first.image' is not one of the 1 the engine offers"
    put("Image.image", "cat.png")(graph)
    assert list(schema.problems(graph, interfaces, uploads=True)) == []


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_the_shipped_graphs_are_right_before_and_after_pruning(mode: Mode, preset: Preset) -> None:
    shipped = manifest.graph(mode.name)
    assert list(schema.problems(shipped, schema.recorded())) == []
    for _, asked in samples(mode, preset):
        changes = changes_of(asked)
        for graph in (apply(shipped, changes), build(asked)):
            assert list(schema.problems(graph, schema.recorded(), outputs=len(outputs(mode, changes)))) == []
            assert {node["class_type"] for node in graph.values()} <= schema.recorded().keys()


def test_recorded_interfaces_are_complete() -> None:
    for class_type, interface in schema.recorded().items():
        assert interface["name"] == class_type
        assert len(interface["output"]) == len(interface["output_name"]) == len(interface["output_is_list"])
        for group, names in interface["input_order"].items():
            assert names == list(interface["input"].get(group, {}))
