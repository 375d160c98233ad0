"""What each mode is, read from `fields.toml`, `presets.toml` and `<mode>.toml`: fields, bindings, presets, stages.

Everything here is frozen and loaded once. A manifest that does not fit its graph is caught by `python -m workflows
check`, one that has a misspelt key already when it is read.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field as Constraint

from workflows.change import Change, Frozen
from workflows.errors import StudioError
from workflows.graph import Graph
from workflows.grid import SIZE_STEP

FOLDER = Path(__file__).parent
MODES = ("t2v", "i2v", "a2v", "lipsync", "keyframe", "style")

FieldType = Literal["text", "int", "float", "seed", "flag", "choice", "loras", "image", "audio", "video"]
MEDIA_TYPES = ("image", "audio", "video")
ON, OFF = "on", "off"


class Choice(Change):
    """One of the values of a field that has a few, and what it changes in the graph. A flag has the one `on`."""

    title: str = ""
    help: str = ""


class Field(Frozen):
    """One setting of a request: what it means, in which unit, within which limits.

    `needs` names what a preset must provide for the field to have an effect, `when` the values that another field must
    have. `group` says where a form puts it. `follows` names a media field whose length in seconds is the default,
    `start_of` one in which this is a position, `at_most` a field whose value this one may not exceed. For LoRAs,
    `after` is the node behind whose model they go, `max_rows` how many there may be, and `guide` whether the graph has
    the control guide that an IC-LoRA needs; limits and default are those of a row's strength.
    """

    name: str
    type: FieldType
    title: str
    help: str
    required: bool = False
    default: str | int | float | bool | None = None
    min: float | None = None
    max: float | None = None
    step: float | None = None
    unit: str = ""
    max_length: int | None = None
    lines: int = 1
    needs: str | None = None
    when: dict[str, tuple[str, ...]] = Constraint(default_factory=dict)
    group: Literal["main", "size", "look", "advanced"] = "main"
    choices: dict[str, Choice] = Constraint(default_factory=dict)
    follows: str | None = None
    start_of: str | None = None
    at_most: str | None = None
    after: str = ""
    max_rows: int = 0
    guide: bool = False

    def choice(self, value: Any) -> Change:
        """What a value changes in the graph: nothing where the field has no choices."""
        key = value if isinstance(value, str) else ON if value is True else OFF
        return self.choices.get(key, Change())


class Resolution(Frozen):
    """A step of the size: `share` times the pixels of the preset's own size, as far as the preset makes that many."""

    title: str
    help: str
    share: float = Constraint(gt=0)


class Preset(Change):
    """A way to make the video: a change of the graph, and defaults and limits that suit it.

    `provides` lists what fields may need ("guidance": sampling with CFG above 1). `max_pixels` bounds width × height,
    which are multiples of `size_step`. `resolutions` are the steps of the size, one of them the preset's own. `summary`
    says what it does, `cost` what it costs. `weights` are the shares of the time of nodes that take another one than
    the mode's stages say.
    """

    name: str
    title: str
    summary: str
    cost: str
    provides: tuple[str, ...] = ()
    max_pixels: int | None = None
    size_step: int = SIZE_STEP
    resolutions: dict[str, Resolution] = Constraint(default_factory=dict)
    defaults: dict[str, str | int | float | bool] = Constraint(default_factory=dict)
    weights: dict[str, float] = Constraint(default_factory=dict)


class Stage(Frozen):
    """A part of the work with a name; `nodes` maps node titles to their share of the time."""

    title: str
    nodes: dict[str, float]


class Example(Frozen):
    """Values that make something worth seeing, media as file names in `assets/examples`.

    `poster` is the picture in `static/examples` that shows what comes of it.
    """

    title: str
    poster: str
    values: dict[str, str | int | float | bool]


class Mode(Frozen):
    """One of the studio's modes: `comfyui` is the first ComfyUI version with all its nodes.

    `rate_of` names the video field whose frame rate the result has, where the mode has no field for the rate,
    `aspect_of` the picture or video whose form suits the result. `examples` fill a form.
    """

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
    examples: tuple[Example, ...] = ()
    rate_of: str = ""
    aspect_of: str = ""

    def preset(self, name: str) -> Preset:
        """The preset of that name. Raises StudioError `unknown_preset`."""
        for preset in self.presets:
            if preset.name == name:
                return preset
        known = ", ".join(p.name for p in self.presets)
        raise StudioError("unknown_preset", field="preset", title=self.title, value=name, known=known)

    def field(self, name: str) -> Field:
        """The field of that name, which the mode must have."""
        return next(field for field in self.fields if field.name == name)

    def fields_for(self, preset: Preset, values: Mapping[str, Any]) -> tuple[Field, ...]:
        """The fields with the preset's defaults, those without an effect under it and `values` left out.

        A value that is missing counts as its default.
        """
        fields = tuple(
            field.model_copy(update={"default": preset.defaults.get(field.name, field.default)})
            for field in self.fields
        )
        complete = {field.name: field.default for field in fields} | {
            name: value for name, value in values.items() if value is not None
        }
        return tuple(field for field in fields if is_effective(field, preset, complete))


def is_effective(field: Field, preset: Preset, values: Mapping[str, Any]) -> bool:
    """Whether the field changes the video under this preset and these values."""
    provided = field.needs is None or field.needs in preset.provides
    return provided and all(values.get(other) in wanted for other, wanted in field.when.items())


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
    own, choices = table.pop("field", {}), table.pop("choice", {})
    shared = _toml("presets.toml")
    table["fields"] = [_field_of(key, own.get(key, {}), choices.get(key, {})) for key in table["fields"]]
    table["presets"] = [{"name": key, **shared[key], **preset} for key, preset in table["presets"].items()]
    return Mode(name=name, **table)


def _field_of(name: str, own: Mapping[str, Any], choices: Mapping[str, Any]) -> Field:
    """A field as a mode has it: the shared one with the mode's own keys, its choices with the mode's own edits."""
    field = fields()[name]
    extended = {
        key: choice.model_copy(update={"edits": (*choice.edits, *Change(**choices[key]).edits)})
        if key in choices
        else choice
        for key, choice in field.choices.items()
    }
    return Field(**{**field.model_dump(), "choices": extended, **own})


def modes() -> tuple[Mode, ...]:
    """All modes in the order in which they are shown."""
    return tuple(mode(name) for name in MODES)


def graph(name: str) -> Graph:
    """A fresh copy of the mode's graph as it lies on disk."""
    loaded: Graph = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return loaded
