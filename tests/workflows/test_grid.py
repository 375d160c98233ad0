"""The arithmetic of sizes, frames, seconds and tokens."""

from __future__ import annotations

import pytest

from workflows import grid

RATES = (8, 12.5, 23.976, 24, 25, 29.97, 30, 48, 50)


@pytest.mark.parametrize(
    ("seconds", "fps", "frames"),
    [(5, 24, 121), (5, 25, 129), (5, 30, 153), (10, 24, 241), (0.3, 8, 9), (0, 24, 9), (20, 50, 1001)],
)
def test_frames_of_a_length(seconds: float, fps: float, frames: int) -> None:
    assert grid.frame_count(seconds, fps) == frames


@pytest.mark.parametrize("fps", RATES)
def test_every_length_is_made_of_8k_plus_1_frames_and_ends_nearest_to_what_was_asked(fps: float) -> None:
    for tenths in range(201):
        seconds = tenths / 10
        frames = grid.frame_count(seconds, fps)
        assert frames % 8 == 1
        assert frames >= grid.MIN_FRAMES
        if frames > grid.MIN_FRAMES:
            assert abs((frames - 1) - seconds * fps) <= 4 + 1e-9
        else:
            assert seconds * fps <= 12


@pytest.mark.parametrize("fps", RATES)
def test_a_longer_wish_never_gives_a_shorter_video(fps: float) -> None:
    counts = [grid.frame_count(hundredths / 100, fps) for hundredths in range(2001)]
    assert counts == sorted(counts)


@pytest.mark.parametrize(
    ("pixels", "made"), [(1280, 1280), (720, 704), (1080, 1088), (64, 64), (1, 64), (95, 64), (96, 128), (97.5, 128)]
)
def test_a_size_goes_to_a_multiple_of_64(pixels: float, made: int) -> None:
    assert grid.snap(pixels) == made


def test_every_size_goes_to_the_nearest_multiple_of_64() -> None:
    for pixels in range(1, 4097):
        made = grid.snap(pixels)
        assert made % grid.SIZE_STEP == 0
        assert made >= grid.SIZE_STEP
        assert abs(made - pixels) <= 32 or made == grid.SIZE_STEP
        assert grid.snap(made) == made


def test_a_shape_says_what_is_really_made() -> None:
    shape = grid.shape(1280, 720, 5, 24)
    assert (shape.width, shape.height, shape.frames, shape.fps) == (1280, 704, 121, 24.0)
    assert shape.seconds == 121 / 24
    assert shape.tokens == 40 * 22 * 16


def test_tokens_count_latent_cells() -> None:
    assert grid.Shape(64, 64, 9, 24.0).tokens == 2 * 2 * 2
    assert grid.Shape(768, 512, 121, 24.0).tokens == 24 * 16 * 16


def test_making_a_shape_again_changes_nothing() -> None:
    for width in range(64, 2561, 96):
        first = grid.shape(width, 2560 - width // 2, width / 200, 24)
        assert grid.shape(first.width, first.height, (first.frames - 1) / 24, 24) == first
