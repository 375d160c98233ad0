"""Guides: key frames, and drawings that a clip follows; how latents grow and shrink with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bootstrap.draft.nodes.resizing import fit
from bootstrap.draft.render.canny import canny
from bootstrap.draft.render.mark import draft_mark_box
from bootstrap.draft.render.media import Frames, Solid, Still
from tests.support.nodes import NodeContext, drawn, execute, output_file, photograph, sampled, save_png
from tests.support.videos import blocks, correlation
from tests.support.videos import frames as decoded_frames
from workflows.build import build
from workflows.request import parse
from workflows.values import Media

Picture = NDArray[np.uint8]
WIDTH, HEIGHT, COUNT = 256, 128, 25
UNION = "ltx-2.3-22b-ic-lora-union-control-ref0.5.safetensors"
CAMERA = "ltx-2-19b-lora-camera-control-dolly-in.safetensors"


@dataclass(frozen=True, eq=False)
class Made:
    """Frames made by a function."""

    make: Callable[[int], Picture]
    count: int = COUNT
    width: int = WIDTH
    height: int = HEIGHT

    def frame(self, index: int) -> Picture:
        return self.make(index)


def crossing(index: int) -> Picture:
    """Somebody of sorts crosses the picture from left to right."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (96, 104, 112))
    draw, x = ImageDraw.Draw(image), 40 + 7 * index
    draw.ellipse([x - 10, 14, x + 10, 36], fill=(230, 190, 160))
    draw.rectangle([x - 17, 38, x + 17, 78], fill=(210, 60, 50))
    draw.rectangle([x - 14, 78, x - 3, 116], fill=(30, 30, 70))
    draw.rectangle([x + 3, 78, x + 14, 116], fill=(30, 30, 70))
    return np.asarray(image)


def source() -> Frames:
    return Made(crossing)


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


def canny_of(context: NodeContext, image: Frames) -> Frames:
    return context.run("Canny", image=image, low_threshold=0.4, high_threshold=0.8)


def depth_of(context: NodeContext, image: Frames, output: str = "depth", **more: Any) -> Frames:
    inputs = {"resolution_level": 9, "fov_x_degrees": 0.0, "batch_size": 4}
    flags = {"force_projection": True, "apply_mask": True}
    loaded = context.run("LoadMoGeModel", model_name="m")
    geometry = context.run("MoGeInference", moge_model=loaded, image=image, **(inputs | flags | more))
    return context.run("MoGeRender", moge_geometry=geometry, output=output)


def key_points(context: NodeContext, image: Frames, checkpoint: str = "sdpose.safetensors", **more: Any) -> Any:
    loaded, _, vae = context.run("CheckpointLoaderSimple", ckpt_name=checkpoint)
    return context.run("SDPoseKeypointExtractor", model=loaded, vae=vae, image=image, batch_size=16, **more)


DRAWN = {"draw_body": True, "draw_hands": True, "draw_face": True, "draw_feet": False, "draw_head": True}


def pose_of(context: NodeContext, image: Frames, **more: Any) -> Frames:
    sizes = {"stick_width": 4, "face_point_size": 3, "score_threshold": 0.3}
    return context.run("SDPoseDrawKeypoints", keypoints=key_points(context, image), **(DRAWN | sizes | more))


CONTROLS = {"canny": canny_of, "depth": depth_of, "pose": pose_of}


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
    assert own > 0.6
    assert own > 2 * other


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


# Edges


def test_an_edge_is_one_pixel_wide_and_where_the_step_is() -> None:
    picture = np.zeros((24, 40, 3), np.uint8)
    picture[:, 17:] = 255
    found = canny(picture, 0.4, 0.8)
    assert (found[3:-3].sum(1) == 1).all()
    assert set(np.nonzero(found[3:-3])[1]) <= {16, 17}


@pytest.mark.parametrize(("step", "low", "high", "seen"), [(60, 0.4, 0.6, True), (60, 0.4, 0.8, False)])
def test_a_step_below_the_high_threshold_is_no_edge(step: int, low: float, high: float, seen: bool) -> None:
    picture = np.zeros((24, 40, 3), np.uint8)
    picture[:, 17:] = step
    assert canny(picture, low, high).any() == seen


def test_a_weak_edge_counts_where_it_hangs_on_a_strong_one() -> None:
    fading = np.zeros((64, 40, 3), np.uint8)
    fading[:, 17:] = np.linspace(40, 120, 64)[:, None, None].astype(np.uint8)
    whole, strong = canny(fading, 0.4, 0.8), canny(fading, 0.799, 0.8)
    assert strong.any()
    assert whole.sum() > 1.3 * strong.sum()
    assert not (strong & ~whole).any()


def test_the_thresholds_have_an_order(context: NodeContext) -> None:
    with pytest.raises(ValueError, match=r"low_threshold 0\.8"):
        context.run("Canny", image=source(), low_threshold=0.8, high_threshold=0.4)


# Depth


def test_somebody_in_front_is_nearer_than_what_is_behind(context: NodeContext) -> None:
    for index in (2, 12, 22):
        depth = depth_of(context, source()).frame(index).astype(int)
        x = 40 + 7 * index
        assert (depth.shape, np.ptp(depth, axis=2).max()) == ((HEIGHT, WIDTH, 3), 0)
        assert depth[45:70, x - 8 : x + 8].mean() > depth[45:70, [5, 10, -10, -5]].mean() + 60


def test_every_way_to_render_geometry(context: NodeContext) -> None:
    pictures = {
        name: depth_of(context, source(), name).frame(12)
        for name in ("depth", "depth_colored", "normal_opengl", "normal_directx", "mask")
    }
    assert {picture.shape for picture in pictures.values()} == {(HEIGHT, WIDTH, 3)}
    assert len({picture.tobytes() for picture in pictures.values()}) == 5
    assert (pictures["mask"].max(), np.ptp(pictures["mask"], axis=2).max()) == (255, 0)
    assert abs(int(pictures["normal_opengl"][..., 1].mean()) + int(pictures["normal_directx"][..., 1].mean()) - 255) < 4
    with pytest.raises(ValueError, match="sideways"):
        depth_of(context, source(), "sideways")


# Poses


def test_the_figure_stands_where_somebody_moves(context: NodeContext) -> None:
    frames = key_points(context, source())
    assert len(frames) == COUNT
    for index in (2, 12, 22):
        (person,) = frames[index]["people"]
        body = np.array(person["pose_keypoints_2d"]).reshape(18, 3)
        assert abs(body[1, 0] - (40 + 7 * index)) < 12
        assert 10 < body[0, 1] < 40
        assert body[[10, 13], 1].min() > 95
        counts = {name: len(values) // 3 for name, values in person.items()}
        assert list(counts.values()) == [18, 6, 70, 21, 21]
    assert (frames[0]["canvas_width"], frames[0]["canvas_height"]) == (WIDTH, HEIGHT)
    assert [value for value, _, _ in context.told] == list(range(1, COUNT + 1))


def test_a_box_says_where_to_look(context: NodeContext) -> None:
    boxes = [[{"x": 0, "y": 0, "width": 60, "height": 128}, {"x": 190, "y": 0, "width": 60, "height": 128}]]
    first = key_points(context, source(), bboxes=boxes)[0]["people"]
    centres = [np.array(person["pose_keypoints_2d"]).reshape(18, 3)[:, 0].mean() for person in first]
    assert centres[0] < 75 < 175 < centres[1]


def test_another_model_finds_no_poses(context: NodeContext) -> None:
    with pytest.raises(ValueError, match="heatmap_head"):
        key_points(context, source(), "ltx-2.3-22b-dev-fp8.safetensors")


def test_what_is_drawn_of_a_pose(context: NodeContext) -> None:
    nothing = dict.fromkeys(DRAWN, False)
    assert not pose_of(context, source(), **nothing).frame(12).any()
    parts = [pose_of(context, source(), **(nothing | {part: True})).frame(12).tobytes() for part in DRAWN]
    assert len(set(parts)) == 5
    assert not pose_of(context, source(), score_threshold=1.0).frame(12).any()
    thin, thick = (np.count_nonzero(pose_of(context, source(), stick_width=w).frame(12)) for w in (1, 8))
    assert thick > 1.2 * thin
    sizes = {"stick_width": 4, "face_point_size": 3, "score_threshold": 0.3}
    blank = context.run("SDPoseDrawKeypoints", keypoints=[], **DRAWN, **sizes)
    assert (blank.count, blank.frame(0).shape, blank.frame(0).any()) == (1, (64, 64, 3), False)
