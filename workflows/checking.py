"""Requests that together need every node a mode has, and whether the graphs built for them fit an engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workflows import manifest, own, schema
from workflows.build import Capabilities, build, changes_of, outputs
from workflows.errors import StudioError
from workflows.graph import Graph, GraphError
from workflows.request import Request, parse
from workflows.values import Media

SAMPLE_SEED = 1
SAMPLE_LORA = "example.safetensors"


def sample(mode: manifest.Mode, preset: manifest.Preset, **values: Any) -> Request:
    """A request with every default but `values`, for checking."""
    for field in mode.fields:
        if field.required:
            values.setdefault(field.name, Media("example") if field.type in manifest.MEDIA_TYPES else "a test")
    return parse(mode.name, {"preset": preset.name, **values}, draw_seed=lambda: SAMPLE_SEED)


def samples(mode: manifest.Mode, preset: manifest.Preset) -> Iterator[tuple[str, Request]]:
    """Requests that need every node the mode has under the preset: the defaults, then each choice by itself.

    Each comes with what was chosen, as `--set` takes it; the defaults with an empty text.
    """
    yield "", sample(mode, preset)
    for field in mode.fields_for(preset, {}):
        values = (
            [SAMPLE_LORA] if field.type == "loras" else [value for value in field.choices if value != field.default]
        )
        for value in values:
            yield f"{field.name}={value}", sample(mode, preset, **{field.name: value})


def check(interfaces: schema.Interfaces, data: Path | None = None) -> Iterator[tuple[str, list[str]]]:
    """For each mode and preset its name and what is wrong with it, by itself or with one of the choices there are.

    Own graphs in `data` count.
    """
    capabilities = Capabilities.from_object_info(interfaces)
    for mode in manifest.modes():
        for preset in mode.presets:
            found: dict[str, str] = {}
            for chosen, request in samples(mode, preset):
                for problem in _all_problems(request, interfaces, capabilities, data):
                    found.setdefault(problem, chosen)
            yield (
                f"{mode.name} {preset.name}",
                [f"{chosen}: {problem}" if chosen else problem for problem, chosen in found.items()],
            )


def _all_problems(
    request: Request, interfaces: schema.Interfaces, capabilities: Capabilities, data: Path | None
) -> list[str]:
    try:
        graph = own.build_with(request, capabilities, data) if data else build(request, capabilities)
        is_own = data is not None and own.path_of(data, request.mode).exists()
        return list(problems(request, graph, interfaces, is_own))
    except (GraphError, StudioError) as error:
        return [str(error)]


def problems(request: Request, graph: Graph, interfaces: schema.Interfaces, is_own: bool = False) -> Iterator[str]:
    """What an engine would refuse of the graph built for a sample.

    An own graph may have further output nodes, and custom nodes.
    """
    count = len(outputs(manifest.mode(request.mode), changes_of(request)))
    if is_own:
        made = [interfaces.get(node["class_type"]) or {} for node in graph.values()]
        count = max(count, sum(bool(interface.get("output_node")) for interface in made))
    for problem in schema.problems(graph, interfaces, outputs=count, foreign=is_own):
        if SAMPLE_LORA not in problem:
            yield problem
