"""What a sound or a video looks like as a whole."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from client import glimpse
from tests.support import sounds

SECONDS = 4.0


@pytest.fixture(params=["song.mp3", "song.flac"])
def song(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Silence for a second, a tone that swells for two, silence for another."""
    time = np.arange(int(SECONDS * 44100)) / 44100
    level = np.interp(time, [0, 1, 2.9, 3, 4], [0, 0, 0.9, 0, 0])
    path: Path = tmp_path / request.param
    sounds.write_sound(path, (level * np.sin(2 * np.pi * 300 * time))[None].astype(np.float32), 44100)
    return path


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Two seconds of red, two of blue."""
    colors = [(200, 20, 20)] * 48 + [(20, 20, 200)] * 48
    path = tmp_path / "film.mp4"
    sounds.write_video(path, (np.full((64, 96, 3), color, np.uint8) for color in colors), 24)
    return path


@pytest.mark.parametrize("whole", [True, False], ids=["decoded as a whole", "sampled here and there"])
def test_peaks_show_where_a_sound_is_loud(song: Path, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glimpse, "WHOLE_SECONDS", 60.0 if whole else 1.0)
    loud = glimpse.peaks(song, SECONDS)
    assert len(loud) == glimpse.BARS
    quarter = glimpse.BARS // 4
    assert max(loud) == 1
    assert max(loud[: quarter - 4]) < 0.05
    assert max(loud[3 * quarter + 5 :]) < 0.05
    assert loud[quarter + 10] < loud[2 * quarter] < loud[3 * quarter - 10]


@pytest.mark.parametrize("whole", [True, False], ids=["decoded as a whole", "by key frames"])
def test_a_filmstrip_shows_a_video_from_left_to_right(film: Path, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glimpse, "WHOLE_PIXELS", 1e9 if whole else 1.0)
    strip = Image.open(io.BytesIO(glimpse.filmstrip(film, SECONDS)))
    width = round(96 * glimpse.STRIP_HEIGHT / 64)
    assert strip.size == (glimpse.PICTURES * width, glimpse.STRIP_HEIGHT)
    seen = [strip.getpixel((round((number + 0.5) * width), 30)) for number in range(glimpse.PICTURES)]
    half = glimpse.PICTURES // 2
    assert ["red" if red > blue else "blue" for red, _, blue in seen] == ["red"] * half + ["blue"] * half


def test_a_glimpse_is_made_once_and_kept_beside_its_file(song: Path, film: Path) -> None:
    made = (glimpse.peaks(song, SECONDS), glimpse.filmstrip(film, SECONDS))
    song.unlink()
    film.unlink()
    assert (glimpse.peaks(song, SECONDS), glimpse.filmstrip(film, SECONDS)) == made
    assert not [path for path in song.parent.iterdir() if path.name.endswith(".part")]


def test_what_cannot_be_read_gives_nothing(tmp_path: Path, film: Path) -> None:
    (tmp_path / "notes.mp3").write_text("no sound at all")
    assert glimpse.peaks(tmp_path / "notes.mp3", 3.0) == ()
    assert glimpse.filmstrip(tmp_path / "notes.mp3", 3.0) == b""
    assert glimpse.peaks(film, SECONDS) == ()
    assert glimpse.peaks(tmp_path / "gone.mp3", 3.0) == ()
