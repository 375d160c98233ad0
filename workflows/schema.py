"""Does a graph fit the node interfaces of an engine? Checked against `schema.json` or a live `/object_info`.

An interface is what ComfyUI's `GET /object_info` reports for a class. Inputs that pick from a list of files are not
checked against an empty list: the recorded interfaces have no files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from workflows.graph import Graph, is_link, links, title

SCHEMA_FILE = Path(__file__).parent / "schema.json"
WIDGETS: dict[str, tuple[type, ...]] = {"INT": (int,), "FLOAT": (int, float), "STRING": (str,), "BOOLEAN": (bool,)}
WILDCARDS = ("*", "COMFY_MATCHTYPE_V3")

Interfaces = Mapping[str, Any]


@cache
def recorded() -> Interfaces:
    """The interfaces recorded from a real server."""
    loaded: Interfaces = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return loaded


def declared_inputs(interface: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, tuple[Any, bool]]:
    """The inputs a node has: name to (specification, required).

    A dynamic combo (`COMFY_DYNAMICCOMBO_V3`) brings the inputs of the option chosen in `values`, a list that grows
    (`COMFY_AUTOGROW_V3`) those of its entries, both under dotted names.
    """
    declared: dict[str, tuple[Any, bool]] = {}
    for group, required in (("required", True), ("optional", False)):
        for name, given in ((interface.get("input") or {}).get(group) or {}).items():
            spec: list[Any] = given if _is_plain(given) else ["*"]
            declared[name] = (spec, required)
            if spec[0] == "COMFY_AUTOGROW_V3":
                del declared[name]
                declared |= _grown(name, spec[1]["template"], values)
            elif spec[0] == "COMFY_DYNAMICCOMBO_V3":
                chosen = [option for option in spec[1]["options"] if option["key"] == values.get(name)]
                for option in chosen:
                    inner = declared_inputs({"input": option["inputs"]}, values)
                    declared |= {f"{name}.{key}": value for key, value in inner.items()}
    return declared


def _is_plain(spec: Any) -> bool:
    """Whether a specification is of a shape that makes sense (those of custom nodes vary)."""
    return isinstance(spec, list) and bool(spec) and isinstance(spec[0], str | list)


def _grown(name: str, template: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, tuple[Any, bool]]:
    """The inputs of a list that grows: `name.a`, `name.b`, … as many as are given, the first `min` required."""
    ((_, spec),) = template["input"]["required"].items()
    names = [f"{name}.{key}" for key in template["names"]]
    needed = template.get("min", 0)
    return {key: (spec, index < needed) for index, key in enumerate(names) if index < needed or key in values}


def options(spec: Any) -> list[Any] | None:
    """What an input may be chosen from, or None where it is not a choice or makes no sense (custom nodes vary)."""
    if not isinstance(spec, list) or not spec:
        return None
    if isinstance(spec[0], list):
        return spec[0]
    listed = spec[1].get("options") if len(spec) > 1 and isinstance(spec[1], dict) else None
    if spec[0] == "COMFY_DYNAMICCOMBO_V3":
        return [option["key"] for option in listed or []]
    return listed if spec[0] == "COMBO" else None


def is_upload(spec: Any) -> bool:
    """Whether an input picks from uploaded files (ComfyUI marks it with `image_upload` and its like)."""
    has_config = isinstance(spec, list) and len(spec) > 1 and isinstance(spec[1], dict)
    return has_config and any(key.endswith("_upload") for key in spec[1])


def problems(
    graph: Graph, interfaces: Interfaces, uploads: bool = False, outputs: int = 1, foreign: bool = False
) -> Iterator[str]:
    """One sentence for everything in the graph that the engine would refuse.

    Names of uploaded files (inputs marked with `image_upload` and its like) are only compared when `uploads` is set.
    `outputs` is how many output nodes there must be. `foreign` allows what custom nodes do and the engine lets pass:
    inputs that the interface doesn't declare, and values of types of their own.
    """
    titles = [title(node) for node in graph.values()]
    for name in sorted({name for name in titles if titles.count(name) > 1}):
        yield f"{titles.count(name)} nodes are titled {name!r}"
    found = [title(node) for node in graph.values() if interfaces.get(node["class_type"], {}).get("output_node")]
    if len(found) != outputs:
        yield f"the graph has {len(found)} output nodes; {'one is' if outputs == 1 else f'{outputs} are'} needed"
    for node_id in cycle(graph):
        yield f"{title(graph[node_id])}: the graph runs in a circle here"
    for node in graph.values():
        name = title(node)
        if "title" not in node.get("_meta", {}):
            yield f"a {node['class_type']} node has no title"
        if node["class_type"] not in interfaces:
            yield f"{name}: the engine has no node {node['class_type']}"
            continue
        declared = declared_inputs(interfaces[node["class_type"]], node["inputs"])
        for key, (_, required) in declared.items():
            if required and key not in node["inputs"]:
                yield f"{name}: the input {key} is missing"
        for key, value in node["inputs"].items():
            if key not in declared:
                if foreign:
                    continue
                yield f"{name}: {node['class_type']} has no input {key}"
            elif is_link(value):
                yield from _link_problems(graph, interfaces, f"{name}.{key}", declared[key][0], value)
            elif not (foreign and _is_of_own_type(declared[key][0])):
                yield from _value_problems(f"{name}.{key}", declared[key][0], value, uploads)


def cycle(graph: Graph) -> list[str]:
    """The ids of the nodes that can never run because they wait for each other, in the graph's order."""
    waiting = {
        node_id: {source for source, _ in links(node).values() if source in graph} for node_id, node in graph.items()
    }
    while ready := [node_id for node_id, sources in waiting.items() if not sources]:
        for node_id in ready:
            del waiting[node_id]
        for sources in waiting.values():
            sources.difference_update(ready)
    return list(waiting)


def _link_problems(graph: Graph, interfaces: Interfaces, where: str, spec: list[Any], link: list[Any]) -> Iterator[str]:
    source = graph.get(link[0])
    if source is None:
        yield f"{where} is linked to node {link[0]}, which is not there"
        return
    if source["class_type"] not in interfaces:
        return
    made = [kind if isinstance(kind, str) else "COMBO" for kind in interfaces[source["class_type"]].get("output") or []]
    if not 0 <= link[1] < len(made):
        yield f"{where} is linked to output {link[1]} of {title(source)}, which has {len(made)}"
        return
    wanted = "COMBO" if isinstance(spec[0], list) else spec[0]
    accepted = set(wanted.split(","))
    if not accepted & {made[link[1]], *WILDCARDS} and made[link[1]] not in WILDCARDS:
        yield f"{where} takes {wanted}, but {title(source)} gives {made[link[1]]}"


def _is_of_own_type(spec: list[Any]) -> bool:
    return options(spec) is None and spec[0] not in WIDGETS


def _value_problems(where: str, spec: list[Any], value: Any, uploads: bool) -> Iterator[str]:
    config = spec[1] if len(spec) > 1 else {}
    listed = options(spec)
    if listed is not None:
        if listed and value not in listed and (uploads or not is_upload(spec)):
            yield f"{where}: {value!r} is not one of the {len(listed)} the engine offers"
        return
    kinds = WIDGETS.get(spec[0])
    if kinds is None:
        yield f"{where} takes a link to {spec[0]}, not the value {value!r}"
    elif not isinstance(value, kinds) or (isinstance(value, bool) and spec[0] != "BOOLEAN"):
        yield f"{where} takes {spec[0]}, not {value!r}"
    elif isinstance(value, int | float) and not config.get("min", value) <= value <= config.get("max", value):
        yield f"{where}: {value} is outside {config.get('min')} to {config.get('max')}"
