"""Sound and video are taken for what they hold, whatever they are called, and nothing else is opened on the way."""

import io
import wave

import numpy as np
import pytest

from client.examine import MAX_VIDEO_PIXELS
from client.media import CHUNK_BYTES, admit, admit_file
from tests.support import clips, scripted
from workflows import manifest
from workflows.errors import StudioError

CUT = 0.6


def refused(kind, data, folder, max_mb=100):
    with pytest.raises(StudioError) as caught:
        admit(kind, data, "named.mp4", folder, "Field", max_mb)
    assert list(folder.iterdir()) == []
    assert caught.value.message.startswith("Field: ")
    return caught.value.code


@pytest.mark.parametrize("layout", ["stereo", "mono"])
@pytest.mark.parametrize("kind", clips.SOUNDS)
def test_sound_is_kept_under_a_name_from_its_content(tmp_path, kind, layout):
    data = clips.sound(kind, 1.5, layout)
    media = admit("audio", data, "größe.exe", tmp_path, "Audio", 1)
    assert media.name.startswith("ltx-studio/")
    assert media.name.endswith(f".{kind}")
    assert media.seconds == pytest.approx(1.5, abs=0.05)
    assert (media.source, media.size, media.sound, media.fps) == ("größe.exe", len(data), True, 0)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [data]


def test_a_cover_picture_makes_no_video_of_a_sound(tmp_path):
    data = clips.with_cover()
    assert refused("video", data, tmp_path) == "file_not_video"
    assert admit("audio", data, "a.mp3", tmp_path, "Audio", 1).name.endswith(".mp3")


@pytest.mark.parametrize("kind", clips.VIDEOS)
def test_a_video_says_what_it_is(tmp_path, kind):
    media = admit("video", clips.video(kind, frames=36, fps=30), "clip.txt", tmp_path, "Video", 1)
    assert media.name.endswith(f".{kind}")
    assert (media.width, media.height, media.sound) == (64, 48, False)
    assert media.fps == pytest.approx(30)
    assert media.seconds == pytest.approx(1.2, abs=0.01)


def test_the_sound_track_of_a_video_is_sound(tmp_path):
    data = clips.video(frames=48, sound_seconds=1.0)
    heard = admit("audio", data, "a.mp4", tmp_path, "Audio", 1)
    assert heard.seconds == pytest.approx(1.0, abs=0.05)
    seen = admit("video", data, "a.mp4", tmp_path, "Video", 1)
    assert (seen.name, seen.sound) == (heard.name, True)
    assert seen.seconds == pytest.approx(2.0, abs=0.01)


def test_an_empty_sound_track_is_none(tmp_path):
    data = clips.video(sound_seconds=0.0)
    assert not admit("video", data, "a.mp4", tmp_path, "Video", 1).sound


@pytest.mark.parametrize("kind", ["mp4", "mov"])
def test_a_phones_rotation_is_applied_to_the_size(tmp_path, kind):
    media = admit("video", clips.turned(clips.video(kind)), "a.mov", tmp_path, "Video", 1)
    assert (media.width, media.height) == (48, 64)


def test_a_rate_that_varies_is_averaged(tmp_path):
    times = [0, 1, 2, 3, 8, 12, 16, 20]
    media = admit("video", clips.video(frames=8, fps=24, times=times), "a.mp4", tmp_path, "Video", 1)
    assert media.fps == pytest.approx(8 / media.seconds, rel=0.02)
    assert media.fps < 12


@pytest.mark.parametrize("named", ["PNG", "JPEG", "GIF", "WEBP", "AVIF", "TIFF", "BMP"])
@pytest.mark.parametrize("kind", ["audio", "video"])
def test_pictures_are_no_videos(tmp_path, kind, named):
    assert refused(kind, clips.picture(named), tmp_path) == f"file_not_{kind}"


@pytest.mark.parametrize(
    "data", [b"hello " * 500, bytes(100_000), bytes(range(256)) * 400, b"#!/bin/sh\n", b"\x00", b"%PDF-1.7\n" * 50]
)
@pytest.mark.parametrize("kind", ["audio", "video"])
def test_what_is_neither_sound_nor_video(tmp_path, kind, data):
    assert refused(kind, data, tmp_path) == f"file_not_{kind}"


@pytest.mark.parametrize("kind", clips.SOUNDS)
def test_sound_is_no_video(tmp_path, kind):
    assert refused("video", clips.sound(kind), tmp_path) == "file_not_video"


@pytest.mark.parametrize("kind", clips.VIDEOS)
def test_a_silent_video_has_no_sound_to_take(tmp_path, kind):
    assert refused("audio", clips.video(kind), tmp_path) == "video_without_sound"


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}/a.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{url}/a.mp4'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{url}/</BaseURL></MPD>',
    ],
)
@pytest.mark.parametrize("kind", ["audio", "video"])
def test_a_playlist_is_refused_and_nothing_it_names_is_opened(tmp_path, kind, playlist):
    with scripted.engine() as script:
        assert refused(kind, playlist.format(url=script.url).encode(), tmp_path) == f"file_not_{kind}"
        assert script.seen == []


def test_a_playlist_does_not_reach_files_beside_it(tmp_path):
    folder = tmp_path / "uploads"
    kept = admit("video", clips.video(), "a.mp4", folder, "Video", 1)
    script = f"ffconcat version 1.0\nfile '{kept.path}'\n".encode()
    with pytest.raises(StudioError) as caught:
        admit("video", script, "b.mp4", folder, "Video", 1)
    assert caught.value.code == "file_not_video"


@pytest.mark.parametrize("kind", ["wav", "flac", "m4a"])
def test_sound_that_breaks_off(tmp_path, kind):
    data = clips.sound(kind, 3.0)
    assert refused("audio", data[: int(len(data) * CUT)], tmp_path) == "file_cut_off"


@pytest.mark.parametrize(
    ("kind", "options"), [*((kind, {}) for kind in clips.VIDEOS), ("mp4", {"movflags": "faststart"})]
)
def test_a_video_that_breaks_off(tmp_path, kind, options):
    data = clips.video(kind, frames=48, **options)
    assert refused("video", data[: int(len(data) * CUT)], tmp_path) == "file_cut_off"


def test_an_mp3_that_breaks_off_is_as_long_as_what_is_left(tmp_path):
    data = clips.sound("mp3", 4.0)
    media = admit("audio", data[: len(data) // 2], "a.mp3", tmp_path, "Audio", 1)
    assert media.seconds == pytest.approx(2.0, abs=0.2)


def wav(rate, samples):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(rate)
        file.writeframes(bytes(samples))
    return buffer.getvalue()


def test_sound_without_a_sample(tmp_path):
    assert refused("audio", wav(8000, 0), tmp_path) in ("file_undecodable", "file_without_length")


def test_sound_of_five_hours(tmp_path):
    assert refused("audio", wav(100, 5 * 3600 * 100), tmp_path) == "file_too_long"


def test_a_video_whose_frames_are_rubbish(tmp_path):
    data = bytearray(clips.video(frames=1))
    begin = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[begin:end] = bytes([0xA5]) * (end - begin)
    assert refused("video", bytes(data), tmp_path) == "file_undecodable"


def test_frames_of_absurd_size(tmp_path):
    width, height = 8192, 4608
    assert width * height > MAX_VIDEO_PIXELS
    data = clips.mjpeg(width, height)
    assert refused("video", data, tmp_path) == "video_too_large"


def test_empty_and_too_large_files(tmp_path):
    assert refused("video", b"", tmp_path) == "file_empty"
    assert refused("audio", bytes(1_000_001), tmp_path, max_mb=1) == "file_too_large"


class Pieces(io.BytesIO):
    """An open file that remembers how much was asked of it at once."""

    def __init__(self, data):
        super().__init__(data)
        self.asked = []

    def read(self, size=-1):
        self.asked.append(size)
        return super().read(size)


def test_an_open_file_is_read_in_pieces_from_its_beginning(tmp_path):
    data = wav(44100, 3 * CHUNK_BYTES)
    file = Pieces(data)
    file.seek(500)
    media = admit("audio", file, "a.wav", tmp_path, "Audio", 10)
    assert not file.closed
    assert set(file.asked) == {CHUNK_BYTES}
    assert media.size == len(data)
    assert media.name == admit("audio", data, "b.wav", tmp_path, "Audio", 10).name


@pytest.mark.parametrize(("name", "data"), [("audio", clips.sound("ogg")), ("video", clips.video("webm")),
                                            ("image", clips.picture())])  # fmt: skip
def test_a_file_on_disk_for_a_field_of_a_manifest(tmp_path, name, data):
    source = tmp_path / "in.bin"
    source.write_bytes(data)
    field = manifest.fields()[name]
    media = admit_file(field, source, tmp_path / "uploads", field.title, 1)
    assert media.source == "in.bin"
    assert media == admit(name, data, "in.bin", tmp_path / "uploads", field.title, 1)


def test_a_folder_that_looks_like_a_protocol(tmp_path):
    folder = tmp_path / "http:"
    assert admit("video", clips.video(), "a.mp4", folder, "Video", 1).width == 64


def test_a_folder_that_can_not_be_written(tmp_path):
    (tmp_path / "uploads").write_bytes(b"a file")
    with pytest.raises(StudioError) as caught:
        admit("audio", clips.sound(), "a.wav", tmp_path / "uploads", "Audio", 1)
    assert caught.value.code == "upload_not_kept"


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_a_damaged_file_is_taken_or_refused_with_a_code(tmp_path, kind):
    whole, chance = clips.video(kind, sound_seconds=0.5), np.random.default_rng(3)
    for _ in range(40):
        data = bytearray(whole)
        for place in chance.integers(0, len(data), 20):
            data[place] = chance.integers(0, 256)
        try:
            seconds = admit("video", bytes(data), "a", tmp_path, "Video", 10).seconds
        except StudioError:
            continue
        assert seconds > 0
