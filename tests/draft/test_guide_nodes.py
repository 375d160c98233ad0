"""Guides: key frames, and drawings that a clip follows; how latents grow and shrink with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bootstrap.draft.nodes.resizing import fit
from bootstrap.draft.render.canny import canny
from bootstrap.draft.render.mark import draft_mark_box
from bootstrap.draft.render.media import Frames, Solid, Still
from tests.support.controls import CONTROLS, COUNT, HEIGHT, WIDTH, Picture, canny_of, depth_of, source
from tests.support.nodes import NodeContext, drawn, execute, output_file, photograph, sampled, save_png
from tests.support.videos import blocks, correlation
from tests.support.videos import frames as decoded_frames
from workflows.build import build
from workflows.request import parse
from workflows.values import Media

UNION = "ltx-2.3-22b-ic-lora-union-control-ref0.5.safetensors"
CAMERA = "ltx-2-19b-lora-camera-control-dolly-in.safetensors"


def conditioned(context: NodeContext, prompt: str = "a painting") -> Any:
    text = context.run("CLIPTextEncode", text=prompt, clip=None)
    return context.run("LTXVConditioning", positive=text, negative=text, frame_rate=24.0)


def model(context: NodeContext, *loras: tuple[str, float]) -> Any:
    loaded = context.run("CheckpointLoaderSimple", ckpt_name="c")[0]
    for name, strength in loras:
        loaded = context.run("LoraLoaderModelOnly", model=loaded, lora_name=name, strength_model=strength)
    return loaded


def latent(context: NodeContext, frames: int = COUNT, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Any:
    return context.run("EmptyLTXVLatentVideo", width=size[0], height=size[1], length=frames, batch_size=1)


def guided(context: NodeContext, image: Frames, frame_idx: int = 0, **more: Any) -> Any:
    """LTXVAddGuide on an empty latent, but for what `more` gives."""
    positive, negative = conditioned(context)
    inputs = {"positive": positive, "negative": negative, "vae": None, "latent": latent(context), "strength": 1.0}
    return context.run("LTXVAddGuide", **(inputs | {"image": image, "frame_idx": frame_idx} | more))


# Latents and their arithmetic


@pytest.mark.parametrize(
    ("loras", "factor"),
    [
        ([], 1),
        ([(UNION, 1.0)], 2),
        ([(UNION, 1.0), (CAMERA, 1.0)], 2),
        ([(UNION, 1.0), ("ltx-2-19b-ic-lora-detailer.safetensors", 1.0)], 1),
        ([(UNION, 0.0)], 1),
    ],
)
def test_the_last_ic_lora_says_how_large_its_guide_is(
    context: NodeContext, loras: list[tuple[str, float]], factor: int
) -> None:
    parameters = context.run("GetICLoRAParameters", iclora_model=model(context, *loras))
    assert parameters.downscale == factor


@pytest.mark.parametrize(
    ("frames", "frame_idx", "at", "latents", "kept"),
    [
        (1, 0, 0, 1, 1),
        (1, -1, 24, 1, 1),
        (1, -99, 0, 1, 1),
        (1, 13, 13, 1, 1),
        (8, 13, 13, 1, 1),
        (9, 0, 0, 2, 9),
        (16, 0, 0, 2, 9),
        (25, 0, 0, 4, 25),
        (9, 13, 9, 1, 8),
        (16, 16, 9, 2, 16),
    ],
)
def test_where_a_guide_goes_and_how_long_it_is(
    context: NodeContext, frames: int, frame_idx: int, at: int, latents: int, kept: int
) -> None:
    image = Solid(frames, 64, 64, (9, 9, 9))
    _, _, grown = guided(context, image, frame_idx)
    (guide,) = grown.guides
    assert (guide.at, guide.latents, guide.frames.count) == (at, latents, kept)
    assert (guide.frames.width, guide.frames.height) == (WIDTH, HEIGHT)
    assert grown.frames == COUNT + 8 * latents


def test_the_last_frame_is_the_clips_last_although_a_guide_follows_it(context: NodeContext) -> None:
    picture = Solid(1, 64, 64, (9, 9, 9))
    positive, negative, grown = guided(context, picture, 0)
    grown = guided(context, picture, -1, positive=positive, negative=negative, latent=grown)[2]
    assert [guide.at for guide in grown.guides] == [0, 24]


def test_a_guide_longer_than_the_clip_is_refused(context: NodeContext) -> None:
    with pytest.raises(AssertionError, match="exceed the length"):
        guided(context, Solid(33, 64, 64, (9, 9, 9)))


def test_a_guide_before_joining_with_sound_only(context: NodeContext) -> None:
    vae = context.run("LTXVAudioVAELoader", ckpt_name="c")
    audio = context.run("LTXVEmptyLatentAudio", frames_number=COUNT, frame_rate=24, batch_size=1, audio_vae=vae)
    joined = context.run("LTXVConcatAVLatent", video_latent=latent(context), audio_latent=audio)
    with pytest.raises(ValueError, match="AV latent is not supported"):
        guided(context, Solid(1, 64, 64, (9, 9, 9)), latent=joined)


@pytest.mark.parametrize(("size", "fits"), [((256, 128), True), ((224, 128), False), ((256, 96), False)])
def test_the_clip_must_suit_the_scale_of_the_guide(context: NodeContext, size: tuple[int, int], fits: bool) -> None:
    parameters = context.run("GetICLoRAParameters", iclora_model=model(context, (UNION, 1.0)))
    more = {"latent": latent(context, size=size), "iclora_parameters": parameters}
    if fits:
        (guide,) = guided(context, source(), **more)[2].guides
        assert (guide.frames.width, guide.frames.height) == (size[0] // 2, size[1] // 2)
    else:
        with pytest.raises(ValueError, match=f"{size[0] // 32}x{size[1] // 32}.* 2"):
            guided(context, source(), **more)


def test_cropping_leaves_what_was_asked_for(context: NodeContext) -> None:
    positive, negative, grown = guided(context, source())
    positive, negative, cropped = context.run("LTXVCropGuides", positive=positive, negative=negative, latent=grown)
    assert (cropped.frames, cropped.guides, positive.guides, negative.guides) == (COUNT, (), (), ())
    again = context.run("LTXVCropGuides", positive=positive, negative=negative, latent=cropped)
    assert again[2].frames == COUNT


def test_guides_that_nobody_takes_away_stay_in_the_clip(context: NodeContext) -> None:
    picture = Still(photograph(WIDTH, HEIGHT))
    positive, negative, grown = guided(context, picture, -1)
    guider = context.run("CFGGuider", model=model(context), positive=positive, negative=negative, cfg=1.0)
    shown = drawn(context, sampled(context, grown, guider)[0])
    assert shown.count == COUNT + 8
    assert correlation(blocks(shown.frame(COUNT + 7), 16), blocks(picture.pixels, 16)) > 0.9
    unplaced = conditioned(context)
    same = context.run("LTXVCropGuides", positive=unplaced[0], negative=unplaced[1], latent=grown)[2]
    assert same.frames == COUNT + 8


# Key frames


def keyframes(context: NodeContext, first: str, last: str, **values: Any) -> list[Picture]:
    given = {"first_frame": Media(first), "last_frame": Media(last), "prompt": "a slow walk", "seed": 1, "seconds": 1.0}
    request = parse("keyframe", given | {"width": WIDTH, "height": HEIGHT} | values)
    return decoded_frames(output_file(context, execute(build(request), context)["Save video"]))


@pytest.fixture
def uploads(context: NodeContext) -> dict[str, Picture]:
    """Two pictures as the clip shows them, by name."""
    mirrored = np.ascontiguousarray(255 - photograph(400, 300)[::-1, ::-1])
    fitted = {}
    for name, pixels in (("a.png", photograph(400, 300)), ("b.png", mirrored)):
        save_png(context.folders["input"] / name, pixels)
        fitted[name] = fit(Still(pixels), WIDTH, HEIGHT, "lanczos", "center").frame(0)
    return fitted


def alike(one: Picture, other: Picture) -> float:
    return correlation(blocks(one, 16), blocks(other, 16))


@pytest.mark.parametrize("preset", ["fast", "balanced"])
@pytest.mark.parametrize(("first", "last"), [("a.png", "b.png"), ("b.png", "a.png")])
def test_the_clip_begins_and_ends_with_its_key_frames(
    context: NodeContext, uploads: dict[str, Picture], preset: str, first: str, last: str
) -> None:
    shown = keyframes(context, first, last, preset=preset)
    assert (len(shown), shown[0].shape) == (COUNT, (HEIGHT, WIDTH, 3))
    assert alike(shown[0], uploads[first]) > 0.95
    assert alike(shown[-1], uploads[last]) > 0.95
    assert alike(shown[0], uploads[last]) < 0.3
    assert alike(shown[-1], uploads[first]) < 0.3


@pytest.mark.parametrize("which", ["first", "last"])
def test_a_weaker_key_frame_is_kept_to_less(context: NodeContext, uploads: dict[str, Picture], which: str) -> None:
    wanted, index = (uploads["a.png"], 0) if which == "first" else (uploads["b.png"], -1)
    kept = [
        np.abs(
            keyframes(context, "a.png", "b.png", preset="fast", **{f"{which}_strength": strength})[index].astype(int)
            - wanted
        ).mean()
        for strength in (0.9, 0.4, 0.1)
    ]
    assert kept[0] < kept[1] < kept[2]


# Drawings that a clip follows


def restyled(
    context: NodeContext,
    control: Frames,
    style: Picture,
    strength: float = 1.0,
    seed: int = 1,
    prompt: str = "a painting, static shot",
    stages: int = 1,
) -> Frames:
    """The clip that the nodes of the style graph make."""
    loaded = model(context, (UNION, 1.0))
    parameters = context.run("GetICLoRAParameters", iclora_model=loaded)
    positive, negative = conditioned(context, prompt)
    size = (WIDTH, HEIGHT) if stages == 1 else (WIDTH // 2, HEIGHT // 2)
    pin = {"vae": None, "image": Still(style), "strength": 1.0}
    begun = context.run("LTXVImgToVideoInplace", latent=latent(context, size=size), **pin)
    added = {"positive": positive, "negative": negative, "latent": begun, "iclora_parameters": parameters}
    positive, negative, grown = guided(context, control, strength=strength, **added)
    guider = context.run("CFGGuider", model=loaded, positive=positive, negative=negative, cfg=1.0)
    made = sampled(context, grown, guider, seed)[0]
    positive, negative, made = context.run("LTXVCropGuides", positive=positive, negative=negative, latent=made)
    if stages == 2:
        larger = context.run("LTXVLatentUpsampler", samples=made, upscale_model=None, vae=None)
        larger = context.run("LTXVImgToVideoInplace", latent=larger, **pin)
        guider = context.run("CFGGuider", model=model(context), positive=positive, negative=negative, cfg=1.0)
        made = sampled(context, larger, guider, seed, "0.85, 0.725, 0.4219, 0")[0]
    return drawn(context, made)


def edges(picture: Picture) -> NDArray[np.bool_]:
    found = canny(picture, 0.12, 0.3)
    x0, y0, x1, y1 = draft_mark_box(WIDTH, HEIGHT)
    found[y0:y1, x0:x1] = False
    return found


def widened(flags: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    padded = np.pad(flags, reach)
    span = range(2 * reach + 1)
    return np.any([padded[y : y + flags.shape[0], x : x + flags.shape[1]] for y in span for x in span], axis=0)


def overlap(shown: Picture, control: Picture, near: int) -> float:
    """How much of the control's edges the picture has, within `near` pixels."""
    wanted = edges(control)
    return float((wanted & widened(edges(shown), near)).sum() / max(1, wanted.sum()))


STYLE = photograph(WIDTH, HEIGHT)
MOMENTS = (4, 8, 12, 16, 20, 24)
LATER = dict(zip(MOMENTS, MOMENTS[3:] + MOMENTS[:3], strict=True))


@pytest.mark.parametrize("stages", [1, 2])
@pytest.mark.parametrize("kind", sorted(CONTROLS))
def test_a_restyled_clip_follows_its_control(context: NodeContext, kind: str, stages: int) -> None:
    control = CONTROLS[kind](context, source())
    shown = restyled(context, control, STYLE, stages=stages)
    assert (shown.count, shown.width, shown.height) == (COUNT, WIDTH, HEIGHT)
    near = 2 * stages
    own = np.mean([overlap(shown.frame(index), control.frame(index), near) for index in MOMENTS])
    other = np.mean([overlap(shown.frame(index), control.frame(LATER[index]), near) for index in MOMENTS])
    assert own > 0.5
    assert own > 3 * other


@pytest.mark.parametrize("kind", sorted(CONTROLS))
def test_a_restyled_clip_begins_with_the_style_image(context: NodeContext, kind: str) -> None:
    shown = restyled(context, CONTROLS[kind](context, source()), STYLE)
    assert alike(shown.frame(0), STYLE) > 0.95


def test_the_colours_are_the_style_images_and_not_the_sources(context: NodeContext) -> None:
    red, blue = (np.broadcast_to(np.array(c, np.uint8), STYLE.shape) for c in ((190, 70, 60), (60, 80, 190)))
    shaded = [(c * np.linspace(0.5, 1.2, WIDTH)[None, :, None]).clip(0, 255).astype(np.uint8) for c in (red, blue)]
    control = depth_of(context, source())
    means = [restyled(context, control, style).frame(16).mean((0, 1)) for style in shaded]
    assert means[0][0] > 1.5 * means[0][2]
    assert means[1][2] > 1.5 * means[1][0]


def test_a_stronger_control_is_followed_more(context: NodeContext) -> None:
    control = canny_of(context, source())
    free, half, full = (restyled(context, control, STYLE, strength).frame(16).astype(int) for strength in (0, 0.5, 1))
    assert np.abs(half - free).mean() > 0.5
    assert np.abs(full - free).mean() > 1.3 * np.abs(half - free).mean()


def test_the_same_asked_twice_is_the_same_and_anything_else_is_not(context: NodeContext) -> None:
    control = canny_of(context, source())
    asked: list[dict[str, Any]] = [{}, {}, {"seed": 2}, {"prompt": "a painting at night"}, {"strength": 0.8}]
    made = [restyled(context, control, STYLE, **values).frame(16) for values in asked]
    made.append(restyled(context, depth_of(context, source()), STYLE).frame(16))
    made.append(restyled(context, control, STYLE[::-1]).frame(16))
    assert np.array_equal(made[0], made[1])
    for other in made[2:]:
        assert np.abs(other.astype(int) - made[0]).mean() > 0.3


def test_without_an_ic_lora_a_clip_is_shown_and_not_followed(context: NodeContext) -> None:
    control = canny_of(context, source())
    positive, negative, grown = guided(context, control)
    guider = context.run("CFGGuider", model=model(context), positive=positive, negative=negative, cfg=1.0)
    shown = drawn(context, sampled(context, grown, guider)[0])
    _, _, _, below = draft_mark_box(WIDTH, HEIGHT)
    assert np.array_equal(shown.frame(16)[below:], control.frame(16)[below:])
