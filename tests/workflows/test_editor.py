"""Graphs in the editor's format: converted where the converter is there, and checked for what it loses.

comfy-cli is no part of the test environment, so a small package stands in for it. It converts plain graphs and, as the
real one does, leaves out what it can't map.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.graphs import kept, run, saved
from workflows import manifest
from workflows.graph import is_link, links

CONVERTER = """
def convert_ui_to_api(workflow, object_info):
    if workflow.get("breaks"):
        raise RuntimeError("cannot map")
    assert "CLIPTextEncode" in object_info
    made = {}
    places = [("", workflow)]
    definitions = {one["id"]: one for one in workflow.get("definitions", {}).get("subgraphs", [])}
    while places:
        prefix, scope = places.pop()
        sources = {link[0]: [prefix + str(link[1]), link[2]] for link in scope["links"] if link[1] != -10}
        silent = {prefix + str(node["id"]) for node in scope["nodes"] if node["mode"]}
        for node in scope["nodes"]:
            if node["type"] in definitions:
                places.append((prefix + str(node["id"]) + ":", definitions[node["type"]]))
            elif not node["mode"] and node["type"] != "Note" and not node.get("lost"):
                inputs = dict(node["widgets_values"])
                for entry in node["inputs"]:
                    source = sources.get(entry["link"])
                    if source and source[0] not in silent:
                        inputs[entry["name"]] = source
                made[prefix + str(node["id"])] = {
                    "class_type": node["type"], "inputs": inputs, "_meta": {"title": node["title"]}
                }
    return made
"""


@pytest.fixture
def converter(tmp_path: Path) -> Path:
    """A folder with the stand-in, for PYTHONPATH."""
    package = tmp_path / "site" / "comfy_cli"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "workflow_to_api.py").write_text(CONVERTER)
    return package.parent


def node(node_id: int, kind: str, title: str, mode: int = 0, **inputs: int) -> dict[str, Any]:
    """A node of the editor's; `inputs` are the ids of the links."""
    entries = [{"name": name, "type": "*", "link": link} for name, link in inputs.items()]
    return {"id": node_id, "type": kind, "title": title, "mode": mode, "inputs": entries, "widgets_values": {}}


def edited(mode: str = "t2v") -> dict[str, Any]:
    """A mode's own graph as the editor would save it, with a note in it."""
    nodes, wires = [], []
    for node_id, made in manifest.graph(mode).items():
        of_node = {}
        for name, (source, slot) in links(made).items():
            wires.append([len(wires) + 1, int(source), slot, int(node_id), 0, "*"])
            of_node[name] = len(wires)
        drawn = node(int(node_id), made["class_type"], made["_meta"]["title"], **of_node)
        drawn["widgets_values"] = {name: value for name, value in made["inputs"].items() if not is_link(value)}
        nodes.append(drawn)
    return {"version": 0.4, "nodes": [*nodes, node(800, "Note", "Remember")], "links": wires}


def imported(folder: Path, workflow: Any, site: Path | None):
    arguments = ("import", saved(folder, workflow), "--mode", "t2v", "--data", folder)
    return run(*arguments, PYTHONPATH=str(site)) if site else run(*arguments)


def refused(folder: Path, workflow: Any, site: Path | None) -> str:
    ended = imported(folder, workflow, site)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert kept(folder, "t2v") is None
    return ended.stderr


def test_without_the_converter_the_format_is_recognised_and_said(tmp_path: Path) -> None:
    assert refused(tmp_path, edited(), None) == (
        f"{tmp_path}/mine.json is in the format of ComfyUI's editor, and the converter for it is not installed. "
        "Export it with File > Export (API), or install the converter: pip install comfy-cli==1.23.0.\n"
    )


def test_a_converted_graph_is_accepted(tmp_path: Path, converter: Path) -> None:
    ended = imported(tmp_path, edited(), converter)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(
        f"{tmp_path}/mine.json is in the format of ComfyUI's editor; {len(manifest.graph('t2v'))} nodes were converted."
    )
    assert kept(tmp_path, "t2v") == manifest.graph("t2v")


@pytest.mark.parametrize("mode", [2, 4], ids=["muted", "bypassed"])
def test_muted_and_bypassed_nodes_are_named(tmp_path: Path, converter: Path, mode: int) -> None:
    workflow = edited()
    workflow["links"].append([900, 801, 0, 802, 0, "IMAGE"])
    workflow["nodes"] += [node(801, "LoadImage", "Old picture", mode), node(802, "PreviewImage", "Look", images=900)]
    ended = imported(tmp_path, workflow, converter)
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[1] == "  left out as muted or bypassed there: 'Old picture'"


def test_a_needed_node_that_is_muted_is_a_binding_without_a_node(tmp_path: Path, converter: Path) -> None:
    workflow = edited()
    (prompt,) = (drawn for drawn in workflow["nodes"] if drawn["title"] == "Prompt")
    prompt["mode"] = 2
    ended = imported(tmp_path, workflow, converter)
    assert ended.returncode == 1
    assert "  left out as muted or bypassed there: 'Prompt'\n" in ended.stdout
    assert "  Prompt.text (prompt): no node has this title\n" in ended.stdout


def switched(origin: int, mode: int = 0) -> dict[str, Any]:
    """The graph with a subgraph that holds a switch, whose on_false comes from `origin`."""
    workflow = edited()
    inner = {
        "id": "b1",
        "nodes": [
            node(1, "PreviewImage", "On"),
            node(2, "ComfySwitchNode", "Choose", mode, on_false=1, on_true=2),
        ],
        "links": [[1, origin, 0, 2, 0, "*"], [2, 1, 0, 2, 1, "*"]],
    }
    workflow["definitions"] = {"subgraphs": [inner]}
    workflow["nodes"].append(node(810, "b1", "Inside"))
    return workflow


def test_a_switch_that_loses_an_input_is_refused(tmp_path: Path, converter: Path) -> None:
    # A switch fed from outside its subgraph by a value that is typed there: the real converter loses on_false.
    assert (
        "can't be converted: the input on_false of 'Choose' (ComfySwitchNode, node 810:2) is lost. Export it from"
        in refused(tmp_path, switched(-10), converter)
    )


def test_a_switch_without_both_inputs_is_refused(tmp_path: Path, converter: Path) -> None:
    workflow = switched(1)
    del workflow["definitions"]["subgraphs"][0]["nodes"][1]["inputs"][1]
    assert "the input on_true of 'Choose'" in refused(tmp_path, workflow, converter)


def test_a_whole_switch_and_a_muted_one_are_taken(tmp_path: Path, converter: Path) -> None:
    assert imported(tmp_path, switched(1), converter).returncode == 0
    assert "810:2" in (kept(tmp_path, "t2v") or {})
    assert imported(tmp_path, switched(-10, mode=2), converter).returncode == 0


def test_a_node_that_the_converter_loses_is_refused(tmp_path: Path, converter: Path) -> None:
    workflow = edited()
    workflow["nodes"].append({**node(820, "LoadImage", "Gone"), "lost": True})
    assert "the node 'Gone' is lost" in refused(tmp_path, workflow, converter)


def test_old_group_nodes_are_refused(tmp_path: Path, converter: Path) -> None:
    workflow = {**edited(), "extra": {"groupNodes": {"Mine": {}}}}
    assert "group nodes of the old kind" in refused(tmp_path, workflow, converter)


@pytest.mark.parametrize(
    "broken",
    [
        {"breaks": True},
        {"nodes": []},
        {"nodes": ["text", {"type": {}}]},
        {"links": "text", "nodes": [{"type": "A", "inputs": "text"}]},
        {"definitions": {"subgraphs": [1]}},
    ],
    ids=["raises", "empty", "odd nodes", "odd inputs", "odd subgraphs"],
)
def test_whatever_the_converter_trips_over_is_one_sentence(tmp_path: Path, converter: Path, broken) -> None:
    assert "can't be converted: " in refused(tmp_path, {**copy.deepcopy(edited()), **broken}, converter)


def test_subgraphs_without_end_are_refused(tmp_path: Path, converter: Path) -> None:
    workflow = edited()
    workflow["nodes"].append(node(830, "s", "Again"))
    again = [node(number, "s", "Again") for number in range(100)]
    workflow["definitions"] = {"subgraphs": [{"id": "s", "nodes": again, "links": []}]}
    assert "nested too deep" in refused(tmp_path, workflow, converter)
