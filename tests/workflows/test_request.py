"""Form values become a request, or one sentence that says what is wrong with which field."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from tests.workflows.helpers import CASES, SEED, request
from workflows import manifest
from workflows.errors import StudioError
from workflows.manifest import MEDIA_TYPES, Field, Mode, Preset
from workflows.request import Request, assignments, parse, random_seed
from workflows.values import MAX_SEED, Media

PICTURE = Media("ltx-studio/cat.png", source="cat.png", path="/tmp/cat.png", size=10, width=640, height=480)


def fields(*types: str) -> list[Any]:
    """Every field of these types that any mode has."""
    return [pytest.param(field, id=field.name) for field in manifest.fields().values() if field.type in types]


def mode_with(field: Field) -> tuple[Mode, Preset]:
    mode = next(mode for mode in manifest.modes() if field.name in {f.name for f in mode.fields})
    return mode, mode.preset("balanced")


def given(field: Field, value: Any, **others: Any) -> Request:
    return request(*mode_with(field), **{field.name: value, **others})


def refusal(mode: str, **values: Any) -> StudioError:
    """The error of a request, which is one sentence and one hint."""
    with pytest.raises(StudioError) as caught:
        parse(mode, values)
    error = caught.value
    assert error.message.endswith(".")
    assert "\n" not in error.message
    assert len(error.message) < 200
    assert error.hint.endswith(".")
    return error


def refused(field: Field, value: Any) -> StudioError:
    mode, _ = mode_with(field)
    required = {f.name: PICTURE if f.type in MEDIA_TYPES else "a kite" for f in mode.fields if f.required}
    error = refusal(mode.name, **{**required, field.name: value})
    assert error.field == field.name
    return error


# Values that can be used


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_what_is_left_out_is_the_default_of_the_preset(mode: Mode, preset: Preset) -> None:
    made = request(mode, preset)
    assert (made.mode, made.preset) == (mode.name, preset.name)
    assert list(made.values) == [field.name for field in mode.fields]
    for field in mode.fields_for(preset, {}):
        if not field.required and field.type != "seed":
            assert made.values[field.name] == (() if field.type == "loras" else field.default), field.name
    assert made.given == {field.name for field in mode.fields if field.required} | {"seed"}


def test_presets_have_their_own_defaults() -> None:
    fast, balanced = (parse("i2v", {"preset": p, "prompt": "x", "image": "a.png"}) for p in ("fast", "balanced"))
    assert (fast.shape.width, fast.shape.height, fast.values["image_strength"]) == (640, 384, 1.0)
    assert (balanced.shape.width, balanced.shape.height, balanced.values["image_strength"]) == (1280, 704, 0.7)


@pytest.mark.parametrize("nothing", [{}, {"preset": ""}, {"preset": None}])
def test_no_preset_is_balanced(nothing: dict[str, Any]) -> None:
    assert parse("t2v", {"prompt": "x", **nothing}).preset == "balanced"


@pytest.mark.parametrize("field", fields("int", "float"))
def test_limits_belong_to_the_range(field: Field) -> None:
    for limit in (field.min, field.max):
        # The thresholds of the edges have an order, and the sides of a picture share its pixels.
        others = {"canny_low": {"canny_high": field.max}, "canny_high": {"canny_low": field.min}}.get(field.name, {})
        assert given(field, limit, **others).values[field.name] == limit


@pytest.mark.parametrize("field", fields("int", "float"))
def test_numbers_may_come_as_text(field: Field) -> None:
    value = given(field, f" {field.max:.2f} ", **({"canny_high": 0.99} if field.name == "canny_low" else {}))
    assert value.values[field.name] == field.max
    value = value.values[field.name]
    assert type(value) is {"int": int, "float": float}[field.type]


def test_a_whole_number_may_come_as_a_float() -> None:
    width = parse("t2v", {"prompt": "x", "width": 640.0}).values["width"]
    assert (width, type(width)) == (640, int)


def test_text_is_trimmed() -> None:
    assert parse("t2v", {"prompt": "  a kite \n"}).values["prompt"] == "a kite"


@pytest.mark.parametrize("field", fields("text"))
def test_a_text_may_be_as_long_as_its_limit(field: Field) -> None:
    assert field.max_length is not None
    text = "x" * field.max_length
    assert given(field, text).values[field.name] == text


@pytest.mark.parametrize(
    ("raw", "seed"),
    [
        (0, 0),
        ("0", 0),
        (" 42 ", 42),
        (42.0, 42),
        (2**53 + 1, 2**53 + 1),
        (MAX_SEED, 18446744073709551615),
        (str(MAX_SEED), 18446744073709551615),
    ],
)
def test_seeds_are_exact(raw: object, seed: int) -> None:
    made = parse("t2v", {"prompt": "x", "seed": raw})
    assert (made.values["seed"], type(made.values["seed"])) == (seed, int)
    assert "seed" in made.given


@pytest.mark.parametrize("nothing", [{}, {"seed": None}, {"seed": ""}, {"seed": "  "}])
def test_a_seed_left_out_is_drawn_and_recorded(nothing: dict[str, Any]) -> None:
    made = parse("t2v", {"prompt": "x", **nothing}, draw_seed=lambda: SEED)
    assert made.values["seed"] == SEED


def test_drawn_seeds_are_short_and_differ() -> None:
    drawn = [random_seed() for _ in range(20)]
    assert all(0 <= seed < 2**32 for seed in drawn)
    assert len(set(drawn)) > 1


def test_a_picture_may_be_a_name_or_a_file() -> None:
    assert parse("i2v", {"prompt": "x", "image": " a.png "}).values["image"] == Media("a.png")
    made = parse("i2v", {"prompt": "x", "image": PICTURE})
    assert made.media() == {"image": PICTURE}
    assert parse("t2v", {"prompt": "x"}).media() == {}


def test_the_shape_is_what_will_be_made() -> None:
    shape = parse("t2v", {"prompt": "x", "width": 1280, "height": 720, "seconds": 5, "fps": 25}).shape
    assert (shape.width, shape.height, shape.frames, shape.fps) == (1280, 704, 129, 25.0)


# Values that can't


@pytest.mark.parametrize("empty", [{}, {"prompt": None}, {"prompt": ""}, {"prompt": " \n\t"}])
def test_an_empty_prompt_is_refused(empty: dict[str, Any]) -> None:
    error = refusal("t2v", **empty)
    assert (error.code, error.field, error.message) == ("value_missing", "prompt", "Prompt is empty.")


def test_a_missing_picture_is_refused() -> None:
    error = refusal("i2v", prompt="x")
    assert (error.code, error.field, error.message) == ("value_missing", "image", "Image is empty.")


@pytest.mark.parametrize("field", fields("int", "float"))
def test_numbers_outside_their_range_are_refused(field: Field) -> None:
    assert field.min is not None
    assert field.max is not None
    for value in (field.min - 1, field.max + 1, math.nextafter(field.max, math.inf), -(10**30), 10**30, "1e30"):
        error = refused(field, value)
        assert error.code == "value_out_of_range"
        assert error.message.startswith(f"{field.title} must be between {field.min:g} and {field.max:g}")


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("seconds", 0, "Duration must be between 0.3 and 20 s; 0 was given."),
        ("width", 100, "Width must be between 128 and 2560 px; 100 was given."),
        ("width", "100", "Width must be between 128 and 2560 px; 100 was given."),
        ("fps", -24, "Frame rate must be between 8 and 50 fps; -24 was given."),
    ],
)
def test_the_sentence_names_limits_unit_and_value(field: str, value: object, sentence: str) -> None:
    assert refused(manifest.fields()[field], value).message == sentence


@pytest.mark.parametrize("field", fields("int", "float"))
@pytest.mark.parametrize(
    "value",
    [True, False, math.nan, math.inf, -math.inf, "nan", "inf", "1e999", "wide", "2,5", "0x10", [1], {}, 10**400],
    ids=lambda value: str(value)[:8],
)
def test_what_is_no_number_is_refused(field: Field, value: object) -> None:
    error = refused(field, value)
    assert error.code == "value_type"
    expected = {"int": "a whole number", "float": "a number"}[field.type]
    assert error.message.startswith(f"{field.title} must be {expected}; ")


def test_a_broken_number_of_pixels_is_refused() -> None:
    error = refused(manifest.fields()["width"], "640.5")
    assert (error.code, error.message) == ("value_type", "Width must be a whole number; 640.5 was given.")


@pytest.mark.parametrize("field", fields("text"))
@pytest.mark.parametrize("value", [5, 0, 1.5, True, ["a"], b"a", PICTURE], ids=lambda value: type(value).__name__)
def test_what_is_no_text_is_refused(field: Field, value: object) -> None:
    assert refused(field, value).code == "value_type"


@pytest.mark.parametrize("field", fields("text"))
def test_a_text_over_its_limit_is_refused(field: Field) -> None:
    assert field.max_length is not None
    error = refused(field, "x" * (field.max_length + 1))
    assert error.code == "text_too_long"
    assert str(field.max_length) in error.message


@pytest.mark.parametrize("value", [5, b"\x89PNG", ["a.png"]], ids=lambda value: type(value).__name__)
def test_what_names_no_picture_is_refused(value: object) -> None:
    assert refused(manifest.fields()["image"], value).code == "value_type"


@pytest.mark.parametrize(
    "value",
    [-1, "-1", "+1", MAX_SEED + 1, str(MAX_SEED + 1), 1.5, "1.0", "1e3", "lucky", True, math.nan, math.inf, 1e300, "٣"],
)
def test_what_is_no_seed_is_refused(value: object) -> None:
    error = refused(manifest.fields()["seed"], value)
    assert error.code == "value_type"
    assert error.message.startswith("Seed must be a whole number from 0 to 2^64 - 1; ")


@pytest.mark.parametrize(
    ("field", "value"),
    [("seed", "9" * 5000), ("seed", 10**5000), ("width", 10**5000)],
    ids=["seed-text", "seed-int", "width-int"],
)
def test_numbers_of_thousands_of_digits_are_refused(field: str, value: object) -> None:
    assert refused(manifest.fields()[field], value).code == "value_type"


def test_a_long_value_is_shown_shortened() -> None:
    assert refused(manifest.fields()["seed"], "x" * 5000).message.endswith("x… was given.")


def test_an_unknown_mode_is_refused() -> None:
    error = refusal("v2t", prompt="x")
    assert (error.code, error.message) == ("unknown_mode", "There is no mode called v2t.")


def test_an_unknown_preset_is_refused() -> None:
    error = refusal("t2v", prompt="x", preset="slow")
    assert (error.code, error.field) == ("unknown_preset", "preset")
    assert error.message == "Text to Video has no preset called slow."
    assert error.hint == "Choose one of fast, balanced, quality."


@pytest.mark.parametrize("value", ["1", None, ""])
def test_an_unknown_field_is_refused_whatever_its_value(value: object) -> None:
    error = refusal("t2v", prompt="x", image_strength=value)
    assert (error.code, error.field) == ("unknown_field", "image_strength")
    assert error.message == "Text to Video has no setting called image_strength."
    assert all(field.name in error.hint for field in manifest.mode("t2v").fields)
    assert "preset" in error.hint


def test_a_size_over_the_preset_is_refused() -> None:
    assert parse("t2v", {"prompt": "x", "preset": "fast", "width": 768, "height": 512}).shape.width == 768
    error = refusal("t2v", prompt="x", preset="fast", width=832, height=512)
    assert (error.code, error.field) == ("size_over_preset", "width")
    assert error.message == "832×512 is more than the preset Fast makes at most (393,216 pixels)."


def test_a_size_is_measured_after_snapping() -> None:
    assert parse("t2v", {"prompt": "x", "preset": "fast", "width": 790, "height": 540}).shape.height == 512


def test_too_many_frames_are_refused() -> None:
    assert parse("t2v", {"prompt": "x", "seconds": 20, "fps": 49.75}).shape.frames == 993
    error = refusal("t2v", prompt="x", seconds=20, fps=50)
    assert (error.code, error.field) == ("too_many_frames", "seconds")
    assert error.message == "20 s at 50 frames per second are 1001 frames; 1000 is the most."


# What a request is


def test_a_setting_without_effect_is_noted() -> None:
    for preset in manifest.mode("t2v").presets:
        notes = parse("t2v", {"prompt": "x", "preset": preset.name, "negative_prompt": "fog"}).notes()
        if "guidance" in preset.provides:
            assert notes == ()
        else:
            assert notes == (
                f"Negative prompt has no effect with the preset {preset.title}, "
                "which samples without guidance (CFG 1).",
            )


@pytest.mark.parametrize(
    ("mode", "values", "note"),
    [
        ("t2v", {"camera_strength": 0.5}, "Camera strength has no effect while Camera move is none."),
        ("style", {"canny_low": 0.2, "control": "depth"}, "Weakest edge has no effect while Control is depth."),
    ],
)
def test_a_setting_that_another_one_turns_off_is_noted(mode: str, values: dict[str, Any], note: str) -> None:
    assert request(manifest.mode(mode), manifest.mode(mode).preset("fast"), **values).notes() == (note,)


@pytest.mark.parametrize("nothing", [{}, {"negative_prompt": None}, {"seed": ""}])
def test_nothing_is_noted_of_what_was_left_alone(nothing: dict[str, Any]) -> None:
    assert parse("t2v", {"prompt": "x", "width": 640, **nothing}).notes() == ()


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_text_that_may_be_empty_can_be_emptied(blank: str) -> None:
    assert parse("t2v", {"prompt": "x", "negative_prompt": blank}).values["negative_prompt"] == ""


def test_a_request_does_not_change() -> None:
    values = {"prompt": "x", "image": PICTURE, "seed": SEED}
    made = parse("i2v", values)
    values["prompt"] = "y"
    assert made.values["prompt"] == "x"
    with pytest.raises(TypeError):
        made.values["prompt"] = "y"  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.preset = "fast"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.shape.width = 64  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        PICTURE.name = "dog.png"  # type: ignore[misc]


def test_the_same_values_are_the_same_request() -> None:
    values = {"prompt": "x", "seed": "7"}
    assert parse("t2v", values) == parse("t2v", {**values, "seed": 7})


def test_files_get_the_names_of_the_engine() -> None:
    made = parse("i2v", {"prompt": "x", "image": PICTURE})
    renamed = made.with_media({"image": "ltx-studio/cat (1).png"})
    assert renamed.values["image"] == dataclasses.replace(PICTURE, name="ltx-studio/cat (1).png")
    assert made.values["image"] == PICTURE
    assert {**renamed.values, "image": PICTURE} == made.values
    with pytest.raises(TypeError):
        renamed.values["prompt"] = "y"  # type: ignore[index]


def test_assignments_keep_everything_after_the_first_equals_sign() -> None:
    assert assignments(["prompt=a = b", " seed =7", "image="]) == {"prompt": "a = b", "seed": "7", "image": ""}


@pytest.mark.parametrize("pair", ["prompt", "=x", ""])
def test_what_assigns_nothing_is_refused(pair: str) -> None:
    with pytest.raises(StudioError) as caught:
        assignments([pair])
    assert caught.value.code == "not_an_assignment"
