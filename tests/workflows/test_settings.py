"""Settings that are no texts or numbers, and those that depend on each other: choices, LoRAs, starts, lengths."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.helpers import flat, request
from tests.workflows.test_request import refusal
from workflows import manifest
from workflows.build import Capabilities, build
from workflows.graph import Graph
from workflows.loras import is_ic_lora
from workflows.request import Request, parse, variations
from workflows.values import Lora, Media

SOUND = Media("ltx-studio/song.mp3", source="song.mp3", seconds=12.0, sound=True)
SOURCE = Media("ltx-studio/walk.mp4", source="walk.mp4", width=1920, height=1080, seconds=4.0, fps=29.97, sound=True)


def asked(mode: str, preset: str = "balanced", **values: Any) -> Request:
    """A valid request of the mode."""
    return request(manifest.mode(mode), manifest.mode(mode).preset(preset), **values)


def built(mode: str, preset: str = "balanced", **values: Any) -> dict[str, Any]:
    """The graph of such a request by title."""
    return flat(build(asked(mode, preset, **values)))


def refused(mode: str, **values: Any) -> tuple[str, str | None, str]:
    """Code, field and sentence of a request with otherwise usable values."""
    media = {"audio": SOUND, "video": SOURCE, "image": Media("a.png"), "style_image": Media("a.png")}
    own = {field.name for field in manifest.mode(mode).fields}
    error = refusal(mode, **{"prompt": "x", **{name: file for name, file in media.items() if name in own}, **values})
    return error.code, error.field, error.message


# Choices and flags


@pytest.mark.parametrize("raw", ["depth", " Depth ", "DEPTH"])
def test_a_choice_may_be_written_in_any_case(raw: str) -> None:
    assert asked("style", control=raw).values["control"] == "depth"


@pytest.mark.parametrize("raw", ["edges", "0", 5, [], True])
def test_what_is_no_choice_is_refused_with_the_choices(raw: object) -> None:
    error = refusal("style", prompt="x", video=SOURCE, style_image=Media("a.png"), control=raw)
    assert (error.code, error.field) == ("value_not_offered", "control")
    assert error.hint == "Choose one of canny, depth, pose."


@pytest.mark.parametrize(
    ("raw", "value"),
    [("on", True), ("Yes", True), ("1", True), (True, True), ("off", False), ("no", False), (0, False)],
)
def test_a_flag_is_on_or_off(raw: object, value: bool) -> None:
    assert asked("t2v", enhance=raw).values["enhance"] is value


def test_what_is_neither_on_nor_off_is_refused() -> None:
    assert refused("t2v", enhance="maybe") == (
        "value_type",
        "enhance",
        "Enhance the prompt must be on or off; maybe was given.",
    )


# LoRAs


@pytest.mark.parametrize(
    "raw",
    [
        "a.safetensors:0.5, sub/b.safetensors",
        "a.safetensors:0.5\nsub/b.safetensors:1\n",
        [Lora("a.safetensors", 0.5), Lora("sub/b.safetensors", 1.0)],
        [{"name": "a.safetensors", "strength": 0.5}, {"name": "sub/b.safetensors", "strength": None}],
        ["a.safetensors:0.5", "sub/b.safetensors:1.0", ""],
    ],
)
def test_loras_may_be_written_in_several_ways(raw: object) -> None:
    assert asked("t2v", loras=raw).values["loras"] == (Lora("a.safetensors", 0.5), Lora("sub/b.safetensors", 1.0))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("a:3", "value_out_of_range"),
        ("a:strong", "value_type"),
        ("a,b,c,d,e", "too_many_loras"),
        (5, "value_type"),
        ({"name": "a"}, "value_type"),
        ([5], "value_type"),
    ],
)
def test_what_is_no_list_of_loras_is_refused(raw: object, code: str) -> None:
    assert refused("t2v", loras=raw)[:2] == (code, "loras")


@pytest.mark.parametrize("preset", ["fast", "balanced", "quality"])
@pytest.mark.parametrize("mode", manifest.MODES)
def test_loras_follow_each_other_behind_the_checkpoint(mode: str, preset: str) -> None:
    values = built(mode, preset, loras="one.safetensors:0.5,two.safetensors:-1")
    assert values["LoRA 1.model"] == ("Load checkpoint", 0)
    assert values["LoRA 2.model"] == ("LoRA 1", 0)
    assert values["Distilled LoRA.model"] == ("LoRA 2", 0)
    assert (values["LoRA 1.lora_name"], values["LoRA 1.strength_model"]) == ("one.safetensors", 0.5)
    assert (values["LoRA 2.lora_name"], values["LoRA 2.strength_model"]) == ("two.safetensors", -1.0)
    users = {at for at, value in values.items() if value == ("Load checkpoint", 0)}
    assert users == {"LoRA 1.model"}


def test_in_style_loras_come_before_the_control_lora_whose_metadata_is_read() -> None:
    values = built("style", loras="one.safetensors")
    assert values["Control parameters.iclora_model"] == ("Control LoRA", 0)
    assert values["Control LoRA.model"] == ("Distilled LoRA", 0)
    assert values["Stage 1 guider.model"] == ("Control LoRA", 0)


def test_a_camera_move_and_loras_go_together() -> None:
    values = built("i2v", camera="jib-up", camera_strength=0.7, loras="one.safetensors")
    assert values["LoRA 1.model"] == ("Load checkpoint", 0)
    assert values["Camera move.model"] == ("LoRA 1", 0)
    assert values["Camera move.lora_name"] == "ltx-2-19b-lora-camera-control-jib-up.safetensors"
    assert values["Camera move.strength_model"] == 0.7


@pytest.mark.parametrize("mode", [mode for mode in manifest.MODES if mode != "style"])
@pytest.mark.parametrize("preset", ["fast", "balanced", "quality"])
def test_without_a_camera_move_there_is_no_lora_but_the_distilled_one(mode: str, preset: str) -> None:
    values = built(mode, preset)
    loaders = [at for at, value in values.items() if value == "LoraLoaderModelOnly"]
    assert loaders == ["Distilled LoRA"]


def test_a_strength_of_0_is_no_lora() -> None:
    assert built("t2v", loras="one.safetensors:0") == built("t2v")


@pytest.mark.parametrize(
    "name",
    [
        "ltx-2.3-22b-ic-lora-union-control-ref0.5.safetensors",
        "ltx/IC_LoRA-detailer.safetensors",
        "ltx-2.3-22b-ic-lora-motion-track-control-ref0.5.safetensors",
        "LTX2.3_InContext_anime.safetensors",
        "ltx2\\union-control.safetensors",
        "ltx-2-19b-depth-control.safetensors",
    ],
)
def test_an_ic_lora_is_refused_where_there_is_no_guide(name: str) -> None:
    assert is_ic_lora(name)
    code, field, message = refused("t2v", loras=name)
    assert (code, field) == ("lora_needs_guide", "loras")
    assert message == f"{name} is an IC-LoRA: it follows a guide clip, and this mode has none."
    assert asked("style", loras=name).values["loras"] == (Lora(name, 1.0),)


@pytest.mark.parametrize(
    "name",
    ["magic-lora.safetensors", "epic_lora.safetensors", "skin-detailer.safetensors", "in-contextual-light.safetensors"],
)
def test_other_loras_are_not_taken_for_ic_loras(name: str) -> None:
    assert not is_ic_lora(name)
    assert asked("t2v", loras=name).values["loras"] == (Lora(name, 1.0),)


# Order, starts and lengths


def test_the_weaker_edge_must_not_be_above_the_sure_one() -> None:
    code, field, message = refused("style", canny_low=0.6, canny_high=0.5)
    assert (code, field) == ("value_order", "canny_low")
    assert message == "Weakest edge (0.6) must not be above Sure edge (0.5)."
    assert built("style", canny_low=0.5, canny_high=0.5)["Control.low_threshold"] == 0.5


def test_thresholds_are_not_looked_at_where_they_have_no_effect() -> None:
    assert asked("style", control="depth", canny_low=0.6, canny_high=0.5).values["control"] == "depth"


@pytest.mark.parametrize(
    ("mode", "file", "start"), [("a2v", "audio", 12), ("lipsync", "audio", 30), ("style", "video", 4)]
)
def test_a_start_behind_the_end_is_refused(mode: str, file: str, start: float) -> None:
    assert refused(mode, **{f"{file}_start": start})[:2] == ("start_after_end", f"{file}_start")


@pytest.mark.parametrize("mode", ["a2v", "lipsync"])
def test_the_length_follows_the_sound(mode: str) -> None:
    assert asked(mode, audio=SOUND).shape.frames == 289
    assert asked(mode, audio=SOUND, audio_start=2).shape.frames == 241
    assert asked(mode, audio=SOUND, seconds=3).shape.frames == 73
    assert asked(mode, audio=SOUND, seconds=15).shape.frames == 361
    assert asked(mode, audio=Media("long.mp3", seconds=600)).shape.frames == 481
    assert asked(mode, audio=Media("unknown.mp3")).shape.frames == 121


@pytest.mark.parametrize("fps", [24.0, 50.0, 59.94, 60.0, 120.0])
def test_a_length_that_nobody_set_is_never_refused(fps: float) -> None:
    source = Media("long.mp4", seconds=300.0, fps=fps)
    assert asked("style", video=source).shape.frames <= 993
    assert abs(asked("style", video=source).shape.seconds - min(20.0, 992 / fps)) < 9 / fps
    assert asked("a2v", audio=Media("long.mp3", seconds=300.0), fps=min(fps, 50)).shape.frames <= 993


@pytest.mark.parametrize("mode", ["a2v", "lipsync"])
def test_the_sound_is_cut_to_the_video_and_frozen_in_both_passes(mode: str) -> None:
    values = built(mode, audio=SOUND, audio_start=1.5, seconds=2)
    assert values["Audio.audio"] == "ltx-studio/song.mp3"
    assert (values["Cut audio.start_index"], values["Cut audio.duration"]) == (1.5, 49 / 24)
    assert values["Frozen.value"] == 0.0
    assert values["Audio latent"] == "SetLatentNoiseMask"
    assert values["Stage 1 latents.audio_latent"] == ("Audio latent", 0)
    assert values["Stage 2 latents.audio_latent"] == ("Stage 1 split", 1)
    assert values["Create video.audio"] == ("Cut audio", 0)


def test_a_restyled_video_has_the_rate_and_at_most_the_length_of_its_source() -> None:
    made = asked("style", video=SOURCE)
    assert (made.shape.frames, made.shape.fps) == (113, 29.97)
    assert asked("style", video=SOURCE, video_start=2).shape.frames == 57
    assert asked("style", video=SOURCE, seconds=1).shape.frames == 33
    code, field, _ = refused("style", seconds=4.5)
    assert (code, field) == ("longer_than_source", "seconds")
    values = flat(build(made))
    assert values["Conditioning.frame_rate"] == values["Create video.fps"] == ("Video parts", 2)
    assert values["Create video.audio"] == ("Video parts", 1)
    assert values["Cut video.duration"] >= made.shape.seconds


@pytest.mark.parametrize(("preset", "share"), [("fast", 1), ("balanced", 1), ("quality", 2)])
def test_the_control_has_the_size_of_the_pass_that_follows_it(preset: str, share: int) -> None:
    values = built("style", preset, width=768, height=512)
    drawn = (values["Fit video.resize_type.width"], values["Fit video.resize_type.height"])
    assert drawn == (values["Video latent.width"], values["Video latent.height"]) == (768 // share, 512 // share)


def test_key_frames_are_guides_again_at_full_size() -> None:
    fast, balanced = built("keyframe", "fast"), built("keyframe", "balanced")
    assert [at for at, value in fast.items() if value == "LTXVAddGuide"] == [
        "Stage 1 first frame",
        "Stage 1 last frame",
    ]
    assert len([at for at, value in balanced.items() if value == "LTXVAddGuide"]) == 4
    assert balanced["Decode video.samples"] == ("Stage 2 without guides", 2)
    assert fast["Decode video.samples"] == ("Stage 1 without guides", 2)
    assert (balanced["Stage 2 first frame.frame_idx"], balanced["Stage 2 last frame.frame_idx"]) == (0, -1)


# Memory


@pytest.mark.parametrize(("memory", "tile"), [(0.0, 768), (8.0, 384), (16.0, 512), (24.0, 768), (80.0, 768)])
def test_the_decoder_tile_suits_the_memory_of_the_device(memory: float, tile: int) -> None:
    capabilities = Capabilities(memory=memory)
    assert tile_of(build(asked("t2v"), capabilities)) == tile
    assert tile_of(build(asked("t2v", decode_tile="256"), capabilities)) == 256


def tile_of(graph: Graph) -> int:
    """The side of a tile of the video decoder."""
    size = flat(graph)["Decode video.tile_size"]
    assert isinstance(size, int)
    return size


def test_the_memory_is_that_of_the_first_gpu() -> None:
    stats = {"devices": [{"type": "cpu", "vram_total": 2**36}, {"type": "cuda", "vram_total": 24 * 2**30}]}
    assert Capabilities.from_object_info({}, stats).memory == 24.0
    assert Capabilities.from_object_info({}, {"devices": [{"type": "cpu", "vram_total": 2**36}]}).memory == 0.0
    assert Capabilities.from_object_info({}, {}).memory == 0.0


# Enhancing


@pytest.mark.parametrize("mode", manifest.MODES)
def test_an_enhanced_prompt_is_what_is_encoded_and_shown(mode: str) -> None:
    values = built(mode, enhance=True, prompt="a kite", seed=9)
    assert values["Enhance prompt.prompt"] == "a kite"
    assert values["Enhance prompt.sampling_mode.seed"] == 9
    assert values["Prompt.text"] == ("Enhance prompt", 0)
    assert values["Enhanced prompt"] == "PreviewAny"
    assert values["Enhanced prompt.source"] == ("Enhance prompt", 0)
    assert ("Enhance prompt.image" in values) == (mode not in ("t2v", "a2v"))


# Variations


@pytest.mark.parametrize("count", [0, -1, 9])
def test_a_wrong_number_of_variations_is_refused(count: int) -> None:
    with pytest.raises(Exception, match="Variations must be between 1 and 8"):
        variations(parse("t2v", {"prompt": "x"}), count)
