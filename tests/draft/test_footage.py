"""The draft engine's video input: frames, rate and sound of files as they are, decoded only where somebody looks."""

from __future__ import annotations

import gc
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from bootstrap.draft.nodes.registry import NODES
from bootstrap.draft.render import footage
from bootstrap.draft.render.media import Solid, Sound
from tests.support.nodes import NodeContext, output_file
from tests.support.sounds import alike, sound_of, syllables, write_sound, write_video
from tests.support.videos import describe
from tests.support.videos import frames as decoded_frames


def numbered(index: int, size: tuple[int, int] = (96, 64)) -> np.ndarray:
    """A picture that shows its number: eight squares, white for 1 and black for 0, over grey."""
    picture = np.full((size[1], size[0], 3), 110, np.uint8)
    for bit in range(8):
        picture[16:48, 8 + 10 * bit : 16 + 10 * bit] = 235 if index >> bit & 1 else 20
    return picture


def number_of(picture: np.ndarray) -> int:
    return sum(1 << bit for bit in range(8) if picture[24:40, 10 + 10 * bit : 14 + 10 * bit].mean() > 128)


def source(context: NodeContext, count: int = 60, fps: Any = 24, name: str = "clip.mp4", **more: Any) -> str:
    write_video(context.folders["input"] / name, (numbered(index) for index in range(count)), fps, **more)
    return name


def parts(context: NodeContext, name: str, start: float = 0.0, duration: float = 0.0, strict: bool = False) -> Any:
    """Frames, sound, rate and bit depth of a part of a file."""
    video = context.run("LoadVideo", file=name)
    cut = context.run("Video Slice", video=video, start_time=start, duration=duration, strict_duration=strict)
    return context.run("GetVideoComponents", video=cut)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("fps", [24, 25, Fraction(30000, 1001), 60, Fraction(24000, 1001)])
def test_a_file_gives_all_its_frames_at_its_rate(context: NodeContext, suffix: str, fps: Any) -> None:
    images, sound, rate, depth = parts(context, source(context, 30, fps, f"clip{suffix}"))
    assert (images.count, images.width, images.height, sound, depth) == (30, 96, 64, None, 8)
    assert [number_of(images.frame(index)) for index in range(30)] == list(range(30))
    assert rate == pytest.approx(float(fps), rel=1e-4)


def test_a_rate_is_kept_from_file_to_file(context: NodeContext) -> None:
    for fps in (25, Fraction(30000, 1001), 50):
        images, sound, rate, _ = parts(context, source(context, 30, fps, sound=syllables(1.0)))
        video = context.run("CreateVideo", images=images, audio=sound, fps=rate)
        path = output_file(
            context, context.result("SaveVideo", video=video, filename_prefix="o", format="mp4", codec="h264")
        )
        found = describe(path)
        assert (found["frames"], found["fps"]) == (30, pytest.approx(float(fps), abs=1e-3))
        length = round(min(1.0, 30 / float(fps)) * 48000)
        assert alike(sound_of(path)[:, :length], syllables(1.0)) > 0.95


@pytest.mark.parametrize(
    ("start", "duration", "first", "count"),
    [
        (0.0, 1.0, 0, 24),
        (1.0, 0.5, 24, 12),
        (2.0, 9.0, 48, 12),
        (-0.5, 0.0, 48, 12),
        (0.51, 0.25, 13, 5),
        (0.0, 0.0, 0, 60),
    ],
)
def test_a_slice_has_the_frames_and_the_sound_of_its_time(
    context: NodeContext, start: float, duration: float, first: int, count: int
) -> None:
    given = syllables(2.5, seed=2)
    images, sound, _, _ = parts(context, source(context, sound=given), start, duration)
    assert images.count == pytest.approx(count, abs=1)
    assert [number_of(images.frame(index)) for index in range(images.count)] == list(range(first, first + images.count))
    begin = start if start >= 0 else 2.5 + start
    assert sound.seconds == pytest.approx(min(duration or 9, 2.5 - begin), abs=0.03)
    assert alike(sound.samples, given[:, round(begin * 48000) :]) > 0.95


def test_a_slice_of_a_slice_counts_from_its_start(context: NodeContext) -> None:
    video = context.run("LoadVideo", file=source(context))
    for start in (1.0, 0.5):
        video = context.run("Video Slice", video=video, start_time=start, duration=0.5, strict_duration=False)
    images = context.run("GetVideoComponents", video=video)[0]
    assert [number_of(images.frame(index)) for index in (0, 11)] == [36, 47]


def test_a_strict_slice_is_as_long_as_asked_or_refused(context: NodeContext) -> None:
    name = source(context)
    assert parts(context, name, 1.0, 1.0, strict=True)[0].count == 24
    with pytest.raises(ValueError, match=r"2\.50 s has no 2 s from 1 s on"):
        parts(context, name, 1.0, 2.0, strict=True)


def test_a_slice_past_the_end_has_no_picture(context: NodeContext) -> None:
    with pytest.raises(ValueError, match=r"clip\.mp4 has no picture from second 9 on\."):
        parts(context, source(context), 9.0, 1.0)


def test_a_made_video_is_sliced_and_taken_apart_too(context: NodeContext) -> None:
    sound = Sound(syllables(2.0), 48000)
    video = context.run("CreateVideo", images=Solid(48, 64, 32, (1, 2, 3)), audio=sound, fps=24.0, bit_depth=10)
    cut = context.run("Video Slice", video=video, start_time=0.5, duration=1.0, strict_duration=False)
    images, heard, rate, depth = context.run("GetVideoComponents", video=cut)
    assert (images.count, rate, depth) == (24, 24.0, 10)
    assert np.array_equal(heard.samples, sound.samples[:, 24000:72000])
    with pytest.raises(ValueError, match="no 3 s"):
        context.run("Video Slice", video=video, start_time=0.5, duration=3.0, strict_duration=False)


def test_a_loaded_video_can_be_saved_as_it_is(context: NodeContext) -> None:
    video = context.run("LoadVideo", file=source(context, 20, sound=syllables(0.8)))
    saved = context.result("SaveVideo", video=video, filename_prefix="o", format="mp4", codec="h264")
    shown = decoded_frames(output_file(context, saved))
    assert [number_of(picture) for picture in shown] == list(range(20))


def test_frames_are_picked_from_a_batch(context: NodeContext) -> None:
    images = parts(context, source(context))[0]
    for index, length, first, count in ((0, 49, 0, 49), (7, 1, 7, 1), (-1, 5, 59, 1), (55, 20, 55, 5), (99, 2, 59, 1)):
        picked = context.run("ImageFromBatch", image=images, batch_index=index, length=length)
        assert (picked.count, number_of(picked.frame(0))) == (count, first)


def test_frames_are_the_same_in_any_order_and_from_any_thread(context: NodeContext) -> None:
    name = source(context, 60)
    ordered = [np.array(parts(context, name)[0].frame(index)) for index in range(60)]
    images = parts(context, name)[0]
    shuffled = [int(index) for index in np.random.default_rng(0).permutation(60)]
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(images.frame, shuffled))
    assert all(np.array_equal(ordered[index], picture) for index, picture in zip(shuffled, again, strict=True))


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_video_is_shown_upright(context: NodeContext, rotation: int) -> None:
    path = context.folders["input"] / "plain.mp4"
    picture = np.full((64, 96, 3), 40, np.uint8)
    picture[:20, :30] = 230
    write_video(path, [picture] * 5)
    turned = context.folders["input"] / "turned.mp4"
    turned.write_bytes(_with_rotation(path.read_bytes(), rotation))
    images = parts(context, "turned.mp4")[0]
    with av.open(str(turned)) as container:
        frame = next(container.decode(video=0))
        assert frame.rotation % 360 in {rotation, 360 - rotation}
        wanted = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
    assert images.frame(0).shape == ((96, 64, 3) if rotation != 180 else (64, 96, 3))
    assert np.array_equal(images.frame(0), wanted)


def _with_rotation(content: bytes, degrees: int) -> bytes:
    """The MP4 with a display matrix in its track header."""
    matrices = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    a, b, c, d = (value * 65536 for value in matrices[degrees])
    matrix = b"".join(int(v).to_bytes(4, "big", signed=True) for v in (a, b, 0, c, d, 0, 0, 0, 0x40000000))
    at = content.index(b"tkhd") + 4 + 40
    return content[:at] + matrix + content[at + 36 :]


# Files that are not as they should be


def test_a_file_that_is_no_video_is_refused_in_one_sentence(context: NodeContext) -> None:
    folder = context.folders["input"]
    write_sound(folder / "voice.wav", syllables(0.5), 48000)
    (folder / "text.mp4").write_bytes(b"no video " * 99)
    (folder / "empty.mp4").touch()
    whole = source(context)
    (folder / "cut.mp4").write_bytes((folder / whole).read_bytes()[:2000])
    for name, reason in (
        ("voice.wav", "has no picture"),
        ("text.mp4", "can't be read as a video"),
        ("empty.mp4", "can't be read as a video"),
        ("cut.mp4", "can't be read as a video"),
    ):
        with pytest.raises(ValueError, match=f"{name} {reason}") as caught:
            parts(context, name)
        assert str(caught.value).endswith(".")
        assert str(context.base) not in str(caught.value)


def test_a_video_that_breaks_off_has_the_frames_before_it(context: NodeContext) -> None:
    name = source(context, 120, name="whole.mkv")
    content = (context.folders["input"] / name).read_bytes()
    (context.folders["input"] / "broken.mkv").write_bytes(content[: len(content) // 2])
    images, _, rate, _ = parts(context, "broken.mkv")
    assert 20 < images.count < 110
    assert rate == pytest.approx(24)
    assert [number_of(images.frame(index)) for index in range(images.count - 2)] == list(range(images.count - 2))
    assert images.frame(images.count - 1).shape == (64, 96, 3)


def test_a_damaged_frame_is_bridged(context: NodeContext) -> None:
    name = source(context, 48, name="whole.mkv")
    path = context.folders["input"] / name
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        at, size = packets[20].pos, packets[20].size
    content[at + 8 : at + 8 + size - 10] = b"\xff" * (size - 10)
    (context.folders["input"] / "hurt.mkv").write_bytes(bytes(content))
    images = parts(context, "hurt.mkv")[0]
    assert images.count >= 40
    shown = [images.frame(index) for index in range(images.count)]
    assert all(picture.shape == (64, 96, 3) for picture in shown)
    assert number_of(shown[0]) == 0
    assert number_of(shown[-1]) == 47


# Time and memory


def bytes_read() -> int:
    """How much this process has read from files so far."""
    facts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(facts["rchar"])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="Linux counts what a process reads")
def test_a_slice_of_a_long_video_is_sought_and_not_read_from_the_start(context: NodeContext) -> None:
    rng = np.random.default_rng(0)
    snow = (numbered(index) // 2 + rng.integers(0, 120, (64, 96, 3), np.uint8) for index in range(1200))
    write_video(context.folders["input"] / "long.mp4", snow, gop=24)
    size = (context.folders["input"] / "long.mp4").stat().st_size
    before = bytes_read()
    images = parts(context, "long.mp4", 45.0, 0.5)[0]
    assert images.count == 12
    shown = {number_of(images.frame(index)) - index for index in (6, 2, 11)}
    assert shown == {45 * 24 % 256}
    assert bytes_read() - before < 0.2 * size


def test_a_long_video_takes_no_more_memory_than_a_few_frames(context: NodeContext) -> None:
    picture = np.asarray(Image.linear_gradient("L").resize((640, 384)).convert("RGB"))
    write_video(context.folders["input"] / "long.mp4", (np.roll(picture, index, 1) for index in range(200)))
    images = parts(context, "long.mp4")[0]
    gc.collect()
    tracemalloc.start()
    try:
        for index in range(200):
            images.frame(index)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 2 * footage.KEPT_BYTES < 200 * 640 * 384 * 3
    assert peak < 1.2 * footage.KEPT_BYTES


def test_a_replaced_file_is_read_again(context: NodeContext) -> None:
    fingerprint, check = NODES["LoadVideo"].fingerprint, NODES["LoadVideo"].check
    assert fingerprint is not None
    assert check is not None
    name = source(context, 10)
    first = fingerprint(context.folders, {"file": name})
    assert fingerprint(context.folders, {"file": name}) == first
    source(context, 12)
    assert fingerprint(context.folders, {"file": name}) != first
    assert check(context.folders, {"file": name}) is None
    assert check(context.folders, {"file": "none.mp4"}) == ("file", "Invalid video file: none.mp4")
