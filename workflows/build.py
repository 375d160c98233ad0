"""A request becomes a graph. Pure: the same request and capabilities give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workflows import graph as edit
from workflows import manifest, registry, schema
from workflows.change import AddNode, Change, DropNode, InsertLora, LinkInput, ReplaceNode, SetInput
from workflows.graph import Graph
from workflows.manifest import Field, Mode
from workflows.registry import basename, lookup
from workflows.request import Request
from workflows.values import Media

PREFIX_FOLDER = "ltx-studio"
WHOLE_TILE = 768
TILES = ((12.0, 384), (20.0, 512))
"""Side in pixels of a tile of the video decoder by device memory in GiB: the first row with more than there is.

The workflows that ComfyUI ships use 768, which more memory than that leaves as it is; a tile's memory grows with its
area.
"""


@dataclass(frozen=True)
class Capabilities:
    """What an engine offers: for each (class, input) that picks from a list, the names in it; uploads are left out.

    Empty means that nothing is known, and the graph's own names stand. `memory` is that of its GPU in GiB, 0 where it
    has none or doesn't say.
    """

    options: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    memory: float = 0.0

    @classmethod
    def from_object_info(cls, object_info: Mapping[str, Any], stats: Mapping[str, Any] | None = None) -> Capabilities:
        """Read from what `GET /object_info` and `GET /system_stats` answer.

        Both of ComfyUI's ways to write a list are understood.
        """
        options: dict[tuple[str, str], tuple[str, ...]] = {}
        for class_type, info in object_info.items():
            inputs = (info.get("input") if isinstance(info, dict) else None) or {}
            for group in ("required", "optional"):
                for name, spec in (inputs.get(group) or {}).items():
                    listed = [] if schema.is_upload(spec) else schema.options(spec)
                    if listed and all(isinstance(option, str) for option in listed):
                        options[class_type, name] = tuple(listed)
        return cls(options, _memory(stats or {}))

    def resolve(self, class_type: str, name: str, wanted: str) -> str:
        """The engine's own name for a file, as `resolve_all` finds it for one loader."""
        return self.resolve_all([(class_type, name)], wanted)[0]

    def resolve_all(self, loaders: Sequence[tuple[str, str]], wanted: str) -> tuple[str, ...]:
        """The engine's own names for the file that several loaders, as (class, input), name alike.

        The same name, else that of the file in a subfolder, else the next variant of the same logical model in the
        registry's order, likewise. All loaders get the same file: one that not all of them have is passed over, and one
        whose list is unknown goes with the others. Where there is none, it stays as it is.
        """
        lists = [self.options.get(loader, ()) for loader in loaders]
        for candidate in (wanted, *registry.stand_ins(wanted)) if any(lists) else ():
            found = [_listed(candidate, listed) for listed in lists if listed]
            if all(found):
                return tuple(_listed(candidate, listed) or found[0] for listed in lists)
        return (wanted,) * len(loaders)


def _listed(wanted: str, listed: Sequence[str]) -> str:
    """A file's name in an engine's list; "" where it is not there."""
    if wanted in listed:
        return wanted
    return next((option for option in listed if basename(option) == basename(wanted)), "")


def _memory(stats: Mapping[str, Any]) -> float:
    devices = [device for device in stats.get("devices") or () if isinstance(device, dict)]
    sizes = [device.get("vram_total") for device in devices if device.get("type") != "cpu"]
    return next((size / 2**30 for size in sizes if isinstance(size, int | float)), 0.0)


def tile_size(request: Request, capabilities: Capabilities) -> int:
    """The decoder's tile in pixels: as set, or what suits the device's memory."""
    wanted = request.values["decode_tile"]
    if wanted != "auto":
        return int(str(wanted))
    if not capabilities.memory:
        return WHOLE_TILE
    return next((side for memory, side in TILES if capabilities.memory < memory), WHOLE_TILE)


DERIVED: dict[str, Callable[[Request, Capabilities], Any]] = {
    "width": lambda r, c: r.shape.width,
    "height": lambda r, c: r.shape.height,
    "half_width": lambda r, c: r.shape.width // 2,
    "half_height": lambda r, c: r.shape.height // 2,
    "frames": lambda r, c: r.shape.frames,
    "clip_seconds": lambda r, c: r.shape.seconds,
    # A cut by time may lose a frame to rounding; the graph takes exactly the frames it needs of what is left.
    "source_seconds": lambda r, c: (r.shape.frames + 1) / r.shape.fps,
    "fps": lambda r, c: r.shape.fps,
    "fps_rounded": lambda r, c: max(1, round(r.shape.fps)),
    "tile_size": tile_size,
    "prefix": lambda r, c: f"{PREFIX_FOLDER}/{r.mode}",
}
"""Values that bindings may name beside the mode's fields."""


def build(request: Request, capabilities: Capabilities | None = None, graph: Graph | None = None) -> Graph:
    """The API graph for a request, made from the mode's own graph or from `graph` in its place.

    Raises GraphError where manifest and graph do not fit together.
    """
    capabilities = capabilities or Capabilities()
    mode, changes = manifest.mode(request.mode), changes_of(request)
    built = apply(manifest.graph(mode.name) if graph is None else graph, changes)
    for at, name in bindings(mode, changes).items():
        built = edit.set_input(built, at, bound_value(request, name, capabilities))
    built = edit.prune(built, *outputs(mode, changes))
    return resolve_files(built, capabilities)


def changes_of(request: Request) -> tuple[Change, ...]:
    """What the preset and the values change in the mode's graph, in order."""
    mode = manifest.mode(request.mode)
    preset = mode.preset(request.preset)
    effective = [field for field in mode.fields if manifest.is_effective(field, preset, request.values)]
    return (preset, *(CHANGES.get(field.type, _chosen)(field, request.values[field.name]) for field in effective))


def _chosen(field: Field, value: Any) -> Change:
    return field.choice(value) if field.choices else Change()


def _inserted(field: Field, rows: Any) -> Change:
    """The rows' loaders, one behind the other; a strength of 0 is none."""
    edits: list[InsertLora] = []
    for row in (row for row in rows if row.strength):
        after = edits[-1].node if edits else field.after
        name = f"LoRA {len(edits) + 1}"
        edits.append(InsertLora(op="lora", after=after, node=name, lora_name=row.name, strength=row.strength))
    return Change(edits=tuple(edits))


CHANGES: dict[str, Callable[[Field, Any], Change]] = {"loras": _inserted}


def bindings(mode: Mode, changes: Iterable[Change]) -> dict[str, str]:
    """ "Title.input" to the name of the value that goes there, those of the changes over the mode's."""
    bound = dict(mode.bind)
    for change in changes:
        bound |= change.bind
    return {at: name for at, name in bound.items() if name}


def outputs(mode: Mode, changes: Iterable[Change]) -> tuple[str, ...]:
    """The titles of the output nodes, the mode's own first."""
    return (mode.output, *(name for change in changes for name in change.outputs))


def bound_value(request: Request, name: str, capabilities: Capabilities | None = None) -> Any:
    """The value a binding names: a derived one or a field's."""
    if name in DERIVED:
        return DERIVED[name](request, capabilities or Capabilities())
    value = request.values[name]
    return value.name if isinstance(value, Media) else value


def apply(graph: Graph, changes: Iterable[Change]) -> Graph:
    """The graph with the changes' edits made in their order."""
    for change in changes:
        for step in change.edits:
            graph = EDITS[type(step)](graph, step)
    return graph


EDITS: dict[type, Callable[[Graph, Any], Graph]] = {
    SetInput: lambda g, e: edit.set_input(g, e.at, e.value),
    LinkInput: lambda g, e: edit.link_input(g, e.at, e.to, e.slot, e.new),
    AddNode: lambda g, e: edit.add_node(g, e.node, e.class_type, e.inputs, e.linked),
    ReplaceNode: lambda g, e: edit.replace_node(g, e.node, e.class_type, e.inputs, e.linked),
    InsertLora: lambda g, e: edit.insert_lora(g, e.after, e.node, e.lora_name, e.strength),
    DropNode: lambda g, e: edit.drop_node(g, e.node, e.bypass),
}


def resolve_files(graph: Graph, capabilities: Capabilities) -> Graph:
    """Every file name in the engine's own spelling, where it is known; nodes that name the same file keep doing so."""
    named: dict[str, list[tuple[str, str]]] = {}
    for node_id, node in graph.items():
        for name, value in node["inputs"].items():
            if isinstance(value, str) and ((node["class_type"], name) in capabilities.options or lookup(value)):
                named.setdefault(value, []).append((node_id, name))
    resolved = {node_id: {**node, "inputs": dict(node["inputs"])} for node_id, node in graph.items()}
    for value, places in named.items():
        loaders = [(graph[node_id]["class_type"], name) for node_id, name in places]
        for (node_id, name), found in zip(places, capabilities.resolve_all(loaders, value), strict=True):
            resolved[node_id]["inputs"][name] = found
    return resolved
