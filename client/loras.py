"""Which LoRAs in an engine's list are a person's own: all but those that the studio's graphs use by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from workflows import manifest, registry
from workflows.change import AddNode, Change, InsertLora, ReplaceNode, SetInput
from workflows.registry import basename

INPUT = "lora_name"


def own(names: Iterable[str]) -> tuple[str, ...]:
    """The names that are not the studio's, sorted; a folder before a name makes no difference."""
    return tuple(sorted(name for name in names if basename(name) not in of_the_studio()))


@cache
def of_the_studio() -> frozenset[str]:
    """The LoRA files that graphs and manifests name, and those that may take their place, without folders."""
    named = {basename(name) for mode in manifest.modes() for name in _named(mode)}
    return frozenset(named.union(*map(registry.stand_ins, named)))


def _named(mode: manifest.Mode) -> Iterator[str]:
    for node in manifest.graph(mode.name).values():
        yield from _in_inputs(node["inputs"])
    changes: list[Change] = [*mode.presets, *(choice for field in mode.fields for choice in field.choices.values())]
    for edit in (edit for change in changes for edit in change.edits):
        if isinstance(edit, InsertLora):
            yield edit.lora_name
        if isinstance(edit, AddNode | ReplaceNode):
            yield from _in_inputs(edit.inputs)
        if isinstance(edit, SetInput) and edit.at.endswith(f".{INPUT}"):
            yield str(edit.value)


def _in_inputs(inputs: dict[str, Any]) -> Iterator[str]:
    if isinstance(inputs.get(INPUT), str):
        yield inputs[INPUT]
