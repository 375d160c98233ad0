"""The draft engine's sound: files are read and cut, and a frozen sound is heard and seen as it was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bootstrap.draft.render.mark import levels_box, overlay_boxes
from bootstrap.draft.render.media import Sound, Still
from tests.support.nodes import NodeContext, drawn, execute, guider, output_file, photograph, sampled, save_png
from tests.support.sounds import alike, envelope, sound_of, syllables, write_sound, write_video
from tests.support.ssim import ssim
from tests.support.videos import frames as decoded_frames
from tests.support.videos import mp4
from workflows.build import build
from workflows.request import parse

# Files


@pytest.mark.parametrize(
    ("suffix", "rate", "channels"),
    [
        (".wav", 44100, 2),
        (".wav", 8000, 1),
        (".wav", 96000, 2),
        (".flac", 48000, 1),
        (".mp3", 44100, 2),
        (".mp3", 22050, 1),
        (".ogg", 48000, 2),
        (".m4a", 48000, 2),
        (".m4a", 44100, 6),
        (".mkv", 32000, 1),
    ],
)
def test_a_sound_file_is_read_at_its_own_rate(context: NodeContext, suffix: str, rate: int, channels: int) -> None:
    given = syllables(1.5, rate, channels)
    write_sound(context.folders["input"] / f"voice{suffix}", given, rate)
    sound = context.run("LoadAudio", audio=f"voice{suffix}")
    assert (sound.samples.shape[0], sound.rate, sound.samples.dtype) == (channels, rate, np.float32)
    assert sound.seconds == pytest.approx(1.5, abs=0.08)
    lag = best_lag(sound.samples, given, rate)
    assert abs(lag) <= 0.03 * rate
    assert alike(sound.samples[:, max(0, lag) :], given[:, max(0, -lag) :]) > 0.98


def best_lag(heard: np.ndarray, given: np.ndarray, rate: int) -> int:
    """By how many samples a codec has shifted a sound."""
    one, other = heard.mean(0), given.mean(0)
    size = len(one) + len(other)
    product = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    lag = int(product.argmax())
    return lag if lag < size // 2 else lag - size


def test_the_sound_of_a_video_is_read(context: NodeContext) -> None:
    grey = (np.full((48, 64, 3), 8 * index, np.uint8) for index in range(24))
    write_video(context.folders["input"] / "talk.mp4", grey, sound=syllables(1.0))
    assert alike(context.run("LoadAudio", audio="talk.mp4").samples, syllables(1.0)) > 0.98


UNREADABLE = {
    "text.mp3": b"this is no sound at all, whatever its name says " * 20,
    "empty.wav": b"",
    "silent.mp4": mp4(),
    "cut.m4a": None,
    "cut.flac": None,
}


@pytest.mark.parametrize("name", sorted(UNREADABLE))
def test_a_file_without_a_whole_sound_is_refused_in_one_sentence(context: NodeContext, name: str) -> None:
    path = context.folders["input"] / name
    content = UNREADABLE[name]
    if content is None:
        write_sound(path, syllables(2.0), 48000)
        content = path.read_bytes()[: path.stat().st_size // 2]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}.*(has no sound|can't be read)") as caught:
        context.run("LoadAudio", audio=name)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert str(context.base) not in sentence


def test_a_wave_file_without_samples_has_no_sound(context: NodeContext) -> None:
    path = context.folders["input"] / "none.wav"
    write_sound(path, syllables(0.5), 48000)
    path.write_bytes(path.read_bytes()[:78])
    with pytest.raises(ValueError, match="has no sound"):
        context.run("LoadAudio", audio="none.wav")


# Cutting


def trimmed(context: NodeContext, sound: Sound | None, start: float, duration: float) -> Any:
    return context.run("TrimAudioDuration", audio=sound, start_index=start, duration=duration)


def test_a_cut_is_exact_to_the_sample(context: NodeContext) -> None:
    sound = Sound(np.arange(8000, dtype=np.float32)[None], 1000)
    for start, duration, first, count in (
        (0.0, 1.0, 0, 1000),
        (2.5, 3.0, 2500, 3000),
        (7.5, 9.0, 7500, 500),
        (-1.0, 0.25, 7000, 250),
        (-99.0, 1.0, 0, 1000),
    ):
        samples = trimmed(context, sound, start, duration).samples
        assert (samples[0, 0], samples.shape) == (first, (1, count))
    assert trimmed(context, None, 0.0, 1.0) is None


@pytest.mark.parametrize(("start", "duration"), [(8.0, 1.0), (100.0, 1.0), (1.0, 0.0)])
def test_a_cut_that_leaves_nothing_is_refused(context: NodeContext, start: float, duration: float) -> None:
    sound = Sound(np.zeros((2, 8000), np.float32), 1000)
    with pytest.raises(ValueError, match=r"8\.00 s long"):
        trimmed(context, sound, start, duration)


# Latents


def encoded(context: NodeContext, sound: Sound | None) -> Any:
    vae = context.run("LTXVAudioVAELoader", ckpt_name="c")
    return context.run("LTXVAudioVAEEncode", audio=sound, audio_vae=vae)


def decoded(context: NodeContext, latent: Any) -> Sound:
    vae = context.run("LTXVAudioVAELoader", ckpt_name="c")
    sound: Sound = context.run("LTXVAudioVAEDecode", samples=latent, audio_vae=vae)
    return sound


def masked(context: NodeContext, latent: Any, value: float) -> Any:
    mask = context.run("SolidMask", value=value, width=8, height=8)
    assert (mask.shape, mask.min(), mask.max()) == ((1, 8, 8), np.float32(value), np.float32(value))
    return context.run("SetLatentNoiseMask", samples=latent, mask=mask)


@pytest.mark.parametrize(("rate", "channels"), [(48000, 2), (44100, 1), (22050, 2), (48000, 6)])
def test_an_encoded_sound_decodes_to_itself_in_stereo(context: NodeContext, rate: int, channels: int) -> None:
    given = syllables(2.0, rate, channels)
    sound = decoded(context, encoded(context, Sound(given, rate)))
    assert (sound.samples.shape[0], sound.rate) == (2, 48000)
    # The VAE takes whole blocks of 4096 samples at 44.1 kHz from the middle: 21 of 21.53.
    assert sound.seconds == pytest.approx(21 * 4096 / 44100, abs=1e-3)
    first = round((2.0 - 21 * 4096 / 44100) / 2 * 48000)
    wanted = np.stack([np.interp(np.arange(96000) / 48000, np.arange(2 * rate) / rate, side) for side in given[:2]])
    assert alike(sound.samples, wanted[:, first:]) > 0.99


def test_what_is_no_sound_is_not_encoded(context: NodeContext) -> None:
    with pytest.raises(ValueError, match="no sound"):
        encoded(context, None)
    with pytest.raises(ValueError, match=r"0\.05 s"):
        encoded(context, Sound(np.zeros((2, 2400), np.float32), 48000))
    with pytest.raises(ValueError, match="LTXVAudioVAELoader"):
        context.run("LTXVAudioVAEEncode", audio=Sound(np.zeros((2, 9999), np.float32), 48000), audio_vae=None)


def clip_with(context: NodeContext, audio: Any, sigmas: str = "1, 0.5, 0", seed: int = 1, video: Any = None) -> Any:
    """Picture and sound after sampling them together."""
    video = video or context.run("EmptyLTXVLatentVideo", width=320, height=256, length=49, batch_size=1)
    joined = context.run("LTXVConcatAVLatent", video_latent=video, audio_latent=audio)
    made = sampled(context, joined, guider(context, "a lake at dawn, static shot"), seed, sigmas)[0]
    return context.run("LTXVSeparateAVLatent", av_latent=made)


def test_a_frozen_sound_stays_the_same_through_both_stages(context: NodeContext) -> None:
    audio = masked(context, encoded(context, Sound(syllables(2.0), 48000)), 0.0)
    before = decoded(context, audio).samples
    video, audio = clip_with(context, audio)
    larger = context.run("LTXVLatentUpsampler", samples=video, upscale_model=None, vae=None)
    _, audio = clip_with(context, audio, "0.85, 0.4, 0", 2, larger)
    assert np.array_equal(decoded(context, audio).samples, before)


def test_a_sound_that_is_not_frozen_is_made_anew(context: NodeContext) -> None:
    given = encoded(context, Sound(syllables(2.0), 48000))
    wanted = decoded(context, given).samples
    likeness = {}
    for name, audio in (
        ("none", given),
        ("1", masked(context, given, 1.0)),
        ("0.5", masked(context, given, 0.5)),
        ("0", masked(context, given, 0.0)),
    ):
        likeness[name] = alike(decoded(context, clip_with(context, audio)[1]).samples, wanted)
    assert abs(likeness["none"]) < 0.1
    assert abs(likeness["1"]) < 0.1
    assert likeness["1"] < likeness["0.5"] < likeness["0"]
    assert likeness["0"] > 0.999


def test_a_mask_counts_along_the_time(context: NodeContext) -> None:
    given = encoded(context, Sound(syllables(2.0), 48000))
    mask = np.zeros((1, 64, 4), np.float32)
    mask[:, 32:] = 1
    latent = context.run("SetLatentNoiseMask", samples=given, mask=mask)
    made, wanted = (decoded(context, latent).samples for latent in (clip_with(context, latent)[1], given))
    half = wanted.shape[1] // 2
    assert alike(made[:, : half - 2000], wanted[:, : half - 2000]) > 0.999
    assert abs(alike(made[:, half + 2000 :], wanted[:, half + 2000 :])) < 0.1


def test_only_sound_is_masked_here(context: NodeContext) -> None:
    video = context.run("EmptyLTXVLatentVideo", width=64, height=64, length=9)
    with pytest.raises(ValueError, match="audio latent"):
        masked(context, video, 0.0)


# What is seen of it


def brightness(frames: Any, count: int) -> np.ndarray:
    """Mean luma of each frame outside what is written over it."""
    shown = np.stack([np.asarray(frames.frame(index), float) for index in range(count)])
    for x0, y0, x1, y1 in overlay_boxes(frames.width, frames.height):
        shown[:, y0:y1, x0:x1] = np.nan
    return np.nanmean(shown, axis=(1, 2, 3))


def test_a_scene_brightens_with_a_frozen_sound(context: NodeContext) -> None:
    given = syllables(2.1, seed=4)
    audio = masked(context, encoded(context, Sound(given, 48000)), 0.0)
    heard = drawn(context, clip_with(context, audio)[0])
    silent = drawn(context, clip_with(context, encoded(context, Sound(given, 48000)))[0])
    change = brightness(heard, 49) - brightness(silent, 49)
    loudness = envelope(given, 48000, 24.0, 49)
    assert np.corrcoef(change, loudness)[0, 1] > 0.9
    shuffled = np.random.default_rng(0).permutation(loudness)
    assert np.corrcoef(change, shuffled)[0, 1] < 0.5
    assert change.min() > -0.5
    assert 2 < change.max() < 40


def test_a_pinned_portrait_moves_with_the_sound_and_begins_as_it_is(context: NodeContext) -> None:
    picture = Still(photograph(320, 256))
    given = syllables(2.1, seed=5)
    video = context.run("EmptyLTXVLatentVideo", width=320, height=256, length=49, batch_size=1)
    pinned = context.run("LTXVImgToVideoInplace", vae=None, image=picture, latent=video, strength=1.0)
    audio = masked(context, encoded(context, Sound(given, 48000)), 0.0)
    heard, silent = (
        drawn(context, clip_with(context, sound, video=pinned)[0])
        for sound in (audio, encoded(context, Sound(given, 48000)))
    )
    assert np.array_equal(*(outside(frames.frame(0)) for frames in (heard, silent)))
    moved = [np.abs(outside(heard.frame(i)).astype(int) - outside(silent.frame(i))).mean() for i in range(49)]
    loudness = envelope(given, 48000, 24.0, 49)
    assert np.corrcoef(moved[6:], loudness[6:])[0, 1] > 0.9
    assert max(moved) > 3
    assert ssim(heard.frame(int(np.argmax(moved))), picture.pixels, overlay_boxes(320, 256)) > 0.5


def outside(pixels: np.ndarray) -> np.ndarray:
    """A frame with what is written over it blacked out."""
    shown = np.array(pixels)
    for x0, y0, x1, y1 in overlay_boxes(shown.shape[1], shown.shape[0]):
        shown[y0:y1, x0:x1] = 0
    return shown


def test_a_level_strip_shows_how_far_the_sound_has_played(context: NodeContext) -> None:
    audio = masked(context, encoded(context, Sound(syllables(2.1), 48000)), 0.0)
    frames = drawn(context, clip_with(context, audio)[0])
    box = levels_box(320, 256)
    assert box is not None
    x0, y0, x1, y1 = box
    lit = [np.asarray(frames.frame(index))[y0:y1, x0:x1].max(2) for index in (0, 24, 48)]
    bright = [float((strip > 200).mean()) for strip in lit]
    assert bright[0] < bright[1] < bright[2]
    # At half time the left half is lit and the right one is not.
    middle = (x1 - x0) // 2
    assert (lit[1][:, : middle - 4] > 200).mean() > 4 * (lit[1][:, middle + 4 :] > 200).mean()


def test_hiss_moves_nothing(context: NodeContext) -> None:
    hiss = np.random.default_rng(0).normal(0, 1e-4, (2, 100000)).astype(np.float32)
    audio = masked(context, encoded(context, Sound(hiss, 48000)), 0.0)
    heard = drawn(context, clip_with(context, audio)[0])
    silent = drawn(context, clip_with(context, encoded(context, Sound(hiss, 48000)))[0])
    assert all(np.array_equal(outside(heard.frame(i)), outside(silent.frame(i))) for i in (0, 20, 48))


# Whole graphs


def rendered(context: NodeContext, mode: str, **values: Any) -> Path:
    """The file of a mode's graph at a small size, its uploads being in the input folder."""
    size = {"width": 256, "height": 128, "prompt": "a lake at dawn"}
    request = parse(mode, {**size, "seed": 3, **values})
    return output_file(context, execute(build(request), context)["Save video"])


@pytest.mark.parametrize("preset", ["fast", "balanced", "quality"])
@pytest.mark.parametrize("mode", ["a2v", "lipsync"])
def test_the_uploaded_sound_is_heard_from_where_it_is_to_start(context: NodeContext, mode: str, preset: str) -> None:
    given = syllables(4.0, 44100)
    write_sound(context.folders["input"] / "voice.wav", given, 44100)
    save_png(context.folders["input"] / "face.png", photograph(256, 128))
    more = {"image": "face.png"} if mode == "lipsync" else {}
    path = rendered(context, mode, preset=preset, audio="voice.wav", audio_start=1.3, seconds=1.0, **more)
    heard = sound_of(path, 44100)[:, :44100]
    assert alike(heard, given[:, round(1.3 * 44100) :]) > 0.95
    assert abs(alike(heard, given)) < 0.5
    shown = decoded_frames(path)
    assert (len(shown), shown[0].shape) == (25, (128, 256, 3))
    if mode == "lipsync":
        assert ssim(shown[0], photograph(256, 128), overlay_boxes(256, 128)) > 0.85


@pytest.mark.parametrize(("rate", "channels", "suffix"), [(22050, 1, ".mp3"), (96000, 2, ".flac"), (48000, 1, ".ogg")])
def test_any_rate_and_channels_are_muxed(context: NodeContext, rate: int, channels: int, suffix: str) -> None:
    write_sound(context.folders["input"] / f"voice{suffix}", syllables(2.0, rate, channels), rate)
    path = rendered(context, "a2v", preset="fast", audio=f"voice{suffix}", seconds=1.0)
    heard, given = sound_of(path, rate)[:, :rate], syllables(2.0, rate, channels)
    lag = best_lag(heard, given[:, :rate], rate)
    assert abs(lag) < 0.05 * rate
    assert alike(heard[:, max(0, lag) :], given[:, max(0, -lag) :]) > 0.95


def test_after_a_short_sound_there_is_silence(context: NodeContext) -> None:
    write_sound(context.folders["input"] / "short.wav", syllables(0.6), 48000)
    path = rendered(context, "a2v", preset="fast", audio="short.wav", seconds=2.0)
    assert len(decoded_frames(path)) == 49
    heard = sound_of(path)
    assert alike(heard[:, : round(0.55 * 48000)], syllables(0.6)) > 0.95
    assert heard.shape[1] < 49 / 24 * 48000 + 2048
    assert not heard[:, round(0.7 * 48000) :].any() or np.abs(heard[:, round(0.7 * 48000) :]).max() < 0.01


@pytest.mark.parametrize("mode", ["a2v", "lipsync"])
def test_the_finished_video_brightens_with_its_own_sound(context: NodeContext, mode: str) -> None:
    write_sound(context.folders["input"] / "voice.wav", syllables(4.0, seed=1), 48000)
    save_png(context.folders["input"] / "face.png", photograph(256, 128))
    more = {"image": "face.png"} if mode == "lipsync" else {}
    path = rendered(context, mode, preset="fast", audio="voice.wav", audio_start=1.0, seconds=2.0, **more)
    light = [float(picture.mean()) for picture in decoded_frames(path)]
    loudness = envelope(sound_of(path), 48000, 24.0, len(light))
    assert np.corrcoef(light[6:], loudness[6:])[0, 1] > 0.8
    late = np.corrcoef(light[6:-8], loudness[14:])[0, 1]
    assert late < 0.5
