"""Sound from files, cut, put to another rate, and how loud it is over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from bootstrap.draft.render.media import Sound

WINDOW = 0.01
"""Seconds over which loudness is measured."""

LOUD_SHARE = 95
"""The percentile of the loudness that counts as loud."""

FAINTEST = 0.01
"""What is never louder than this is not raised to loud: it would be hiss."""


def read_sound(path: Path, name: str, track: int = 0, start: float = 0.0, seconds: float = 0.0) -> Sound | None:
    """A sound track of an audio or video file, from `start` for `seconds` (0: to the end); None without any sound.

    `track` counts as list indices do. Channels and rate are the file's. Raises ValueError, with `name` in its
    sentence, for a file that can't be read to the end.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                return None
            blocks = list(_blocks(container, container.streams.audio[track], start, seconds))
            rate = container.streams.audio[track].codec_context.sample_rate
    except (av.FFmpegError, UnicodeError) as error:
        raise ValueError(f"The sound of {name} can't be read: {reason(error)}.") from error
    if not blocks:
        return None
    samples = np.concatenate(blocks, 1)
    return Sound(samples[:, : int(seconds * rate)] if seconds else samples, rate)


def reason(error: Exception) -> str:
    """FFmpeg's reason without the path of the file."""
    return str(getattr(error, "strerror", None) or error).rstrip(".")


def _blocks(
    container: av.container.InputContainer, stream: av.AudioStream, start: float, seconds: float
) -> Iterator[NDArray[np.float32]]:
    """Float samples (channels, n) of a track from `start` on, until at least `seconds` are there."""
    if start and stream.time_base:
        container.seek(int(start / stream.time_base), stream=stream)
    resampler = av.AudioResampler(format="fltp")
    rate = stream.codec_context.sample_rate
    skip: int | None = None if start else 0
    found = 0
    for frame in container.decode(stream):
        if skip is None:
            skip = max(0, round((start - (frame.time or 0.0)) * rate))
        for even in resampler.resample(frame):
            block = even.to_ndarray().astype(np.float32, copy=False)
            if skip >= block.shape[1]:
                skip -= block.shape[1]
                continue
            yield block[:, skip:]
            found += block.shape[1] - skip
            skip = 0
        if seconds and found >= seconds * rate:
            return


def cut(sound: Sound, start: int, end: int) -> Sound:
    """The samples `start` to `end`, `end` excluded."""
    return Sound(sound.samples[:, start:end], sound.rate)


def stereo(sound: Sound, rate: int) -> Sound:
    """The first two channels at another rate; one channel becomes both."""
    samples = sound.samples[:2] if sound.samples.shape[0] > 1 else np.repeat(sound.samples, 2, 0)
    if sound.rate == rate or not samples.shape[1]:
        return Sound(np.ascontiguousarray(samples, np.float32), rate)
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32), format="fltp", layout="stereo")
    frame.sample_rate = sound.rate
    made = [part.to_ndarray() for part in [*resampler.resample(frame), *resampler.resample(None)]]
    joined = np.concatenate([*made, np.zeros((2, 0), np.float32)], 1)
    length = round(samples.shape[1] * rate / sound.rate)
    return Sound(np.pad(joined, ((0, 0), (0, max(0, length - joined.shape[1]))))[:, :length], rate)


@dataclass(frozen=True, eq=False)
class Levels:
    """How loud a sound is in each `WINDOW`, 1 being its loud parts."""

    values: NDArray[np.float32]

    def at(self, start: float, seconds: float) -> float:
        """How loud it is (0..1) in the `seconds` from `start`; 0 after its end."""
        first = max(0, int(start / WINDOW))
        count = max(1, round(seconds / WINDOW))
        heard = self.values[first : first + count]
        return float(min(1.0, np.sqrt(np.square(heard).sum() / count)))

    def followed(self, kept: tuple[float, ...]) -> Levels:
        """The levels of what is left where only a share of it was kept."""
        return Levels((self.values * spread(kept, len(self.values))).astype(np.float32))


def levels(sound: Sound) -> Levels:
    """Measure a sound."""
    size = max(1, round(sound.rate * WINDOW))
    count = -(-sound.samples.shape[1] // size)
    power = np.zeros(count * size, np.float32)
    for channel in sound.samples:
        power[: channel.shape[0]] += np.square(channel) / sound.samples.shape[0]
    loudness = np.sqrt(power.reshape(count, size).mean(1))
    loud = float(np.percentile(loudness, LOUD_SHARE)) if count else 0.0
    return Levels((loudness / max(loud, FAINTEST)).astype(np.float32))


def spread(shares: tuple[float, ...], count: int) -> NDArray[np.float64]:
    """Shares along a sound as `count` values."""
    return np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(shares)), shares)


@dataclass(frozen=True, eq=False)
class Recording:
    """A sound that was given: as encoded, 48 kHz stereo, and how loud it was as it came.

    `kept` is how much of it sampling has left (0..1) along its length.
    """

    sound: Sound
    loudness: Levels
    kept: tuple[float, ...] = (1.0,)

    @cached_property
    def levels(self) -> Levels:
        """How loud what is left of it is."""
        return self.loudness.followed(self.kept)

    def sampled(self, mask: tuple[float, ...], start: float) -> Recording | None:
        """What is left after a sampling from sigma `start` that may change it by `mask`; None where that is nothing."""
        count = max(len(mask), len(self.kept))
        kept = spread(self.kept, count) * (1 - spread(mask, count) * min(1.0, max(0.0, start)))
        return replace(self, kept=tuple(float(share) for share in kept)) if kept.any() else None


def mixed(made: Sound, given: Recording) -> Sound:
    """`made` where sampling has replaced the given sound, and the given sound where it has not; as long as `made`."""
    count = made.samples.shape[1]
    kept = given.sound.samples[:, :count]
    kept = np.pad(kept, ((0, 0), (0, count - kept.shape[1])))
    share = spread(given.kept, count).astype(np.float32)
    return Sound(kept * share + made.samples * (1 - share), made.rate)
