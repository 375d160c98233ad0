"""A request becomes a graph. Pure: the same request and capabilities give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workflows import graph as edit
from workflows import manifest, schema
from workflows.graph import Graph
from workflows.manifest import DropNode, Edit, InsertLora, LinkInput, Mode, Preset, ReplaceNode, SetInput
from workflows.request import Media, Request

PREFIX_FOLDER = "ltx-studio"


@dataclass(frozen=True)
class Capabilities:
    """What an engine offers: for each (class, input) that picks from a list, the names in it; uploads are left out.

    Empty means that nothing is known, and the graph's own names stand.
    """

    options: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_object_info(cls, object_info: Mapping[str, Any]) -> Capabilities:
        """Read from what `GET /object_info` answers; both of ComfyUI's ways to write a list are understood."""
        options: dict[tuple[str, str], tuple[str, ...]] = {}
        for class_type, info in object_info.items():
            inputs = (info.get("input") if isinstance(info, dict) else None) or {}
            for group in ("required", "optional"):
                for name, spec in (inputs.get(group) or {}).items():
                    listed = [] if schema.is_upload(spec) else schema.options(spec)
                    if listed and all(isinstance(option, str) for option in listed):
                        options[class_type, name] = tuple(listed)
        return cls(options)

    def resolve(self, class_type: str, name: str, wanted: str) -> str:
        """The engine's own name for a file: the same, or the one that lies in a subfolder under that name."""
        listed = self.options.get((class_type, name), ())
        if wanted in listed:
            return wanted
        return next((option for option in listed if _basename(option) == _basename(wanted)), wanted)


def _basename(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1]


DERIVED: dict[str, Callable[[Request], Any]] = {
    "width": lambda r: r.shape.width,
    "height": lambda r: r.shape.height,
    "half_width": lambda r: r.shape.width // 2,
    "half_height": lambda r: r.shape.height // 2,
    "frames": lambda r: r.shape.frames,
    "fps": lambda r: r.shape.fps,
    "fps_rounded": lambda r: max(1, round(r.shape.fps)),
    "prefix": lambda r: f"{PREFIX_FOLDER}/{r.mode}",
}
"""Values that bindings may name beside the mode's fields."""


def build(request: Request, capabilities: Capabilities | None = None) -> Graph:
    """The API graph for a request. Raises GraphError where manifest and graph do not fit together."""
    mode = manifest.mode(request.mode)
    preset = mode.preset(request.preset)
    graph = apply_preset(manifest.graph(mode.name), preset)
    for at, name in bindings(mode, preset).items():
        graph = edit.set_input(graph, at, bound_value(request, name))
    graph = edit.prune(graph, mode.output)
    return resolve_files(graph, capabilities or Capabilities())


def bindings(mode: Mode, preset: Preset) -> dict[str, str]:
    """ "Title.input" to the name of the value that goes there, the preset's own bindings over the mode's."""
    return {**mode.bind, **preset.bind}


def bound_value(request: Request, name: str) -> Any:
    """The value a binding names: a derived one or a field's."""
    if name in DERIVED:
        return DERIVED[name](request)
    value = request.values[name]
    return value.name if isinstance(value, Media) else value


def apply_preset(graph: Graph, preset: Preset) -> Graph:
    """The graph with the preset's edits made in their order."""
    for change in preset.edits:
        graph = _apply(graph, change)
    return graph


def _apply(graph: Graph, change: Edit) -> Graph:
    if isinstance(change, SetInput):
        return edit.set_input(graph, change.at, change.value)
    if isinstance(change, LinkInput):
        return edit.link_input(graph, change.at, change.to, change.slot)
    if isinstance(change, ReplaceNode):
        return edit.replace_node(graph, change.node, change.class_type, change.inputs, change.linked)
    if isinstance(change, InsertLora):
        return edit.insert_lora(graph, change.after, change.node, change.lora_name, change.strength)
    assert isinstance(change, DropNode)
    return edit.drop_node(graph, change.node, change.bypass)


def resolve_files(graph: Graph, capabilities: Capabilities) -> Graph:
    """Every file name in the engine's own spelling, where it is known."""

    def resolved(node: Mapping[str, Any]) -> dict[str, Any]:
        inputs = {
            name: capabilities.resolve(node["class_type"], name, value) if isinstance(value, str) else value
            for name, value in node["inputs"].items()
        }
        return {**node, "inputs": inputs}

    return {node_id: resolved(node) for node_id, node in graph.items()}
