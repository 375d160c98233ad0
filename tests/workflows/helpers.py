"""What these tests share: every mode × preset, a valid request for each, graphs compared by title and not by id."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest

from workflows import manifest, schema
from workflows.build import build
from workflows.checking import samples
from workflows.graph import Graph, is_link, title
from workflows.manifest import MEDIA_TYPES, Field, Mode, Preset
from workflows.request import Request, parse
from workflows.values import Media

SEED = 7
CASES = [
    pytest.param(mode, preset, id=f"{mode.name}-{preset.name}") for mode in manifest.modes() for preset in mode.presets
]


def request(mode: Mode, preset: Preset, **changes: Any) -> Request:
    """A valid request: what is required, a fixed seed, and the changes."""
    required = {
        field.name: Media(f"first.{field.type}") if field.type in MEDIA_TYPES else "A red kite over the sea"
        for field in mode.fields
        if field.required
    }
    return parse(mode.name, {"preset": preset.name, "seed": SEED, **required, **changes})


def circumstances(field: Field) -> dict[str, str]:
    """Values of other fields under which this one has an effect."""
    return {other: wanted[0] for other, wanted in field.when.items()}


CONTROLS = [
    pytest.param(mode, preset, field, id=f"{mode.name}-{preset.name}-{field.name}")
    for mode in manifest.modes()
    for preset in mode.presets
    for one in mode.fields
    for field in mode.fields_for(preset, circumstances(one))
    if field.name == one.name
]
"""Every control that a form shows: mode, preset and field, where need be with another setting that brings it out."""


def classes(graph: Graph) -> list[str]:
    """The class of every node."""
    return [node["class_type"] for node in graph.values()]


def flat(graph: Graph) -> dict[str, Any]:
    """ "Title" to class and "Title.input" to value, links as (title, slot): the same whatever the ids are."""
    titles = {node_id: title(node) for node_id, node in graph.items()}
    values: dict[str, Any] = {titles[node_id]: node["class_type"] for node_id, node in graph.items()}
    for node in graph.values():
        for name, value in node["inputs"].items():
            values[f"{title(node)}.{name}"] = (titles[value[0]], value[1]) if is_link(value) else value
    return values


def difference(before: Graph, after: Graph) -> set[str]:
    """Where two graphs differ."""
    old, new = flat(before), flat(after)
    return {at for at in old.keys() | new.keys() if at not in old or at not in new or old[at] != new[at]}


@cache
def model_lists() -> dict[tuple[str, str], list[str]]:
    """For each (class, input) that picks a model file, the files that any graph names there."""
    lists: dict[tuple[str, str], list[str]] = {}
    for class_type, interface in schema.recorded().items():
        for name, (spec, _) in schema.declared_inputs(interface, {}).items():
            is_upload = any(key.endswith("_upload") for key in (spec[1] if len(spec) > 1 else {}))
            if schema.options(spec) == [] and not is_upload:
                lists[class_type, name] = []
    for node in (node for graph in graphs() for node in graph.values()):
        for name, value in node["inputs"].items():
            named = lists.get((node["class_type"], name))
            if named is not None and value not in named:
                named.append(value)
    return lists


def graphs() -> tuple[Graph, ...]:
    """The built graph of every mode, preset and choice, without LoRAs of one's own."""
    return tuple(
        build(asked)
        for mode in manifest.modes()
        for preset in mode.presets
        for _, asked in samples(mode, preset)
        if not asked.values["loras"]
    )


def server_with(folder: str) -> dict[str, Any]:
    """What `GET /object_info` answers where every model lies in `folder` ("" or ending in a slash)."""
    answer: dict[str, Any] = copy.deepcopy(dict(schema.recorded()))
    for (class_type, name), files in model_lists().items():
        spec = answer[class_type]["input"]["required"][name]
        listed = [folder + file for file in files]
        if isinstance(spec[0], list):
            spec[0] = listed
        else:
            spec[1]["options"] = listed
    return answer
