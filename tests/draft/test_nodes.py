"""The draft engine's nodes, called directly: latents and sampling follow the rules of the real ones."""

from __future__ import annotations

import inspect
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bootstrap.draft.nodes.registry import NODES
from bootstrap.draft.nodes.values import VideoLatent
from bootstrap.draft.render.media import Still
from tests.support.nodes import (
    SCHEMA,
    NodeContext,
    drawn,
    empty,
    guider,
    photograph,
    sampled,
)
from tests.support.ssim import ssim

# Interfaces


def test_every_recorded_node_is_there() -> None:
    assert set(SCHEMA) <= set(NODES)


@pytest.mark.parametrize("class_type", sorted(SCHEMA))
def test_a_node_takes_the_inputs_that_its_interface_declares(class_type: str) -> None:
    declared = SCHEMA[class_type]["input"]
    required = dict.fromkeys(declared.get("required", {}), None)
    everything = required | dict.fromkeys(declared.get("optional", {}), None)
    signature = inspect.signature(NODES[class_type].run)
    signature.bind(None, **required)
    signature.bind(None, **everything)


# Latents


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ((1280, 704, 121), (1280, 704, 121)),
        ((1290, 719, 126), (1280, 704, 121)),
        ((640, 352, 20), (640, 352, 17)),
        ((64, 95, 8), (64, 64, 1)),
    ],
)
def test_an_empty_latent_is_floored_to_whole_latents(context: NodeContext, given: Any, made: Any) -> None:
    width, height, length = given
    latent = context.run("EmptyLTXVLatentVideo", width=width, height=height, length=length, batch_size=1)
    assert (latent.width, latent.height, latent.frames) == made


def pinned(context: NodeContext, strength: float = 0.7, size: tuple[int, int] = (128, 64)) -> VideoLatent:
    empty = context.run("EmptyLTXVLatentVideo", width=size[0], height=size[1], length=9, batch_size=1)
    return context.run(
        "LTXVImgToVideoInplace",
        vae=context.run("CheckpointLoaderSimple", ckpt_name="c")[2],
        image=Still(photograph(200, 200)),
        latent=empty,
        strength=strength,
        bypass=False,
    )


def test_a_pinned_picture_is_fitted_to_the_latent(context: NodeContext) -> None:
    latent = pinned(context)
    (pin,) = latent.pins
    assert (pin.frames.width, pin.frames.height, pin.frames.count, pin.at, pin.strength) == (128, 64, 1, 0, 0.7)
    centre = Image.fromarray(photograph(200, 200)).crop((0, 50, 200, 150)).resize((128, 64), Image.Resampling.BILINEAR)
    assert np.array_equal(pin.frames.frame(0), np.asarray(centre))


def test_bypass_leaves_the_latent_as_it_is(context: NodeContext) -> None:
    empty = context.run("EmptyLTXVLatentVideo", width=64, height=64, length=9, batch_size=1)
    inputs = {"vae": None, "image": Still(photograph(8, 8)), "latent": empty, "strength": 1.0}
    assert context.run("LTXVImgToVideoInplace", **inputs, bypass=True) is empty


def test_pinning_again_replaces_the_pin(context: NodeContext) -> None:
    again = context.run(
        "LTXVImgToVideoInplace", vae=None, image=Still(photograph(64, 64)), latent=pinned(context), strength=1.0
    )
    assert [pin.strength for pin in again.pins] == [1.0]


def test_the_upsampler_doubles_the_size_and_loses_the_pins(context: NodeContext) -> None:
    larger = context.run("LTXVLatentUpsampler", samples=pinned(context), upscale_model=None, vae=None)
    assert (larger.width, larger.height, larger.frames, larger.pins) == (256, 128, 9, ())


def test_picture_and_sound_are_joined_and_split(context: NodeContext) -> None:
    video = pinned(context)
    vae = context.run("LTXVAudioVAELoader", ckpt_name="c")
    audio = context.run("LTXVEmptyLatentAudio", frames_number=9, frame_rate=24, batch_size=1, audio_vae=vae)
    joined = context.run("LTXVConcatAVLatent", video_latent=video, audio_latent=audio)
    assert context.run("LTXVSeparateAVLatent", av_latent=joined) == (video, audio)
    for class_type in ("VAEDecode", "LTXVLatentUpsampler"):
        inputs = {"samples": joined, "vae": context.run("CheckpointLoaderSimple", ckpt_name="c")[2]}
        extra = {"upscale_model": None} if class_type == "LTXVLatentUpsampler" else {}
        with pytest.raises(ValueError, match="LTXVSeparateAVLatent"):
            context.run(class_type, **inputs, **extra)


def test_the_video_vae_is_no_audio_vae(context: NodeContext) -> None:
    video_vae = context.run("CheckpointLoaderSimple", ckpt_name="c")[2]
    with pytest.raises(ValueError, match="LTXVAudioVAELoader"):
        context.run("LTXVEmptyLatentAudio", frames_number=9, frame_rate=24, batch_size=1, audio_vae=video_vae)
    with pytest.raises(ValueError, match="video VAE"):
        context.run("VAEDecode", samples=pinned(context), vae=context.run("LTXVAudioVAELoader", ckpt_name="c"))


def test_an_unsampled_latent_decodes_to_its_pins_and_grey(context: NodeContext) -> None:
    vae = context.run("CheckpointLoaderSimple", ckpt_name="c")[2]
    images = context.run("VAEDecode", samples=pinned(context), vae=vae)
    assert images.count == 9
    assert np.array_equal(images.frame(0), pinned(context).pins[0].frames.frame(0))
    assert np.ptp(images.frame(5)) <= 2


# Sampling


def test_sigmas_are_the_numbers_in_the_text(context: NodeContext) -> None:
    assert context.run("ManualSigmas", sigmas="1.0, 0.5; half .25, x, 0").values == (1.0, 0.5, 0.25, 0.0)
    assert context.run("ManualSigmas", sigmas="none").values == ()


def test_each_step_is_told_with_a_picture(context: NodeContext) -> None:
    sampled(context, empty(context), guider(context, "sea"), sigmas="1, 0.9, 0.4, 0")
    assert [(value, maximum) for value, maximum, _ in context.told] == [(1, 3), (2, 3), (3, 3)]
    for _, _, preview in context.told:
        assert preview is not None
        with Image.open(io.BytesIO(preview)) as picture:
            assert (picture.format, picture.size) == ("JPEG", (192, 128))


def test_previews_sharpen(context: NodeContext) -> None:
    latent, _ = sampled(context, empty(context), guider(context, "sea", still_camera=1.0), sigmas="1, 0.9, 0.5, 0")
    final = drawn(context, latent)
    closeness = []
    for step, (_, _, preview) in enumerate(context.told, 1):
        assert preview is not None
        with Image.open(io.BytesIO(preview)) as picture:
            closeness.append(ssim(np.asarray(picture), final.frame(round(step / 3 * 16))))
    assert closeness == sorted(closeness)
    assert closeness[-1] > 0.8


def test_fewer_than_two_sigmas_sample_nothing(context: NodeContext) -> None:
    latent = empty(context)
    assert sampled(context, latent, guider(context, "sea"), sigmas="1.0") == (latent, latent)
    assert context.told == []


def test_sigmas_above_zero_leave_noise_in_the_first_output_only(context: NodeContext) -> None:
    noisy, clean = (
        drawn(context, latent) for latent in sampled(context, empty(context), guider(context, "sea"), sigmas="1, 0.4")
    )
    roughness = [np.abs(np.diff(frames.frame(3)[20:60].astype(int), axis=1)).mean() for frames in (noisy, clean)]
    assert roughness[0] > 5 * roughness[1]


CHANGES = {
    "seed": {"seed": 2},
    "prompt": {"text": "a mountain at night"},
    "cfg": {"cfg": 3.0},
    "sampler": {"sampler": "heun"},
    "sigmas": {"sigmas": "1, 0.6, 0"},
    "lora": {"lora": {"some": 0.5}},
    "lora strength": {"lora": {"some": 0.6}},
}


def frame_of(context: NodeContext, **changes: Any) -> bytes:
    lora = changes.pop("lora", {})
    guided = guider(
        context, changes.pop("text", "a mountain"), changes.pop("negative", ""), changes.pop("cfg", 1.0), **lora
    )
    return drawn(context, sampled(context, empty(context), guided, **changes)[0]).frame(8).tobytes()


def test_all_that_a_graph_says_decides_the_picture(context: NodeContext) -> None:
    base = frame_of(context)
    assert frame_of(context) == base
    made = {name: frame_of(context, **change) for name, change in CHANGES.items()}
    assert len({base, *made.values()}) == 1 + len(CHANGES)


def test_a_lora_of_strength_0_is_no_lora(context: NodeContext) -> None:
    assert frame_of(context, lora={"some": 0.0}) == frame_of(context)


def test_the_negative_prompt_counts_only_above_cfg_1(context: NodeContext) -> None:
    assert frame_of(context, negative="snow") == frame_of(context)
    assert frame_of(context, negative="snow", cfg=3.0) != frame_of(context, cfg=3.0)


def test_a_second_stage_keeps_the_composition(context: NodeContext) -> None:
    guided = guider(context, "a mountain")
    first, _ = sampled(context, empty(context), guided, seed=1)
    refined, _ = sampled(context, first, guided, seed=9, sigmas="0.85, 0.4, 0")
    afresh, _ = sampled(context, first, guided, seed=9, sigmas="1, 0.4, 0")
    shown = [drawn(context, latent).frame(8)[:100].astype(int) for latent in (first, refined, afresh)]
    assert 0 < np.abs(shown[1] - shown[0]).mean() < 0.3 * np.abs(shown[2] - shown[0]).mean()


def test_a_batch_holds_different_clips(context: NodeContext) -> None:
    latent, _ = sampled(context, empty(context, batch=2), guider(context, "a mountain"))
    images = drawn(context, latent)
    assert images.count == 34
    assert not np.array_equal(images.frame(3), images.frame(3 + 17))
