"""Video files as frames and sound, decoded where somebody looks and no farther."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from pathlib import Path
from threading import Lock

import av
import numpy as np
from PIL import Image

from bootstrap.draft.render.media import Clip, Part, Pixels
from bootstrap.draft.render.sounds import cut, read_sound, reason

KEPT_BYTES = 64 * 2**20
FEWEST_KEPT = 8
"""Decoded frames that are kept: threads that render ask for them a little out of order."""

CONVERTED_BEFORE = 4
"""Of the frames decoded on the way to the one wanted, so many before it are kept too."""


@dataclass(frozen=True)
class VideoFile:
    """A video in a file, from `start` (negative: from its end) for `duration` (0: to the end), both in seconds."""

    path: Path
    name: str
    start: float = 0.0
    duration: float = 0.0

    def clip(self) -> Clip:
        """Its frames, rate, sound and bit depth.

        Raises ValueError, with the file's name in its sentence, for one that can't be read or has no picture there.
        """
        start = max(0.0, self._length() + self.start) if self.start < 0 else self.start
        with _opened(self.path, self.name) as container:
            stream = container.streams.video[0]
            rate = Fraction(stream.average_rate or 1)
            components = stream.format.components if stream.format else ()
            depth = max((component.bits for component in components), default=8)
            window = _window(container, stream, start, self.duration)
        if not window.stamps:
            raise ValueError(f"{self.name} has no picture from second {start:g} on.")
        frames = Footage(self.path, self.name, window)
        sound = read_sound(self.path, self.name, -1, start, self.duration)
        return Clip(frames, rate, sound, 10 if depth >= 10 else 8)

    def sliced(self, start: float, duration: float, strict: bool) -> VideoFile | None:
        """A part of it; None where it is too short for a `strict` duration."""
        part = replace(self, start=start + self.start, duration=duration)
        return None if strict and part.seconds < duration else part

    @property
    def seconds(self) -> float:
        """How long it lasts, as the file says."""
        length = self._length()
        left = min(length, -self.start) if self.start < 0 else length - self.start
        return min(self.duration, left) if self.duration else left

    def _length(self) -> float:
        with _opened(self.path, self.name) as container:
            if container.duration is not None:
                return float(container.duration / av.time_base)
            stream = container.streams.video[0]
            return len(_window(container, stream, 0.0, 0.0).stamps) / float(stream.average_rate or 1)


def sliced(clip: Clip, start: float, duration: float) -> Clip | None:
    """A part of a clip that lies in no file, in seconds (`duration` 0: to the end); None where it is too short."""
    seconds = clip.frames.count / float(clip.rate)
    start = max(0.0, seconds + start) if start < 0 else start
    if seconds < start + duration:
        return None
    first = min(clip.frames.count - 1, ceil(start * clip.rate))
    end = ceil((start + duration) * clip.rate) if duration else clip.frames.count
    sound = clip.sound
    if sound is not None:
        until = round((start + duration) * sound.rate) if duration else sound.samples.shape[1]
        sound = cut(sound, round(start * sound.rate), until)
    return replace(clip, frames=Part(clip.frames, first, max(1, end - first)), sound=sound)


def video_file(path: Path, name: str) -> VideoFile:
    """A whole file. Raises ValueError for one that is no video."""
    with _opened(path, name):
        return VideoFile(path, name)


@dataclass(frozen=True)
class _Window:
    """Presentation times of frames, sorted, and of the key frames to start decoding from, in the stream's unit."""

    stamps: tuple[int, ...]
    keys: tuple[int, ...]


class Footage:
    """The frames of a window of a video file. Safe to use from several threads."""

    def __init__(self, path: Path, name: str, window: _Window) -> None:
        self._path = path
        self._name = name
        self._window = window
        self._index = {stamp: index for index, stamp in enumerate(window.stamps)}
        self._lock = Lock()
        self._kept: OrderedDict[int, Pixels] = OrderedDict()
        self._container: av.container.InputContainer | None = None
        self._coming: Iterator[av.VideoFrame] = iter(())
        self._at: int | None = None
        self._last: av.VideoFrame | None = None
        self.count = len(window.stamps)
        self.height, self.width = (0, 0)
        self.height, self.width = self.frame(0).shape[:2]

    def frame(self, index: int) -> Pixels:
        """Frame `index`; where it is damaged, the one before it. Raises ValueError where there is none before it."""
        with self._lock:
            pixels = self._kept.get(index)
            if pixels is None:
                pixels = self._decoded(index)
            self._keep(index, pixels)
            return pixels

    def _keep(self, index: int, pixels: Pixels) -> None:
        self._kept[index] = pixels
        self._kept.move_to_end(index)
        while len(self._kept) > max(FEWEST_KEPT, KEPT_BYTES // pixels.nbytes):
            self._kept.popitem(last=False)

    def _decoded(self, index: int) -> Pixels:
        target = self._window.stamps[index]
        try:
            if self._is_behind(target) or not self._is_near(target):
                self._seek(target)
            found = self._reach(index, target)
            if found is None:
                # Some files can't be sought in, or not there.
                self._open()
                found = self._reach(index, target)
        except (av.FFmpegError, OSError) as error:
            raise ValueError(f"{self._name} can't be read: {reason(error)}.") from error
        if found is None:
            raise ValueError(f"{self._name} can't be decoded at frame {index}.")
        return found

    def _is_behind(self, target: int) -> bool:
        """Whether the decoder has gone past a frame, or not begun."""
        return self._at is None or self._at >= target

    def _is_near(self, target: int) -> bool:
        """Whether no key frame lies between the decoder and a frame: it would be quicker to begin there."""
        keys = self._window.keys
        return self._at is not None and bisect_right(keys, self._at) >= bisect_right(keys, target)

    def _seek(self, target: int) -> None:
        if self._container is None:
            self._open()
        container = self._container
        assert container is not None
        stream = container.streams.video[0]
        container.seek(target, stream=stream)
        self._start(container, stream)

    def _open(self) -> None:
        self._container = _opened(self._path, self._name)
        self._start(self._container, self._container.streams.video[0])

    def _start(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self._coming, self._at, self._last = _frames(container, stream), None, None

    def _reach(self, index: int, target: int) -> Pixels | None:
        """Decode up to a frame; None where nothing at or before it can be decoded from here."""
        for frame in self._coming:
            stamp = _stamp(frame)
            if stamp is None:
                continue
            before, self._at = self._last, stamp
            self._last = frame
            if stamp == target:
                return self._pixels(frame)
            here = self._index.get(stamp)
            if stamp > target:
                if here is not None:
                    self._keep(here, self._pixels(frame))
                return None if before is None else self._pixels(before)
            if here is not None and index - here <= CONVERTED_BEFORE:
                self._keep(here, self._pixels(frame))
        return None if self._last is None else self._pixels(self._last)

    def _pixels(self, frame: av.VideoFrame) -> Pixels:
        pixels: Pixels = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
        if frame.rotation:
            pixels = np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))
        if self.width and pixels.shape[:2] != (self.height, self.width):
            pixels = np.asarray(Image.fromarray(pixels).resize((self.width, self.height)))
        return pixels


def _opened(path: Path, name: str) -> av.container.InputContainer:
    """The open file. Raises ValueError for one that is no video."""
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, UnicodeError) as error:
        raise ValueError(f"{name} can't be read as a video: {reason(error)}.") from error
    if container.streams.video:
        return container
    container.close()
    raise ValueError(f"{name} has no picture.")


def _window(container: av.container.InputContainer, stream: av.VideoStream, start: float, duration: float) -> _Window:
    """Which frames lie in a part of a video, without decoding them; the file is read from the key frame before it."""
    unit = stream.time_base or Fraction(1, 1)
    first, end = int(start / unit), int((start + duration) / unit)
    if first:
        container.seek(first, stream=stream)
    stamps, keys = set(), set()
    try:
        for packet in container.demux(stream):
            stamp = _stamp(packet)
            if stamp is None or not packet.size:
                continue
            if packet.is_keyframe:
                keys.add(stamp)
            if stamp >= first and not packet.is_discard and (not duration or stamp < end):
                stamps.add(stamp)
            if duration and packet.dts is not None and packet.dts >= end:
                break
    except av.FFmpegError:
        # Cut off here: what came before it is there.
        pass
    return _Window(tuple(sorted(stamps)), tuple(sorted(keys)))


def _frames(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
    """The frames from where the file stands, those that can't be decoded left out."""
    for packet in container.demux(stream):
        try:
            decoded = packet.decode()
        except av.InvalidDataError:
            continue
        yield from decoded


def _stamp(thing: av.VideoFrame | av.Packet[av.VideoStream]) -> int | None:
    return thing.dts if thing.pts is None else thing.pts
