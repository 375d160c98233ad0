"""Every control is true: changing it changes the submitted graph, in the nodes listed here and nowhere else.

The list is written by hand, so that a binding which points to the wrong node, or is missing, is seen.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.workflows.helpers import CASES, CONTROLS, circumstances, difference, flat, request
from workflows import manifest
from workflows.build import DERIVED, bindings, bound_value, build, changes_of
from workflows.graph import Graph
from workflows.manifest import MEDIA_TYPES, Field, Mode, Preset
from workflows.values import Lora, Media

LENGTH = ("Video latent.length", "Audio latent.frames_number", "Video frames.length", "Cut *.duration")
SIZE = ("Video latent.{}", "Fit *.resize_type.{}")
BASE_MODEL = ("Distilled LoRA.model", "Stage 1 guider.model")
PLACES: dict[str, tuple[str, ...]] = {
    "prompt": ("Prompt.text",),
    "negative_prompt": ("Negative prompt.text",),
    "image": ("Image.image",),
    "image_strength": ("Stage 1 first frame.strength",),
    "audio": ("Audio.audio",),
    "audio_start": ("Cut audio.start_index",),
    "first_frame": ("First frame.image",),
    "last_frame": ("Last frame.image",),
    "first_strength": ("Stage ? first frame.strength",),
    "last_strength": ("Stage ? last frame.strength",),
    "video": ("Video.file",),
    "video_start": ("Cut video.start_time",),
    "style_image": ("Style image.image",),
    "control": ("Control", "Control.*", "Load depth model*", "Depth*", "Load pose model*", "Pose*"),
    "control_strength": ("Control guide.strength",),
    "canny_low": ("Control.low_threshold",),
    "canny_high": ("Control.high_threshold",),
    "width": tuple(place.format("width") for place in SIZE),
    "height": tuple(place.format("height") for place in SIZE),
    "seconds": LENGTH,
    "fps": (*LENGTH, "Conditioning.frame_rate", "Audio latent.frame_rate", "Create video.fps"),
    "seed": ("Stage ? noise.noise_seed",),
    "camera": ("Camera move", "Camera move.*", *BASE_MODEL),
    "camera_strength": ("Camera move.strength_model",),
    "loras": ("LoRA ?", "LoRA ?.*", *BASE_MODEL),
    "enhance": ("Enhance prompt", "Enhance prompt.*", "Prompt.text", "Enhanced prompt", "Enhanced prompt.*"),
    "decode_tile": ("Decode video.tile_size",),
}
"""For each field the inputs, or whole nodes, that it may change; a pattern stands for what a mode or preset has."""

STRUCTURAL = ("control", "camera", "loras", "enhance")
"""Fields that change which nodes there are."""


def another(field: Field) -> Any:
    """A usable value that differs enough from the default to be seen in everything derived from it."""
    if field.type in MEDIA_TYPES:
        return Media(f"other.{field.type}")
    if field.type == "text":
        return "A lighthouse in fog"
    if field.type == "seed":
        return 8
    if field.type == "flag":
        return not field.default
    if field.type == "choice":
        return next(reversed(field.choices))
    if field.type == "loras":
        return [Lora("a.safetensors", 0.5), Lora("b.safetensors", -1.0)]
    low, default, high = (float(limit or 0) for limit in (field.min, field.default, field.max))
    middle = (low + default) / 2 if default > low else (default + high) / 2
    return int(middle) if field.type == "int" else middle


def pair(mode: Mode, preset: Preset, field: Field, value: Any = None) -> tuple[Graph, Graph]:
    """The graph with the field at its default and with another value."""
    around = circumstances(field)
    changed = another(field) if value is None else value
    return build(request(mode, preset, **around)), build(request(mode, preset, **around, **{field.name: changed}))


def is_place(at: str, field: Field) -> bool:
    return any(fnmatchcase(at, pattern) for pattern in PLACES[field.name])


def test_every_field_has_a_place() -> None:
    assert PLACES.keys() == manifest.fields().keys()


@pytest.mark.parametrize(("mode", "preset", "field"), CONTROLS)
def test_a_control_changes_its_nodes_and_nothing_else(mode: Mode, preset: Preset, field: Field) -> None:
    before, after = pair(mode, preset, field)
    changed = difference(before, after)
    assert changed, f"{field.name} changes nothing"
    assert {at for at in changed if not is_place(at, field)} == set()
    if field.name not in STRUCTURAL:
        # What a plain field may change it does change, wherever the mode has it.
        places = {at for at in flat(after) if is_place(at, field) and not isinstance(flat(after)[at], tuple)}
        assert changed == places


CHOICES = [
    pytest.param(mode, preset, field, value, id=f"{mode.name}-{preset.name}-{field.name}-{value}")
    for mode, preset, field in (case.values for case in CONTROLS)
    for value in field.choices
    if field.type == "choice" and value != field.default
]


@pytest.mark.parametrize(("mode", "preset", "field", "value"), CHOICES)
def test_every_choice_changes_its_nodes_and_nothing_else(mode: Mode, preset: Preset, field: Field, value: str) -> None:
    before, after = pair(mode, preset, field, value)
    changed = difference(before, after)
    if (field.name, value) == ("decode_tile", "768"):
        # What auto chooses where the device is unknown.
        assert changed == set()
        return
    assert changed
    assert {at for at in changed if not is_place(at, field)} == set()


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_choices_of_a_field_give_different_graphs(mode: Mode, preset: Preset) -> None:
    for field in mode.fields_for(preset, {}):
        values = [value for value in field.choices if field.type == "choice" and value != "auto"]
        made = [build(request(mode, preset, **{field.name: value})) for value in values]
        for index, graph in enumerate(made):
            assert all(difference(graph, other) for other in made[index + 1 :]), field.name


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_a_field_that_is_not_shown_changes_nothing(mode: Mode, preset: Preset) -> None:
    shown = {field.name for field in mode.fields_for(preset, {})}
    plain = build(request(mode, preset))
    for field in mode.fields:
        if field.name not in shown:
            hidden = build(request(mode, preset, **{field.name: another(field)}))
            assert difference(plain, hidden) == set(), field.name


# Bindings


DRIVERS: dict[str, set[str]] = {
    "width": {"width"},
    "height": {"height"},
    "half_width": {"width"},
    "half_height": {"height"},
    "frames": {"seconds", "fps"},
    "clip_seconds": {"seconds", "fps"},
    "source_seconds": {"seconds", "fps"},
    "fps": {"fps"},
    "fps_rounded": {"fps"},
    "tile_size": {"decode_tile"},
    "prefix": set(),
}
"""The fields that each derived value depends on."""


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_derived_values_depend_on_the_fields_listed_here(mode: Mode, preset: Preset) -> None:
    assert DRIVERS.keys() == DERIVED.keys()
    plain = request(mode, preset)
    for field in mode.fields_for(preset, {}):
        changed = request(mode, preset, **{field.name: another(field)})
        for name, drivers in DRIVERS.items():
            assert (bound_value(plain, name) != bound_value(changed, name)) == (field.name in drivers), name


def bound(mode: Mode, preset: Preset) -> dict[str, set[str]]:
    """Every binding of the mode under the preset, whatever is chosen, with the names that go there."""
    found: dict[str, set[str]] = {}
    for field in (None, *mode.fields_for(preset, {})):
        for value in field.choices if field else ("",):
            asked = request(mode, preset, **({field.name: value} if field else {}))
            for at, name in bindings(mode, changes_of(asked)).items():
                found.setdefault(at, set()).add(name)
    return found


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_every_binding_is_driven_by_a_field_of_the_mode(mode: Mode, preset: Preset) -> None:
    own = {field.name for field in mode.fields}
    for at, names in bound(mode, preset).items():
        for name in names - {"prefix"}:
            assert DRIVERS.get(name, {name}) & own, f"{at} = {name} of {mode.name} {preset.name}"


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_every_field_is_read_by_a_binding_or_changes_the_nodes(mode: Mode, preset: Preset) -> None:
    read = {driver for names in bound(mode, preset).values() for name in names for driver in DRIVERS.get(name, {name})}
    shown = {field.name for field in mode.fields_for(preset, {})}
    assert shown - {"loras"} <= read | {name for name in STRUCTURAL if name in shown}


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_every_bound_input_holds_the_value_bound_to_it(mode: Mode, preset: Preset) -> None:
    for field in (None, *mode.fields_for(preset, {})):
        asked = request(mode, preset, **({field.name: another(field)} if field else {}))
        values = flat(build(asked))
        for at, name in bindings(mode, changes_of(asked)).items():
            if at in values:
                wanted = bound_value(asked, name)
                assert (values[at], type(values[at])) == (wanted, type(wanted)), at
