"""The draft engine's nodes, called directly: they follow the arithmetic and the rules of the real ones."""

from __future__ import annotations

import inspect
import io
import json
import threading
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from bootstrap.draft.nodes.registry import NODES, Interrupted
from bootstrap.draft.nodes.values import Guider, VideoLatent
from bootstrap.draft.render.mark import overlay_boxes
from bootstrap.draft.render.media import Frames, Still
from tests.support.nodes import SCHEMA, NodeContext, execute, output_file, workflow
from tests.support.ssim import ssim
from tests.support.videos import frames as decoded_frames


@pytest.fixture
def context(tmp_path: Path) -> NodeContext:
    for kind in ("input", "output", "temp"):
        (tmp_path / kind).mkdir()
    return NodeContext(tmp_path, graph={"7": {"class_type": "X", "inputs": {}}}, extra_pnginfo={"workflow": {"n": 1}})


def photograph(width: int, height: int) -> np.ndarray:
    """A picture with soft and hard edges and texture, as a camera would give."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    sky = 150 + 70 * np.sin(x / width * 4) - 60 * y / height
    disc = ((x - 0.62 * width) ** 2 + (y - 0.4 * height) ** 2) < (0.16 * height) ** 2
    texture = 14 * np.sin(x / 5.0) * np.sin(y / 7.0)
    grey = np.where(disc, 235, sky + texture)
    return np.stack([grey, grey * 0.82 + 12, grey * 0.6 + 40], -1).clip(0, 255).astype(np.uint8)


def save_png(path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(path)


def dimensions(frames: Frames) -> tuple[int, int]:
    assert frames.frame(0).shape == (frames.height, frames.width, 3)
    return frames.width, frames.height


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


def guider(context: NodeContext, text: str, negative: str = "", cfg: float = 1.0, **lora: float) -> Guider:
    model = context.run("CheckpointLoaderSimple", ckpt_name="c")[0]
    for name, strength in lora.items():
        model = context.run("LoraLoaderModelOnly", model=model, lora_name=name, strength_model=strength)
    positive, negative_ = context.run(
        "LTXVConditioning",
        positive=context.run("CLIPTextEncode", text=text, clip=None),
        negative=context.run("CLIPTextEncode", text=negative, clip=None),
        frame_rate=24.0,
    )
    return context.run("CFGGuider", model=model, positive=positive, negative=negative_, cfg=cfg)


def sampled(
    context: NodeContext,
    latent: VideoLatent,
    guider_: Guider,
    seed: int = 1,
    sigmas: str = "1, 0.5, 0",
    sampler: str = "euler",
) -> tuple[VideoLatent, VideoLatent]:
    return context.run(
        "SamplerCustomAdvanced",
        noise=context.run("RandomNoise", noise_seed=seed),
        guider=guider_,
        sampler=context.run("KSamplerSelect", sampler_name=sampler),
        sigmas=context.run("ManualSigmas", sigmas=sigmas),
        latent_image=latent,
    )


def drawn(context: NodeContext, latent: VideoLatent) -> Frames:
    vae = context.run("CheckpointLoaderSimple", ckpt_name="c")[2]
    return context.run(
        "VAEDecodeTiled", samples=latent, vae=vae, tile_size=512, overlap=64, temporal_size=64, temporal_overlap=8
    )


def empty(context: NodeContext, batch: int = 1) -> VideoLatent:
    return context.run("EmptyLTXVLatentVideo", width=192, height=128, length=17, batch_size=batch)


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


# Pictures


@pytest.mark.parametrize(
    ("rule", "made"),
    [
        (
            {
                "resize_type": "scale dimensions",
                "resize_type.width": 64,
                "resize_type.height": 96,
                "resize_type.crop": "center",
            },
            (64, 96),
        ),
        (
            {
                "resize_type": "scale dimensions",
                "resize_type.width": 0,
                "resize_type.height": 50,
                "resize_type.crop": "disabled",
            },
            (100, 50),
        ),
        (
            {
                "resize_type": "scale dimensions",
                "resize_type.width": 0,
                "resize_type.height": 0,
                "resize_type.crop": "disabled",
            },
            (200, 100),
        ),
        ({"resize_type": "scale by multiplier", "resize_type.multiplier": 0.25}, (50, 25)),
        ({"resize_type": "scale longer dimension", "resize_type.longer_size": 90}, (90, 45)),
        ({"resize_type": "scale shorter dimension", "resize_type.shorter_size": 90}, (180, 90)),
        ({"resize_type": "scale width", "resize_type.width": 30}, (30, 15)),
        ({"resize_type": "scale height", "resize_type.height": 30}, (60, 30)),
        ({"resize_type": "scale total pixels", "resize_type.megapixels": 0.01}, (145, 72)),
        (
            {"resize_type": "match size", "resize_type.match": Still(photograph(40, 70)), "resize_type.crop": "center"},
            (40, 70),
        ),
        ({"resize_type": "scale to multiple", "resize_type.multiple": 32}, (192, 96)),
    ],
)
def test_resizing_follows_its_rule(context: NodeContext, rule: dict[str, Any], made: tuple[int, int]) -> None:
    picture = Still(photograph(200, 100))
    resized = context.run("ResizeImageMaskNode", input=picture, scale_method="lanczos", **rule)
    assert dimensions(resized) == made
    mask = context.run("ResizeImageMaskNode", input=np.ones((2, 100, 200), np.float32), scale_method="area", **rule)
    assert mask.shape == (2, made[1], made[0])


@pytest.mark.parametrize("method", ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"])
def test_scaling_cuts_the_middle_out(context: NodeContext, method: str) -> None:
    bands = np.zeros((40, 120, 3), np.uint8)
    bands[:, 40:80] = 200
    inputs = {"image": Still(bands), "upscale_method": method, "width": 20, "height": 20}
    assert context.run("ImageScale", **inputs, crop="center").frame(0).min() > 190
    assert context.run("ImageScale", **inputs, crop="disabled").frame(0).min() == 0


def test_compression_leaves_traces_but_the_picture(context: NodeContext) -> None:
    picture = Still(photograph(129, 97))
    assert context.run("LTXVPreprocess", image=picture, img_compression=0) is picture
    light, heavy = (context.run("LTXVPreprocess", image=picture, img_compression=crf) for crf in (18, 45))
    assert dimensions(light) == (128, 96)
    close = [ssim(picture.pixels[:96, :128], made.frame(0)) for made in (light, heavy)]
    assert 1 > close[0] > 0.93
    assert close[0] > close[1] + 0.05


def test_a_picture_is_loaded_upright_with_its_mask(context: NodeContext) -> None:
    pixels = photograph(30, 20)
    alpha = np.full((20, 30), 255, np.uint8)
    alpha[:, :10] = 0
    save_png(context.folders["input"] / "cut.png", np.dstack([pixels, alpha]))
    image, mask = context.run("LoadImage", image="cut.png")
    assert dimensions(image) == (30, 20)
    assert (mask.shape, mask[0, 0, 5], mask[0, 0, 15]) == ((1, 20, 30), 1.0, 0.0)
    turned = Image.fromarray(pixels)
    turned.getexif()[0x0112] = 6
    turned.save(context.folders["input"] / "turned.jpg", exif=turned.getexif())
    image, mask = context.run("LoadImage", image="turned.jpg")
    assert dimensions(image) == (20, 30)
    assert (mask.shape, mask.max()) == ((1, 64, 64), 0.0)


def test_sixteen_bits_keep_their_tones(context: NodeContext) -> None:
    ramp = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
    save_png(context.folders["input"] / "deep.png", ramp)
    image, _ = context.run("LoadImage", image="deep.png")
    assert np.abs(image.frame(0)[..., 0].astype(int) - ramp // 257).max() <= 1


@pytest.mark.parametrize("content", [b"this is text", b"", b"\x89PNG\r\n\x1a\n" + b"0" * 40])
def test_a_broken_picture_is_an_error(context: NodeContext, content: bytes) -> None:
    (context.folders["input"] / "broken.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"Invalid image file: broken\.png"):
        context.run("LoadImage", image="broken.png")


def test_what_load_image_may_name(context: NodeContext) -> None:
    node = NODES["LoadImage"]
    assert node.check is not None
    for kind in ("input", "output"):
        (context.folders[kind] / "sub").mkdir()
        save_png(context.folders[kind] / "sub" / "a.png", photograph(4, 4))
    save_png(context.base / "outside.png", photograph(4, 4))
    for name in ("sub/a.png", "sub/a.png [output]", "sub/a.png [input]"):
        assert node.check(context.folders, {"image": name}) is None
    for name in ("b.png", "../outside.png", str(context.base / "outside.png"), "sub", "sub/a.png [temp]", "a\0b"):
        assert node.check(context.folders, {"image": name}) == ("image", f"Invalid image file: {name}")
    with pytest.raises(ValueError, match="not inside"):
        context.run("LoadImage", image="../outside.png")


def test_a_changed_file_has_another_fingerprint(context: NodeContext) -> None:
    fingerprint = NODES["LoadImage"].fingerprint
    assert fingerprint is not None
    found = []
    for size in (4, 5, 4):
        save_png(context.folders["input"] / "a.png", photograph(size, size))
        found.append(fingerprint(context.folders, {"image": "a.png"}))
    assert found[0] == found[2] != found[1]


def test_pictures_are_saved_with_the_graph(context: NodeContext) -> None:
    images = context.run("EmptyImage", width=6, height=4, batch_size=2, color=0x336699)
    result = context.result("SaveImage", images=images, filename_prefix="shots/still %width%x%height%")
    names = ["still 6x4_00001_.png", "still 6x4_00002_.png"]
    assert result.ui == {"images": [{"filename": name, "subfolder": "shots", "type": "output"} for name in names]}
    with Image.open(output_file(context, result)) as saved:
        assert saved.getpixel((0, 0)) == (0x33, 0x66, 0x99)
        assert json.loads(saved.text["prompt"]) == context.graph
        assert json.loads(saved.text["workflow"]) == {"n": 1}
    preview = context.result("PreviewImage", images=images)
    assert preview.ui is not None
    assert {shown["type"] for shown in preview.ui["images"]} == {"temp"}
    assert output_file(context, preview).is_file()


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (3, "3"), (0.5, "0.5"), (True, "True"), (None, "None"), ({"a": [1]}, '{"a": [1]}')]
)
def test_any_value_is_shown_as_text(context: NodeContext, value: object, text: str) -> None:
    result = context.result("PreviewAny", source=value)
    assert (result.outputs, result.ui) == ((text,), {"text": (text,)})


# Sound


def test_silence(context: NodeContext) -> None:
    sound = context.run("EmptyAudio", duration=0.5, sample_rate=44100, channels=1)
    assert (sound.samples.shape, sound.rate, np.abs(sound.samples).max()) == ((1, 22050), 44100, 0)


def test_sampled_sound_is_as_long_as_the_pictures(context: NodeContext) -> None:
    vae = context.run("LTXVAudioVAELoader", ckpt_name="c")
    latent = context.run("LTXVEmptyLatentAudio", frames_number=49, frame_rate=24, batch_size=1, audio_vae=vae)
    unsampled = context.run("LTXVAudioVAEDecode", samples=latent, audio_vae=vae)
    assert not unsampled.samples.any()
    joined = context.run("LTXVConcatAVLatent", video_latent=empty(context), audio_latent=latent)
    made = []
    for seed in (1, 1, 2):
        _, audio = context.run(
            "LTXVSeparateAVLatent", av_latent=sampled(context, joined, guider(context, "sea"), seed)[0]
        )
        made.append(context.run("LTXVAudioVAEDecode", samples=audio, audio_vae=vae))
    assert (made[0].samples.shape, made[0].rate) == ((2, 98000), 48000)
    assert np.array_equal(made[0].samples, made[1].samples)
    assert not np.allclose(made[0].samples, made[2].samples, atol=1e-3)


# Videos


def video(context: NodeContext, fps: float = 24.0, frames: int = 12, audio: Any = None, **more: Any) -> Any:
    images = context.run("EmptyImage", width=64, height=48, batch_size=frames, color=0x808080)
    return context.run("CreateVideo", images=images, fps=fps, audio=audio, **more)


def saved(context: NodeContext, clip: Any, prefix: str = "clip") -> Path:
    result = context.result("SaveVideo", video=clip, filename_prefix=prefix, format="mp4", codec="h264")
    assert result.ui is not None
    assert json.loads(json.dumps(result.ui["animated"])) == [True]
    assert result.outputs == (clip,)
    return output_file(context, result)


@pytest.mark.parametrize("fps", [24.0, 25.0, 23.976, 29.97, 1.0, 120.0])
def test_a_video_has_the_frames_size_and_rate_asked_for(context: NodeContext, fps: float) -> None:
    path = saved(context, video(context, fps))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert float(stream.average_rate) == pytest.approx(fps, abs=0.0005)
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        times = [float(frame.time) for frame in container.decode(video=0)]
    assert times == pytest.approx([index / fps for index in range(12)], abs=1e-4)
    assert decoded_frames(path)[0].shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("seconds", "rate", "channels", "heard"), [(3.0, 48000, 2, 0.5), (0.2, 44100, 1, 0.2), (0.5, 22222, 2, 0.5)]
)
def test_sound_ends_with_the_pictures_at_the_latest(
    context: NodeContext, seconds: float, rate: int, channels: int, heard: float
) -> None:
    audio = context.run("EmptyAudio", duration=seconds, sample_rate=rate, channels=channels)
    path = saved(context, video(context, audio=audio))
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.codec_context.channels) == ("aac", channels)
        length = sum(frame.samples for frame in container.decode(audio=0)) / stream.codec_context.sample_rate
    assert heard <= length + 0.001 <= heard + 0.06
    assert len(decoded_frames(path)) == 12


def test_ten_bits(context: NodeContext) -> None:
    with av.open(str(saved(context, video(context, bit_depth=10)))) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p10le"


def test_colours_survive(context: NodeContext) -> None:
    colours = np.array([[[200, 40, 40], [40, 180, 60]], [[50, 60, 210], [230, 220, 40]]], np.uint8)
    image = Still(colours.repeat(64, 0).repeat(64, 1))
    path = saved(context, context.run("CreateVideo", images=image, fps=24.0))
    shown = decoded_frames(path)[0][32::64, 32::64].astype(int)
    assert np.abs(shown - colours).max() < 8


def test_a_video_carries_the_graph_and_starts_at_once(context: NodeContext) -> None:
    path = saved(context, video(context))
    with av.open(str(path)) as container:
        tags = dict(container.metadata)
    assert json.loads(tags["prompt"]) == context.graph
    assert json.loads(tags["workflow"]) == {"n": 1}
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_file_names_count_up_and_never_overwrite(context: NodeContext) -> None:
    names = [saved(context, video(context, frames=1), "a/b/clip").name for _ in range(2)]
    (context.folders["output"] / "a" / "b" / "clip_00041_.png").touch()
    (context.folders["output"] / "a" / "b" / "clip two_00077_.mp4").touch()
    names.append(saved(context, video(context, frames=1), "a/b/clip").name)
    assert names == ["clip_00001_.mp4", "clip_00002_.mp4", "clip_00042_.mp4"]


def test_tokens_in_a_prefix(context: NodeContext) -> None:
    path = saved(context, video(context, frames=1), "%year%/%width%x%height% %date:yy%")
    assert path.parent.name.isdecimal()
    assert path.name == "64x48 %date:yy%_00001_.mp4"


@pytest.mark.parametrize("prefix", ["../clip", "a/../../clip", "/tmp/clip", "../output2/clip"])
def test_a_prefix_stays_in_the_output_folder(context: NodeContext, prefix: str) -> None:
    with pytest.raises(ValueError, match="Saving image outside the output folder is not allowed"):
        saved(context, video(context), prefix)
    assert [path for path in context.base.rglob("*") if path.is_file()] == []


def test_an_odd_size_is_refused(context: NodeContext) -> None:
    images = context.run("EmptyImage", width=63, height=48, batch_size=1)
    with pytest.raises(ValueError, match="63x48"):
        saved(context, context.run("CreateVideo", images=images, fps=24.0))
    assert list(context.folders["output"].iterdir()) == []


def test_an_interrupt_while_encoding_leaves_nothing(context: NodeContext) -> None:
    def stop(value: int) -> None:
        if value == 5:
            raise Interrupted

    context.on_progress = stop
    with pytest.raises(Interrupted):
        saved(context, video(context, frames=40), "sub/clip")
    assert list((context.folders["output"] / "sub").iterdir()) == []
    assert [value for value, _, _ in context.told] == [1, 2, 3, 4, 5]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("render")]


# Whole graphs


def small_graph(mode: str, seed: int = 3, **values: Any) -> dict[str, Any]:
    size = {"Video latent.width": 160, "Video latent.height": 128, "Video latent.length": 17}
    noise = {"Stage 1 noise.noise_seed": seed, "Stage 2 noise.noise_seed": seed}
    sound = {"Audio latent.frames_number": 17}
    return workflow(mode, **size, **noise, **sound, **values)


def test_text_to_video(context: NodeContext) -> None:
    graph = small_graph("t2v", **{"Prompt.text": "a lighthouse by the sea at dusk"})
    path = output_file(context, execute(graph, context)["Save video"])
    shown = decoded_frames(path)
    assert (len(shown), shown[0].shape) == (17, (256, 320, 3))
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.sample_rate == 48000
    again = decoded_frames(output_file(context, execute(graph, context)["Save video"]))
    assert all(np.array_equal(a, b) for a, b in zip(shown, again, strict=True))
    graph = small_graph("t2v", seed=4, **{"Prompt.text": "a lighthouse by the sea at dusk"})
    other = decoded_frames(output_file(context, execute(graph, context)["Save video"]))
    assert ssim(shown[8], other[8]) < 0.9


def fitted_picture(context: NodeContext) -> np.ndarray:
    pixels = photograph(400, 300)
    save_png(context.folders["input"] / "photo.png", pixels)
    centre = Image.fromarray(pixels).crop((12, 0, 388, 300))
    return np.asarray(centre.resize((320, 256), Image.Resampling.LANCZOS))


IMAGE = {"Image.image": "photo.png", "Fit image.resize_type.width": 320, "Fit image.resize_type.height": 256}


@pytest.mark.parametrize("strength", [1.0, 0.7, 0.3])
def test_image_to_video_starts_with_the_picture(context: NodeContext, strength: float) -> None:
    picture = fitted_picture(context)
    graph = small_graph("i2v", **IMAGE, **{"Prompt.text": "it snows", "Stage 1 first frame.strength": strength})
    shown = decoded_frames(output_file(context, execute(graph, context)["Save video"]))
    assert (len(shown), shown[0].shape) == (17, (256, 320, 3))
    assert ssim(shown[0], picture, overlay_boxes(320, 256)) > 0.9


def test_one_stage_starts_with_the_picture_too(context: NodeContext) -> None:
    picture = fitted_picture(context)
    graph = small_graph("i2v", **IMAGE, **{"Stage 1 first frame.strength": 0.7})
    titles = {node["_meta"]["title"]: node_id for node_id, node in graph.items()}
    graph[titles["Video latent"]]["inputs"] |= {"width": 320, "height": 256}
    graph[titles["Decode video"]]["inputs"]["samples"] = [titles["Stage 1 split"], 0]
    shown = decoded_frames(output_file(context, execute(graph, context)["Save video"]))
    assert ssim(shown[0], picture, overlay_boxes(320, 256)) > 0.9


def test_without_a_second_pin_the_picture_fades(context: NodeContext) -> None:
    picture = fitted_picture(context)
    graph = small_graph("i2v", **IMAGE)
    titles = {node["_meta"]["title"]: node_id for node_id, node in graph.items()}
    graph[titles["Stage 2 first frame"]]["inputs"]["bypass"] = True
    shown = decoded_frames(output_file(context, execute(graph, context)["Save video"]))
    assert ssim(shown[0], picture, overlay_boxes(320, 256)) < 0.85


def test_the_strength_of_the_first_stage_decides_how_far_it_moves(context: NodeContext) -> None:
    picture = fitted_picture(context)
    kept = []
    for strength in (1.0, 0.6, 0.1):
        graph = small_graph("i2v", **IMAGE, **{"Stage 1 first frame.strength": strength})
        shown = decoded_frames(output_file(context, execute(graph, context)["Save video"]))
        kept.append(ssim(shown[12], picture, overlay_boxes(320, 256)))
    assert kept[0] > kept[1] > kept[2]
