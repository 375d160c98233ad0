"""What each mode is, read from `fields.toml` and `<mode>.toml`: its fields, bindings, presets and stages.

Everything here is frozen and loaded once. A manifest that does not fit its graph is caught by `python -m workflows
check`, one that has a misspelt key already when it is read.
"""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Constraint

from workflows.errors import StudioError
from workflows.graph import Graph

FOLDER = Path(__file__).parent
MODES = ("t2v", "i2v")

FieldType = Literal["text", "int", "float", "seed", "image"]
MEDIA_TYPES = ("image",)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Field(_Frozen):
    """One setting of a request: what it means, in which unit, within which limits.

    `needs` names what a preset must provide for the field to have an effect. `group` says where a form puts it.
    """

    name: str
    type: FieldType
    title: str
    help: str
    required: bool = False
    default: str | int | float | None = None
    min: float | None = None
    max: float | None = None
    step: float | None = None
    unit: str = ""
    max_length: int | None = None
    lines: int = 1
    needs: str | None = None
    group: Literal["main", "size", "advanced"] = "main"


class SetInput(_Frozen):
    """Set the input `at` ("Title.input") to a literal value."""

    op: Literal["set"]
    at: str
    value: Any


class LinkInput(_Frozen):
    """Link the input `at` to output `slot` of the node titled `to`."""

    op: Literal["link"]
    at: str
    to: str
    slot: int = 0


class ReplaceNode(_Frozen):
    """Give the node another class and other inputs; `linked` maps an input to (title, slot) of its source."""

    op: Literal["replace"]
    node: str
    class_type: str
    inputs: dict[str, Any]
    linked: dict[str, tuple[str, int]] = {}


class InsertLora(_Frozen):
    """Put a LoRA loader titled `node` behind the model of the node titled `after`."""

    op: Literal["lora"]
    after: str
    node: str
    lora_name: str
    strength: float


class DropNode(_Frozen):
    """Remove a node; its users get what its input `bypass` was linked to."""

    op: Literal["drop"]
    node: str
    bypass: str


Edit = Annotated[SetInput | LinkInput | ReplaceNode | InsertLora | DropNode, Constraint(discriminator="op")]


class Preset(_Frozen):
    """A way to make the video: edits of the graph, and defaults and limits that suit it.

    `provides` lists what fields may need ("guidance": sampling with CFG above 1). `max_pixels` bounds width × height.
    """

    name: str
    title: str
    summary: str
    provides: tuple[str, ...] = ()
    max_pixels: int | None = None
    defaults: dict[str, str | int | float] = {}
    bind: dict[str, str] = {}
    edits: tuple[Edit, ...] = ()


class Stage(_Frozen):
    """A part of the work with a name; `nodes` maps node titles to their share of the time."""

    title: str
    nodes: dict[str, float]


class Mode(_Frozen):
    """One of the studio's modes: `comfyui` is the first ComfyUI version with all its nodes."""

    name: str
    title: str
    tag: str
    icon: str
    summary: str
    comfyui: str
    output: str
    fields: tuple[Field, ...]
    bind: dict[str, str]
    presets: tuple[Preset, ...]
    stages: tuple[Stage, ...]

    def preset(self, name: str) -> Preset:
        """The preset of that name. Raises StudioError `unknown_preset`."""
        for preset in self.presets:
            if preset.name == name:
                return preset
        known = ", ".join(p.name for p in self.presets)
        raise StudioError("unknown_preset", field="preset", title=self.title, value=name, known=known)

    def fields_for(self, preset: Preset) -> tuple[Field, ...]:
        """The fields with the preset's defaults, those without an effect under it left out."""
        return tuple(
            field.model_copy(update={"default": preset.defaults.get(field.name, field.default)})
            for field in self.fields
            if is_effective(field, preset)
        )


def is_effective(field: Field, preset: Preset) -> bool:
    """Whether the field changes the video under this preset."""
    return field.needs is None or field.needs in preset.provides


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


@cache
def fields() -> dict[str, Field]:
    """Every field any mode has, by name."""
    return {name: Field(name=name, **table) for name, table in _toml("fields.toml").items()}


@cache
def mode(name: str) -> Mode:
    """The manifest of one mode. Raises StudioError `unknown_mode`."""
    if name not in MODES:
        raise StudioError("unknown_mode", value=name, known=", ".join(MODES))
    table = _toml(f"{name}.toml")
    table["fields"] = [fields()[field] for field in table["fields"]]
    table["presets"] = [{"name": key, **preset} for key, preset in table["presets"].items()]
    return Mode(name=name, **table)


def modes() -> tuple[Mode, ...]:
    """All modes in the order in which they are shown."""
    return tuple(mode(name) for name in MODES)


def graph(name: str) -> Graph:
    """A fresh copy of the mode's graph as it lies on disk."""
    loaded: Graph = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return loaded
