"""An engine at work for tests of meaning: things to upload, and the same job never made twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from client.jobs import Job, JobManager
from client.media import admit_file
from client.states import Succeeded
from tests.support.sounds import syllables, write_sound, write_video
from tests.support.videos import blocks, describe, frames
from workflows import manifest
from workflows.request import parse
from workflows.values import Media

WIDTH, HEIGHT, FRAMES, FPS = 256, 128, 25, 25
SOUND_RATE = 48000
BRIGHT, DARK = (255, 250, 230), (150, 140, 120)
GROUND = (30, 33, 40)
SECONDS_A_JOB = 900


def block_picture(path: Path, seed: int) -> None:
    """Flat colours side by side, easy to recognise in a decoded frame whatever the codec did."""
    colours = np.random.default_rng(seed).integers(0, 255, (HEIGHT // 32, WIDTH // 32, 3), np.uint8)
    Image.fromarray(colours.repeat(64, 0).repeat(64, 1)).save(path)


def disc(along: float) -> np.ndarray:
    """A bright chequered disc on a dark ground, from 0 at the upper left to 1 at the lower right."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    right, down = x - WIDTH * (0.12 + 0.76 * along), y - HEIGHT * (0.3 + 0.4 * along)
    inside = right**2 + down**2 < (HEIGHT / 3) ** 2
    light = (right // 6 + down // 6) % 2 == 0
    picture = np.full((HEIGHT, WIDTH, 3), GROUND, np.uint8)
    picture[inside & light], picture[inside & ~light] = BRIGHT, DARK
    return picture


def moving(count: int) -> list[np.ndarray]:
    """The disc on its way."""
    return [disc(number / (count - 1)) for number in range(count)]


def resting(count: int) -> list[np.ndarray]:
    """The disc half way, all the time."""
    return [disc(0.5)] * count


class Result:
    """A finished job and its video."""

    def __init__(self, job: Job, path: Path) -> None:
        self.job = job
        self.path = path

    @cached_property
    def frames(self) -> list[np.ndarray]:
        """All frames, height × width × 3 bytes each."""
        return frames(self.path)

    def differs_from(self, other: Result) -> bool:
        """Whether any pixel of any frame is another."""
        return any((one != two).any() for one, two in zip(self.frames, other.frames, strict=True))

    def describe(self) -> dict[str, object]:
        """Size, rate, frames, codec and the number of sound tracks."""
        return describe(self.path)


class Bench:
    """One engine, its uploads and what it has made so far."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.manager = JobManager(folder / "data", url)
        self._folder = folder
        self._made: dict[str, Result] = {}

    def media(self, kind: str, name: str, write: Callable[[Path], object]) -> Media:
        """A file made by `write`, examined and ready to be uploaded."""
        path = self._folder / name
        if not path.exists():
            write(path)
        return admit_file(kind, path, self.manager.uploads, name, 10)

    def picture(self, seed: int) -> Media:
        """A picture of flat blocks."""
        return self.media("image", f"blocks{seed}.png", lambda path: block_picture(path, seed))

    def sound(self, seconds: float, channels: int = 2, suffix: str = ".wav") -> Media:
        """A recording; `samples` tells what is in it."""
        name = f"sound{seconds}x{channels}{suffix}"
        return self.media("audio", name, lambda path: write_sound(path, self.samples(seconds, channels), SOUND_RATE))

    @staticmethod
    def samples(seconds: float, channels: int = 2) -> np.ndarray:
        """What `sound` and the source videos hold: (channels, samples)."""
        return syllables(seconds, SOUND_RATE, channels, seed=4)

    def source(self, drawn: Callable[[int], list[np.ndarray]] = moving, count: int = 33) -> Media:
        """A source video with sound."""
        sound = self.samples(count / FPS)
        return self.media(
            "video", f"{drawn.__name__}{count}.mp4", lambda path: write_video(path, drawn(count), FPS, sound=sound)
        )

    def values(self, mode: str, preset: str, **changes: Any) -> dict[str, Any]:
        """A small request of the mode, with the changes."""
        fields = {field.name for field in manifest.mode(mode).fields}
        small = {
            "prompt": "a lighthouse in a storm",
            "width": WIDTH,
            "height": HEIGHT,
            "seconds": FRAMES / FPS,
            "fps": FPS,
            "seed": 3,
            "image": self.picture(5),
            "style_image": self.picture(5),
            "first_frame": self.picture(5),
            "last_frame": self.picture(6),
            "audio": self.sound(3.0),
            "video": self.source(),
        }
        return {**{name: value for name, value in small.items() if name in fields}, "preset": preset, **changes}

    def run(self, mode: str, preset: str, **changes: Any) -> Result:
        """The video of such a request, made once."""
        values = self.values(mode, preset, **changes)
        key = repr((mode, sorted(values.items())))
        if key not in self._made:
            self._made[key] = self.make(mode, values)
        return self._made[key]

    def make(self, mode: str, values: Mapping[str, Any]) -> Result:
        """The video of a request, made now."""
        job = self.manager.submit(parse(mode, values), "bench")
        self.manager.wait(job.id, SECONDS_A_JOB)
        ended = self.manager.get(job.id)
        assert ended is not None
        assert isinstance(ended.state, Succeeded), ended.state
        return Result(ended, self.manager.folder / ended.state.outputs[0].name)


def seen(media: Media) -> np.ndarray:
    """The block colours of a picture as they are after it has been fitted to the size of the bench's videos."""
    return blocks(np.asarray(Image.open(media.path).convert("RGB").resize((WIDTH, HEIGHT))))


def movement(one: list[np.ndarray], other: list[np.ndarray], size: int) -> np.ndarray:
    """Where and when two videos differ: moments × rows × columns of blocks of `size` pixels, less its mean over time.

    A moment is the eight frames of one latent.
    """
    apart = np.stack([np.abs(blocks(a, size) - blocks(b, size)).mean(-1) for a, b in zip(one, other, strict=False)])
    moments = np.stack([apart[first : first + 8].mean(0) for first in range(1, len(apart) - 7, 8)])
    return moments - moments.mean(0)
