"""Voices and music made from nothing but sines and noise; mono, float samples in -1..1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 32000
Samples = NDArray[np.float64]
PITCH_TOP = 7000.0

VOWELS: dict[str, tuple[float, float, float]] = {
    "a": (760, 1250, 2600),
    "ae": (680, 1700, 2500),
    "e": (540, 1840, 2550),
    "i": (300, 2250, 3000),
    "o": (500, 900, 2500),
    "u": (330, 900, 2300),
    "er": (490, 1350, 1700),
    "uh": (600, 1180, 2400),
    "m": (260, 1000, 2200),
    "n": (270, 1500, 2400),
    "l": (360, 1150, 2700),
    "w": (310, 700, 2200),
    "r": (340, 1150, 1600),
}
"""The first three resonances of a mouth in Hz, of vowels and of what is voiced like them."""
MUTED = {"m": 0.45, "n": 0.45, "l": 0.7, "w": 0.6, "r": 0.6}
HISSES: dict[str, tuple[float, float, float]] = {
    "s": (4500, 9000, 0.16),
    "sh": (2200, 6000, 0.16),
    "f": (1500, 9000, 0.07),
    "h": (600, 3500, 0.05),
    "t": (3000, 8000, 0.22),
    "k": (1500, 4000, 0.22),
    "p": (500, 2500, 0.2),
    "d": (2500, 6000, 0.12),
    "g": (1300, 3000, 0.12),
    "v": (1000, 6000, 0.04),
}
"""Noise between two frequencies in Hz, and how loud."""


@dataclass(frozen=True)
class Voice:
    """A speaker: the pitch in Hz, and how much shorter (above 1) than a man's the mouth is."""

    pitch: float
    mouth: float


def said(text: str, voice: Voice, seed: int) -> Samples:
    """Syllables spoken: "g-u-d i-v-n-i-ng" as sounds joined by hyphens, words by blanks, pauses as commas."""
    rng = np.random.default_rng(seed)
    words = text.replace(",", " , ").split()
    tracks: list[tuple[str, float, float]] = []
    count = max(1, sum(word != "," for word in words))
    spoken = 0
    for word in words:
        if word == ",":
            tracks.append(("", 0.32, 1.0))
            continue
        # The pitch falls over a sentence and rises a little within each word.
        fall = 1.12 - 0.3 * spoken / count
        spoken += 1
        for place, sound in enumerate(word.split("-")):
            length = (0.135 if sound in VOWELS and sound not in MUTED else 0.075) * rng.uniform(0.9, 1.25)
            tracks.append((sound, length, fall * (1.06 if place == 1 else 1.0)))
        tracks.append(("", 0.045, fall))
    return _spoken(tracks, voice, rng)


def sung(notes: str, voice: Voice, seed: int) -> Samples:
    """Notes sung: "la:C4:2" as a syllable, a pitch and a length in beats; 96 beats a minute."""
    beat = 60 / 96
    parts = []
    for note in notes.split():
        syllable, pitch, beats = note.split(":")
        ratio = frequency(pitch) / voice.pitch
        sounds = [("l", 0.09, ratio), ("a" if syllable == "la" else "u", float(beats) * beat - 0.13, ratio)]
        parts += [*sounds, ("", 0.04, ratio)]
    return _spoken(parts, voice, np.random.default_rng(seed), vibrato=0.012)


def _spoken(
    tracks: list[tuple[str, float, float]], voice: Voice, rng: np.random.Generator, vibrato: float = 0.0
) -> Samples:
    total = round((sum(length for _, length, _ in tracks) + 0.5) * RATE)
    ends = np.cumsum([length for _, length, _ in tracks])
    middles = ends - np.array([length for _, length, _ in tracks]) / 2
    at = np.arange(total) / RATE - 0.2
    voiced = [sound in VOWELS or sound in ("v", "d", "g") for sound, _, _ in tracks]
    loud = [
        MUTED.get(sound, 1.0) if sound in VOWELS else 0.25 if is_voiced else 0.0
        for (sound, _, _), is_voiced in zip(tracks, voiced, strict=True)
    ]
    formants = [VOWELS.get(sound) or VOWELS["uh"] for sound, _, _ in tracks]
    pitch = voice.pitch * np.interp(at, middles, [ratio for _, _, ratio in tracks])
    pitch *= (
        1
        + vibrato * np.sin(2 * np.pi * 5.2 * at)
        + 0.006 * np.interp(at, np.arange(-1, at[-1] + 1, 0.08), rng.normal(size=len(np.arange(-1, at[-1] + 1, 0.08))))
    )
    level = _eased(np.interp(at, middles, loud, left=0, right=0), 0.02)
    level *= (at > -0.05) & (at < ends[-1] + 0.05)
    shapes = [
        _eased(np.interp(at, middles, [row[number] for row in formants]), 0.03) * voice.mouth for number in range(3)
    ]
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = np.zeros(total)
    for harmonic in range(1, int(PITCH_TOP / voice.pitch) + 1):
        strength = sum(
            weight / (1 + ((harmonic * pitch - center) / width) ** 2)
            for center, width, weight in zip(shapes, (80, 110, 160), (1.0, 0.55, 0.28), strict=True)
        )
        tone += strength / harmonic**0.35 * np.sin(harmonic * phase)
    mix = tone * level * (1 + 0.02 * rng.normal(size=total))
    mix /= max(1e-9, float(np.abs(mix).max()))
    for (sound, length, _), end in zip(tracks, ends, strict=True):
        if sound in HISSES:
            low, high, gain = HISSES[sound]
            begin, span = round((end - length + 0.2) * RATE), round(length * RATE)
            burst = band(rng.normal(size=span), low, high)
            shape = np.hanning(span) if sound in ("s", "sh", "f", "h", "v") else np.linspace(1, 0, span) ** 3
            mix[begin : begin + span] += gain * burst / max(1e-9, float(np.abs(burst).max())) * shape
    return 0.8 * mix / float(np.abs(mix).max())


def _eased(track: Samples, seconds: float) -> Samples:
    window = np.hanning(max(3, round(seconds * RATE)))
    return np.convolve(track, window / window.sum(), "same")


def band(noise: Samples, low: float, high: float) -> Samples:
    """What of a sound lies between two frequencies in Hz."""
    spectrum = np.fft.rfft(noise)
    at = np.fft.rfftfreq(len(noise), 1 / RATE)
    spectrum[(at < low) | (at > high)] *= 0.02
    return np.fft.irfft(spectrum, len(noise))


def frequency(name: str) -> float:
    """The pitch of a note: A4 is 440 Hz."""
    step = {"C": -9, "D": -7, "E": -5, "F": -4, "G": -2, "A": 0, "B": 2}[name[0]] + name.count("#")
    return 440 * 2 ** ((step + 12 * (int(name[-1]) - 4)) / 12)


def drums() -> Samples:
    """Four bars of drums, a bass and a plucked string at 112 beats a minute."""
    rng, beat = np.random.default_rng(5), 60 / 112
    total = round(16 * beat * RATE)
    mix = np.zeros(total + RATE)

    def put(begin: float, sound: Samples, gain: float) -> None:
        place = round(begin * beat * RATE)
        mix[place : place + len(sound)] += gain * sound

    time = np.arange(RATE // 2) / RATE
    kick = np.sin(2 * np.pi * (46 * time + 9 * (1 - np.exp(-24 * time)))) * np.exp(-9 * time)
    clap = band(rng.normal(size=RATE // 4), 900, 5000) * np.exp(-18 * time[: RATE // 4])
    hat = band(rng.normal(size=RATE // 8), 7000, 14000) * np.exp(-45 * time[: RATE // 8])
    for bar in range(4):
        for at in (0, 2.5, *((3.5,) if bar % 2 else ())):
            put(4 * bar + at, kick, 0.9)
        for at in (1, 3):
            put(4 * bar + at, clap, 0.35)
        for at in np.arange(0, 4, 0.5):
            put(4 * bar + float(at), hat, 0.22 if at % 1 else 0.12)
        for at, note in zip((0, 0.75, 1.5, 2.5, 3.25), ("A2", "A2", "C3", "D3", "E3"), strict=True):
            put(4 * bar + at, plucked(frequency(note) / 2, 0.5, 3), 0.4)
        melody = ("A4", "C5", "D5", "E5", "G5", "E5") if bar % 2 == 0 else ("G5", "E5", "D5", "C5", "D5", "A4")
        for at, note in zip((0, 0.5, 1.5, 2, 2.5, 3.5), melody, strict=True):
            put(4 * bar + at, plucked(frequency(note) / 2, 0.9, 6), 0.3)
    mix = mix[:total]
    return 0.85 * mix / float(np.abs(mix).max())


def plucked(pitch: float, seconds: float, decay: float) -> Samples:
    """A string."""
    time = np.arange(round(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * pitch * n * time) * np.exp(-decay * (0.6 + 0.4 * n) * time) / n for n in range(1, 9))
    return np.asarray(tone) * np.minimum(1, time * 400)


def thunder(seconds: float, strikes: tuple[float, ...]) -> Samples:
    """Rain, and thunder at these seconds."""
    rng, total = np.random.default_rng(11), round(seconds * RATE)
    time = np.arange(total) / RATE
    rain = band(rng.normal(size=total), 900, 9000) * (0.8 + 0.2 * np.sin(2 * np.pi * 0.23 * time))
    mix = 0.1 * rain / float(np.abs(rain).max()) * 4
    drops = rng.random(total) < 14 / RATE
    mix += 0.25 * np.convolve(drops * rng.uniform(0.2, 1, total), np.hanning(90) * np.sin(np.arange(90) * 0.5), "same")
    for strike in strikes:
        since = np.clip(time - strike, 0, None)
        rumble = band(rng.normal(size=total), 25, 130)
        crack = band(rng.normal(size=total), 120, 2500)
        swell = np.interp(time, np.arange(0, seconds, 0.25), 0.5 + 0.5 * rng.random(len(np.arange(0, seconds, 0.25))))
        started = time >= strike
        mix += started * swell * np.exp(-since / 1.6) * np.minimum(1, since * 12) * rumble / float(np.abs(rumble).max())
        mix += 0.5 * started * np.exp(-since * 9) * crack / float(np.abs(crack).max())
    fade = np.minimum(1, np.minimum(time, seconds - time) * 3)
    mix *= fade
    return 0.85 * mix / float(np.abs(mix).max())
