"""The sound of a draft: a quiet bed of wind, sea, rain or rooms, and a soft chord for the mood."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bootstrap.draft.render.media import Sound
from bootstrap.draft.render.noise import Field, dice, smoothstep
from bootstrap.draft.render.take import SoundTake
from bootstrap.draft.render.vocabulary import find, section

RATE = 48000
LOOP_SECONDS = 24.0
"""Beds longer than this repeat, faded into themselves."""

FADE_IN, FADE_OUT = 0.35, 0.7
LOUDEST = 0.30
"""Peak of the mix."""

CHORDS = {"bright": (0, 7, 14, 16, 21), "dark": (0, 7, 12, 15, 22), "open": (0, 7, 12, 14, 19)}
"""Semitones above the root: major with a ninth and sixth, minor with a seventh, neither."""

MOODS = {
    "bright": ("dawn", "day", "golden", "spring", "autumn", "sunset", "forest", "interior"),
    "dark": ("night", "storm", "neon", "fire", "space", "dusk", "winter", "deep"),
}

Samples = Field


def silence(seconds: float) -> Sound:
    """Stereo silence."""
    return Sound(np.zeros((2, round(seconds * RATE)), np.float32), RATE)


def ambience(take: SoundTake, seconds: float) -> Sound:
    """48 kHz stereo for a take: what its words sound like, a chord in its mood, faded in and out."""
    total = round(seconds * RATE)
    if total == 0:
        return silence(0)
    n = min(total, round(LOOP_SECONDS * RATE))
    mix: Samples = np.zeros((2, n), np.float32)
    for name in _sounds(take):
        mix += BEDS[name](dice(take.detail, "bed", name), n)
    mix += _chord(take, n)
    mix *= LOUDEST / max(LOUDEST, float(np.abs(mix).max()))
    return Sound(_faded(_looped(mix, total)).astype(np.float32, copy=False), RATE)


def _sounds(take: SoundTake) -> list[str]:
    """The beds that a prompt asks for: its weather first, then its place; at most two."""
    prompt, negative = take.recipe.prompt, take.recipe.negative
    found = [section("weather")[name].get("sound") for name in find("weather", prompt, negative)]
    places = find("place", prompt, negative)
    found.append(section("place")[places[0]].get("sound") if places else "wind")
    return list(dict.fromkeys(name for name in found if name))[:2]


def _chord(take: SoundTake, n: int) -> Samples:
    """Five soft voices that come and go, a little apart left and right."""
    rng = dice(take.detail, "chord")
    lights = find("light", take.recipe.prompt, take.recipe.negative)
    mood = next((mood for mood, names in MOODS.items() if lights and lights[0] in names), "open")
    root = 110 * 2 ** (int(rng.integers(-3, 5)) / 12)
    time = np.arange(n, dtype=np.float64) / RATE
    mix = np.zeros((2, n), np.float32)
    for voice, step in enumerate(CHORDS[mood]):
        pitch = root * 2 ** (step / 12)
        breath = 0.55 + 0.45 * np.sin(2 * np.pi * (0.05 + 0.05 * rng.random()) * time + 2 * np.pi * rng.random())
        level = 0.016 / (1 + 0.35 * voice) * breath
        for side in (0, 1):
            tuned = 2 * np.pi * pitch * (1 + (side - 0.5) * 0.0016) * time + 2 * np.pi * rng.random()
            mix[side] += (level * (np.sin(tuned) + 0.28 * np.sin(2 * tuned) + 0.08 * np.sin(3 * tuned))).astype(
                np.float32
            )
    return mix


def _noise(rng: np.random.Generator, n: int, shape: Callable[[Field], Field]) -> Samples:
    """Stereo noise whose spectrum follows `shape` of the frequency in Hz, about 1 loud."""
    spectrum = np.fft.rfft(rng.standard_normal((2, n)).astype(np.float32))
    frequency = np.fft.rfftfreq(n, 1 / RATE).astype(np.float32)
    sound = np.fft.irfft(spectrum * shape(np.maximum(frequency, 1)), n)
    even: Samples = (sound / (sound.std() + 1e-9)).astype(np.float32)
    return even


def _band(low: float, high: float, tilt: float) -> Callable[[Field], Field]:
    """A band from `low` to `high` Hz that falls by `tilt` as a power of the frequency."""
    return lambda f: f**-tilt / np.sqrt((1 + (low / f) ** 4) * (1 + (f / high) ** 4))


def _swell(rng: np.random.Generator, n: int, period: float, depth: float) -> Samples:
    """A slow rise and fall around 1, about every `period` seconds."""
    knots = max(4, int(n / RATE / period * 2) + 3)
    levels = rng.uniform(1 - depth, 1 + depth, knots)
    t = np.linspace(0, knots - 1, n)
    index = np.minimum(t.astype(int), knots - 2)
    share = (1 - np.cos(np.pi * (t - index))) / 2
    swell: Samples = (levels[index] * (1 - share) + levels[index + 1] * share).astype(np.float32)
    return swell


def _wind(rng: np.random.Generator, n: int) -> Samples:
    low = _noise(rng, n, _band(60, 420, 0.7)) * _swell(rng, n, 2.6, 0.6)
    high = _noise(rng, n, _band(500, 1500, 0.6)) * _swell(rng, n, 1.7, 0.9)
    return 0.030 * low + 0.007 * high


def _sea(rng: np.random.Generator, n: int) -> Samples:
    time = np.arange(n, dtype=np.float32) / RATE
    phase = np.float32(2 * np.pi * rng.random())
    wave = (0.5 + 0.5 * np.sin(2 * np.pi * time / 5.6 + phase)) ** 2
    foam = (0.5 + 0.5 * np.sin(2 * np.pi * time / 5.6 + phase - 0.7)) ** 3
    surf = _noise(rng, n, _band(80, 900, 0.6)) * (0.4 + 0.9 * wave)
    return 0.030 * surf + 0.012 * _noise(rng, n, _band(1500, 7000, 0.5)) * foam


def _water(rng: np.random.Generator, n: int) -> Samples:
    return 0.014 * _noise(rng, n, _band(300, 2500, 0.4)) * _swell(rng, n, 0.5, 0.35) + 0.4 * _wind(rng, n)


def _rain(rng: np.random.Generator, n: int) -> Samples:
    drops = np.zeros((2, n), np.float32)
    for side in (0, 1):
        at = rng.integers(0, n, max(1, n // 900))
        np.add.at(drops[side], at, rng.exponential(1.0, len(at)).astype(np.float32))
    ring = np.exp(-np.arange(260) / 38) * np.sin(np.arange(260) * 0.55)
    drops = np.stack([np.convolve(side, ring, "same") for side in drops]).astype(np.float32)
    return 0.022 * _noise(rng, n, _band(900, 9000, 0.25)) + 0.016 * drops


def _leaves(rng: np.random.Generator, n: int) -> Samples:
    rustle = _noise(rng, n, _band(1200, 6500, 0.3)) * smoothstep(0.7, 1.6, _swell(rng, n, 0.9, 0.9))
    return 0.010 * rustle + 0.5 * _wind(rng, n)


def _city(rng: np.random.Generator, n: int) -> Samples:
    hum = _noise(rng, n, _band(40, 260, 0.9)) * _swell(rng, n, 3.5, 0.35)
    passing = _noise(rng, n, _band(200, 1400, 0.7)) * smoothstep(0.9, 1.8, _swell(rng, n, 2.2, 0.9))
    return 0.034 * hum + 0.014 * passing


def _room(rng: np.random.Generator, n: int) -> Samples:
    return 0.008 * _noise(rng, n, _band(70, 500, 0.9)) * _swell(rng, n, 4, 0.2)


def _fire(rng: np.random.Generator, n: int) -> Samples:
    crackle = np.zeros((2, n), np.float32)
    at = rng.integers(0, n, max(1, n // 5200))
    crackle[:, at] += rng.exponential(1.0, (2, len(at))).astype(np.float32)
    burst = (np.exp(-np.arange(420) / 60) * rng.standard_normal(420)).astype(np.float32)
    crackle = np.stack([np.convolve(side, burst, "same") for side in crackle]).astype(np.float32)
    return 0.020 * _noise(rng, n, _band(60, 380, 0.8)) * _swell(rng, n, 0.7, 0.5) + 0.022 * crackle


def _drone(rng: np.random.Generator, n: int) -> Samples:
    return 0.030 * _noise(rng, n, _band(30, 110, 0.6)) * _swell(rng, n, 5, 0.5)


def _deep(rng: np.random.Generator, n: int) -> Samples:
    return 0.036 * _noise(rng, n, _band(40, 240, 0.8)) * _swell(rng, n, 3, 0.5)


BEDS: dict[str, Callable[[np.random.Generator, int], Samples]] = {
    "wind": _wind,
    "sea": _sea,
    "water": _water,
    "rain": _rain,
    "leaves": _leaves,
    "city": _city,
    "room": _room,
    "fire": _fire,
    "drone": _drone,
    "deep": _deep,
}


def _looped(mix: Samples, total: int) -> Samples:
    """`mix` as long as `total` samples: repeated, each end faded into the next start."""
    n = mix.shape[1]
    if total <= n:
        return mix[:, :total]
    overlap = n // 8
    rise = np.sqrt(np.linspace(0, 1, overlap, dtype=np.float32))
    ring = mix[:, overlap:].copy()
    ring[:, -overlap:] = ring[:, -overlap:] * rise[::-1] + mix[:, :overlap] * rise
    head = mix[:, : min(overlap, total)]
    rounds = -(-(total - head.shape[1]) // ring.shape[1])
    return np.concatenate([head, np.tile(ring, rounds)], 1)[:, :total]


def _faded(mix: Samples) -> Samples:
    n = mix.shape[1]
    ramp = np.ones(n, np.float32)
    rise, fall = min(n, round(FADE_IN * RATE)), min(n, round(FADE_OUT * RATE))
    ramp[:rise] *= np.linspace(0, 1, rise, dtype=np.float32) ** 2
    ramp[n - fall :] *= np.linspace(1, 0, fall, dtype=np.float32) ** 2
    faded: Samples = mix * ramp
    return faded
