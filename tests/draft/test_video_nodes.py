"""The draft engine's nodes for sound and video, and whole graphs, called directly."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from bootstrap.draft.nodes.registry import Interrupted
from bootstrap.draft.render.mark import overlay_boxes
from bootstrap.draft.render.media import Still
from tests.support.nodes import (
    NodeContext,
    empty,
    execute,
    guider,
    output_file,
    photograph,
    sampled,
    save_png,
    workflow,
)
from tests.support.ssim import ssim
from tests.support.videos import frames as decoded_frames

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
    ("seconds", "rate", "channels", "heard"),
    [(3.0, 48000, 2, 0.5), (0.2, 44100, 1, 0.2), (0.5, 22222, 2, 0.5), (0.5, 48000, 6, 0.5)],
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
