"""The draft engine's renderer: words and seeds decide scenes, pictures stay pictures, files hold what was drawn."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bootstrap.draft.render import brief, camera, mark, vocabulary
from bootstrap.draft.render.ambience import BEDS, LOOP_SECONDS, ambience
from bootstrap.draft.render.clip import clip_frames
from bootstrap.draft.render.layers import Moment
from bootstrap.draft.render.media import Clip, Frames, Still
from bootstrap.draft.render.mp4 import write_mp4
from bootstrap.draft.render.places import PLACES
from bootstrap.draft.render.scene import paint
from bootstrap.draft.render.shapes import silhouette
from bootstrap.draft.render.take import Anchor, Recipe, Take, record, shoot
from tests.support.ssim import ssim
from tests.support.videos import frames as decoded_frames

Picture = NDArray[np.uint8]
SMALL = (160, 96)


def recipe(prompt: str = "", seed: int = 1, **changes: object) -> Recipe:
    given: dict[str, object] = {
        "prompt": prompt,
        "negative": "",
        "frame_rate": 24.0,
        "seed": seed,
        "cfg": 1.0,
        "sampler": "euler",
        "sigmas": (1.0, 0.5, 0.0),
        "checkpoint": "c",
        "loras": (),
    }
    return Recipe(**(given | changes))  # type: ignore[arg-type]


def take(prompt: str = "", seed: int = 1, pins: tuple[Anchor, ...] = (), **changes: object) -> Take:
    return shoot(recipe(prompt, seed, **changes), None, pins)


def clip(taken: Take, size: tuple[int, int] = SMALL, count: int = 25) -> Frames:
    return clip_frames(taken, (), *size, count)


def photograph(width: int, height: int, seed: int = 0) -> Picture:
    """A bright picture of soft blobs with an edge frame of its own."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(90, 250, (height // 16, width // 16, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def pinned(picture: Picture, prompt: str = "", at: int = 0, strength: float = 1.0) -> Take:
    return take(prompt, pins=(Anchor(Still(picture), at, strength, strength),))


def difference(one: Picture, other: Picture) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def scene_of(prompt: str, seed: int = 1) -> Picture:
    """The middle of a clip without grain and writing."""
    return np.asarray(paint(brief.read(take(prompt, seed)), *SMALL).frame(Moment(12, 0.5, 0.5)))


# Words


def test_no_word_means_two_things_of_a_kind() -> None:
    for section in ("light", "place", "subject", "camera", "shot", "accent", "motion"):
        for kind in ("words", "hints"):
            words = [word for traits in vocabulary.section(section).values() for word in traits.get(kind, ())]
            assert sorted(set(words)) == sorted(words), section


def test_the_first_word_wins_and_hints_yield_to_words() -> None:
    assert vocabulary.find("place", "From the forest down to the sea") == ("forest", "sea")
    assert vocabulary.find("place", "a car in the desert") == ("desert",)
    assert vocabulary.find("place", "two cars") == ("street",)
    assert vocabulary.find("place", "the caravan") == ()
    assert vocabulary.find("camera", "a slow push-in") == ("dolly-in",)
    assert vocabulary.find("weather", "rain, snow", negative="no rain") == ("snow",)


def test_what_the_vocabulary_names_can_be_painted() -> None:
    rng = np.random.default_rng(0)
    assert set(vocabulary.section("place")) == set(PLACES)
    for name in vocabulary.section("subject"):
        mask, _ = silhouette(name, 40, rng)
        assert np.asarray(mask).max() == 255
    for place in vocabulary.section("place").values():
        assert place.get("light", "slate") in vocabulary.section("light")
    sounding = [*vocabulary.section("place").values(), *vocabulary.section("weather").values()]
    assert {traits["sound"] for traits in sounding if "sound" in traits} == set(BEDS)
    for painter in BEDS.values():
        assert np.isfinite(painter(rng, 4800)).all()


SCENES = (
    "sunset mountains", "mountains at night", "a storm in the mountains", "northern lights over mountains",
    "a lake at dawn", "the sea at sunset", "the sea in winter", "a tropical beach", "a green forest",
    "an autumn forest", "pine trees in snow", "a meadow in spring", "sand dunes in the desert", "a city at night",
    "a neon city", "a street at dusk", "a room", "the galaxy", "a coral reef", "above the clouds",
    "rolling hills, sunny", "a volcano on fire", "a meadow with a horse", "a meadow with a red car",
    "a meadow in the rain",
)  # fmt: skip


def test_words_make_different_scenes() -> None:
    pictures = [scene_of(prompt) for prompt in SCENES]
    for (one, a), (other, b) in combinations(zip(SCENES, pictures, strict=True), 2):
        assert difference(a, b) > 0.35, (one, other)
    assert scene_of("a city at night").mean() < 0.6 * scene_of("rolling hills, sunny").mean()
    red, blue = (scene_of(prompt).reshape(-1, 3).mean(0) for prompt in ("the sea at sunset", "a city at night"))
    assert red[0] > red[2]
    assert blue[2] > blue[0]


@pytest.mark.parametrize("name", sorted(PLACES))
def test_a_place_fills_every_frame_of_every_move(name: str) -> None:
    word = next(iter(vocabulary.section("place")[name]["words"]))
    for move in ("pan right", "orbit", "zoom out", "handheld", "tilt down"):
        drawn = paint(brief.read(take(f"{word}, a person, snow, fog, {move}")), 96, 64)
        for t in (0.0, 1.0):
            frame = np.asarray(drawn.frame(Moment(0, t, 4 * t)))
            assert frame.shape == (64, 96, 3)
            assert frame.std() > 3


def test_a_subject_is_seen_larger_in_a_close_shot() -> None:
    wide, close = (
        brief.read(take(f"{shot} of a dog in a meadow")).subjects[0] for shot in ("a wide shot", "a close-up")
    )
    assert (wide.shape, close.shape) == ("dog", "dog")
    assert close.size > 2 * wide.size
    assert brief.read(take("a close-up of a woman")).subjects[0].shape == "bust"


def test_a_seed_makes_another_scene_of_the_same_words() -> None:
    one, other = scene_of("a mountain lake", 1), scene_of("a mountain lake", 2)
    assert difference(one, other) > 3


# Frames


def test_frames_are_the_same_in_any_order_and_from_any_thread() -> None:
    ordered = [clip(take("rain in a forest")).frame(index) for index in range(8)]
    paint.cache_clear()
    shuffled = clip(take("rain in a forest"))
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(shuffled.frame, reversed(range(8))))
    assert all(np.array_equal(a, b) for a, b in zip(ordered, reversed(again), strict=True))


def test_a_size_changes_the_sharpness_and_not_the_scene() -> None:
    small, large = (paint(brief.read(take("a lighthouse at dusk")), *size) for size in ((160, 96), (640, 384)))
    moment = Moment(12, 0.5, 0.5)
    shrunk = np.asarray(large.frame(moment).resize((160, 96), Image.Resampling.BOX))
    assert ssim(np.asarray(small.frame(moment)), shrunk) > 0.8


@pytest.mark.parametrize("size", [(64, 64), (96, 640), (640, 96), (258, 130)])
def test_any_size_can_be_drawn(size: tuple[int, int]) -> None:
    for prompt in ("a ship at sea, close-up", "a street at night, rain", "a room"):
        assert clip(take(prompt), size, 9).frame(8).shape == (size[1], size[0], 3)


def test_a_very_large_clip_is_painted_smaller_and_enlarged() -> None:
    small, large = (clip(take("a mountain lake at dawn"), size, 9).frame(4) for size in ((640, 384), (2560, 1536)))
    assert large.shape == (1536, 2560, 3)
    shrunk = np.asarray(Image.fromarray(large).resize((640, 384), Image.Resampling.BOX))
    assert ssim(small, shrunk, (*mark.overlay_boxes(640, 384), (0, 340, 640, 384), (500, 0, 640, 40))) > 0.8


def test_a_scene_moves_without_jumps() -> None:
    drawn = clip(take("a dog runs through a meadow, dolly in"), (320, 192), 49)
    steps = [difference(a, b) for a, b in pairwise(drawn.frame(index) for index in range(49))]
    assert min(steps) > 0
    assert max(steps) < 4 * float(np.median(steps))


def test_a_still_camera_holds_still() -> None:
    still, moving = (
        paint(brief.read(take(f"mountains, {move}")), *SMALL) for move in ("static shot", "camera pans right")
    )
    assert (
        difference(*(np.asarray(still.frame(Moment(i, i / 24, i / 24)).crop((0, 0, 160, 50))) for i in (0, 24))) < 0.5
    )
    assert difference(*(np.asarray(moving.frame(Moment(i, i / 24, i / 24))) for i in (0, 24))) > 3


# What is written over them


@pytest.mark.parametrize("size", [(64, 64), (128, 320), (320, 256), (704, 1280), (1280, 704), (1920, 1088)])
def test_writing_stays_in_its_boxes(size: tuple[int, int]) -> None:
    written = Image.new("RGB", size, (90, 120, 150))
    mark.draw_mark(written)
    mark.draw_caption(
        written, "A long prompt " * 20, "24 fps  1280×704  dolly in  seed 18446744073709551615", "00:00:01:12"
    )
    touched = (np.asarray(written) != (90, 120, 150)).any(2)
    boxes = mark.overlay_boxes(*size)
    assert boxes[0] == mark.draft_mark_box(*size)
    for x0, y0, x1, y1 in boxes:
        assert 0 <= x0 < x1 <= size[0]
        assert 0 <= y0 < y1 <= size[1]
        assert touched[y0:y1, x0:x1].mean() > 0.2
        touched[y0:y1, x0:x1] = False
    assert not touched.any()
    assert sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes) < 0.12 * size[0] * size[1]


def test_a_title_that_the_font_cannot_write_is_left_out() -> None:
    written = [Image.new("RGB", (640, 384), (90, 120, 150)) for _ in range(3)]
    for image, title in zip(written, ("", "雪の街を歩く女性", "Zwölf Boxkämpfer jagen Viktor"), strict=True):
        mark.draw_caption(image, title, "24 fps", "00:00:00:00")
    empty, japanese, german = (image.tobytes() for image in written)
    assert japanese == empty != german


def test_only_the_mark_covers_a_given_picture() -> None:
    flat = np.full((256, 320, 3), 140, np.uint8)
    shown = clip(pinned(flat, "static shot"), (320, 256)).frame(0).astype(int)
    x0, y0, x1, y1 = mark.draft_mark_box(320, 256)
    assert np.abs(shown[y0:y1, x0:x1] - 140).max() > 60
    shown[y0:y1, x0:x1] = 140
    assert np.array_equal(shown, flat)


def test_the_timecode_counts_frames() -> None:
    assert mark.timecode(0, 24) == "00:00:00:00"
    assert mark.timecode(61, 24) == "00:00:02:13"
    assert mark.timecode(30, 29.97) == "00:00:01:00"
    assert mark.timecode(24 * 3725 + 5, 23.976) == "01:02:05:05"


# Given pictures


def test_a_pinned_picture_is_its_frame() -> None:
    picture = photograph(*SMALL)
    box = (mark.draft_mark_box(*SMALL),)
    for strength in (1.0, 0.7):
        assert ssim(clip(pinned(picture, "snow", strength=strength)).frame(0), picture, box) > 0.999


def test_a_weaker_pin_lets_the_clip_go_farther() -> None:
    picture = photograph(320, 192)
    box = (mark.draft_mark_box(320, 192),)
    kept = [
        ssim(clip(pinned(picture, "night, slow dolly in", strength=strength), (320, 192)).frame(20), picture, box)
        for strength in (1.0, 0.8, 0.5, 0.2)
    ]
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] < 0.5 * kept[0]


@pytest.mark.parametrize("move", sorted(vocabulary.section("camera")))
def test_a_moved_picture_never_shows_what_is_beyond_it(move: str) -> None:
    named = camera.named_move(move)
    words = [*vocabulary.section("camera")[move]["words"], ""]
    shown = clip(pinned(photograph(160, 96), words[0], strength=0.7), (160, 96), 25)
    for index in (1, 12, 24):
        edge = shown.frame(index).astype(int)
        edge[slice(*mark.draft_mark_box(160, 96)[1::2]), slice(*mark.draft_mark_box(160, 96)[0::2])] = 255
        assert min(edge[0].min(), edge[-1].min(), edge[:, 0].min(), edge[:, -1].min()) > 60, named


def magnification(before: Picture, after: Picture) -> float:
    """The scale about the centre at which `before` looks most like `after`."""
    height, width = before.shape[:2]

    def scaled(scale: float) -> Picture:
        w, h = width / scale / 2, height / scale / 2
        box = (width / 2 - w, height / 2 - h, width / 2 + w, height / 2 + h)
        return np.asarray(
            Image.fromarray(before).transform((width, height), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR)
        )

    inner = (slice(height // 4, -height // 4), slice(width // 4, -width // 4))
    return min(np.arange(0.85, 1.4, 0.01), key=lambda scale: difference(scaled(scale)[inner], after[inner]))


@pytest.mark.parametrize(
    ("prompt", "loras", "least", "most"),
    [
        ("static shot", (), 0.99, 1.01),
        ("dolly in", (), 1.06, 1.35),
        ("zoom out", (), 0.85, 0.97),
        ("", (("ltx-2-19b-lora-camera-control-dolly-in.safetensors", 1.0),), 1.06, 1.35),
        ("dolly in", (("ltx-2-19b-lora-camera-control-static.safetensors", 1.0),), 0.99, 1.01),
    ],
)
def test_the_camera_does_what_prompt_and_lora_say(
    prompt: str, loras: tuple[tuple[str, float], ...], least: float, most: float
) -> None:
    picture = photograph(320, 192)
    taken = take(prompt, pins=(Anchor(Still(picture), 0, 0.8, 0.8),), loras=loras)
    assert least <= magnification(picture, clip(taken, (320, 192)).frame(24)) <= most


def test_two_pinned_pictures_sit_at_their_frames() -> None:
    first, last = photograph(*SMALL, seed=1), photograph(*SMALL, seed=2)
    pins = (Anchor(Still(first), 0, 1.0, 1.0), Anchor(Still(last), 24, 1.0, 1.0))
    shown = clip(take("dolly in", pins=pins))
    box = (mark.draft_mark_box(*SMALL),)
    assert ssim(shown.frame(0), first, box) > 0.999
    assert ssim(shown.frame(24), last, box) > 0.999
    steps = [difference(a, b) for a, b in pairwise(shown.frame(index) for index in range(25))]
    assert max(steps) < 0.3 * difference(first, last)


def test_weather_comes_up_over_a_given_picture() -> None:
    picture = np.full((192, 320, 3), 60, np.uint8)
    snow, none = (clip(pinned(picture, f"{word}static shot"), (320, 192), 49).frame(40) for word in ("snow, ", ""))
    assert difference(snow, none) > 0.5


# Sound


def spectrum_centre(samples: NDArray[np.float32]) -> float:
    power = np.abs(np.fft.rfft(samples[0])) ** 2
    return float((power * np.fft.rfftfreq(samples.shape[1], 1 / 48000)).sum() / power.sum())


def test_a_bed_is_soft_and_fades() -> None:
    sound = ambience(record(recipe("waves at the beach"), None), 3.0)
    level = np.abs(sound.samples)
    assert sound.samples.dtype == np.float32
    assert 0.05 < level.max() <= 0.31
    assert level[:, :50].max() < 0.001
    assert level[:, -50:].max() < 0.001
    assert not np.allclose(sound.samples[0], sound.samples[1], atol=0.01)


def test_words_make_different_sounds() -> None:
    rain, room = (ambience(record(recipe(prompt), None), 2.0).samples for prompt in ("heavy rain", "a quiet room"))
    assert spectrum_centre(rain) > 3 * spectrum_centre(room)


def test_a_long_bed_has_no_hole() -> None:
    seconds = 2.2 * LOOP_SECONDS
    sound = ambience(record(recipe("wind in the mountains"), None), seconds)
    assert sound.samples.shape[1] == round(seconds * 48000)
    parts = np.array_split(sound.samples[0, 48000:-48000], 200)
    levels = np.array([part.std() for part in parts])
    assert levels.min() > 0.2 * np.median(levels)


# Files


def test_a_file_is_the_same_every_time(tmp_path: Path) -> None:
    paths = (tmp_path / "a.mp4", tmp_path / "b.mp4")
    for path in paths:
        paint.cache_clear()
        frames = clip(take("a fox in the snow"), (160, 96), 17)
        sound = ambience(record(recipe("wind"), None), 17 / 24)
        write_mp4(path, Clip(frames, Fraction(24), sound), {"prompt": "{}"}, lambda done, of: None)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    shown = decoded_frames(paths[0])
    assert len(shown) == 17
    assert all(ssim(shown[index], frames.frame(index)) > 0.9 for index in (0, 8, 16))


def test_a_drawing_error_stops_the_writing(tmp_path: Path) -> None:
    class Broken:
        count, width, height = 40, 64, 64

        def frame(self, index: int) -> Picture:
            if index == 7:
                raise RuntimeError("no such frame")
            return np.zeros((64, 64, 3), np.uint8)

    with pytest.raises(RuntimeError, match="no such frame"):
        write_mp4(tmp_path / "a.mp4", Clip(Broken(), Fraction(24)), {}, lambda done, of: None)
    assert list(tmp_path.iterdir()) == []


def test_ssim_tells_pictures_apart() -> None:
    picture = photograph(*SMALL)
    soft = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(6)))
    assert ssim(picture, picture) == pytest.approx(1)
    assert ssim(picture, soft) < ssim(picture, np.clip(picture.astype(int) + 3, 0, 255).astype(np.uint8))
    patched = picture.copy()
    patched[10:30, 20:50] = 0
    assert ssim(picture, patched) < 0.99
    assert ssim(picture, patched, ((20, 10, 50, 30),)) == pytest.approx(1)
