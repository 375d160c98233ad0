"""A prompt written out: what it leaves unsaid about shot, light, place, camera and sound, in the vocabulary's terms."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from bootstrap.draft.render.brief import DEFAULT_LIGHT
from bootstrap.draft.render.noise import dice
from bootstrap.draft.render.vocabulary import find, section

STYLE = "Style: cinematic, realistic"
UNNAMED_SHOTS = ("medium", "wide")
UNNAMED_LIGHTS = ("day", "golden", "dawn", "dusk")
UNNAMED_MOVES = ("static", "dolly-in", "dolly-right")
SPEECH = ('"', "“", "says", "speaks", "talks", "sings", "speaking", "talking", "singing")
VOICE = "The voice is clear and close, and the lips move with every syllable"

WORDS_PER_TOKEN = 0.75


@dataclass(frozen=True)
class Draw:
    """How freely sentences are chosen, as for a language model: 0 is always the first, `top_k` 0 is no limit."""

    seed: int = 0
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0

    def one(self, what: str, choices: Sequence[str]) -> str:
        """One of the choices, of which the first is the likeliest."""
        if self.temperature <= 0:
            return choices[0]
        odds = np.exp(-np.arange(len(choices)) / (2 * self.temperature))
        odds /= odds.sum()
        allowed = (odds.cumsum() - odds < max(self.top_p, 1e-9)) & (odds >= self.min_p * odds[0])
        if self.top_k:
            allowed &= np.arange(len(choices)) < self.top_k
        odds = np.where(allowed, odds, 0)
        return choices[int(dice(str(self.seed).encode(), "prose", what).choice(len(choices), p=odds / odds.sum()))]


@cache
def sentences(about: str) -> dict[str, list[str]]:
    """The sentences about "shot", "light", …, by trait, without full stops."""
    with (Path(__file__).parent / "prose.toml").open("rb") as file:
        found: dict[str, list[str]] = tomllib.load(file)[about]
    return found


def enhanced(prompt: str, draw: Draw, tokens: int, pictured: bool = False, sounding: bool = False) -> str:
    """The prompt with sentences before and after it, at most about `tokens` long.

    The prompt itself stays as it is but for a capital and a full stop, and alone where there is no room.
    What a given picture shows (`pictured`) and a given sound lets hear (`sounding`) is not described again.
    """
    prompt = prompt.strip()
    before = [STYLE, *_shot(prompt, draw, pictured)]
    after = [*_seen(prompt, draw, pictured), *([] if sounding else _heard(prompt, draw))]
    room = int(tokens * WORDS_PER_TOKEN) - len(prompt.split())
    kept = []
    for sentence in [*before, *after]:
        room -= len(sentence.split())
        if room < 0:
            break
        kept.append(sentence)
    opening, rest = kept[: len(before)], kept[len(before) :]
    if not kept:
        return prompt
    if prompt and not prompt.rstrip('"”').endswith((".", "!", "?", "…")):
        prompt += "."
    own = [prompt[:1].upper() + prompt[1:]] if prompt else []
    return " ".join([*(f"{sentence}." for sentence in opening), *own, *(f"{sentence}." for sentence in rest)])


def _shot(prompt: str, draw: Draw, pictured: bool) -> Iterator[str]:
    if pictured or find("shot", prompt):
        return
    shot = "close" if "bust" in find("subject", prompt) else draw.one("which shot", UNNAMED_SHOTS)
    yield draw.one("shot", sentences("shot")[shot])


def _seen(prompt: str, draw: Draw, pictured: bool) -> Iterator[str]:
    places, weather, motions = (find(name, prompt) for name in ("place", "weather", "motion"))
    if not pictured:
        yield draw.one("light", sentences("light")[_light(prompt, draw, places)])
        if places:
            yield draw.one("place", sentences("place")[places[0]])
    for name in weather[:2]:
        yield draw.one(name, sentences("weather")[name])
    if motions or find("subject", prompt):
        yield draw.one("motion", sentences("motion")[motions[0] if motions else "slow"])
    moves = find("camera", prompt)
    if moves or not pictured:
        yield draw.one("camera", sentences("camera")[moves[0] if moves else draw.one("which move", UNNAMED_MOVES)])


def _light(prompt: str, draw: Draw, places: Sequence[str]) -> str:
    """The light that is named, the place's own, or one that suits anything."""
    lights = find("light", prompt)
    traits = section("place")[places[0]] if places else {}
    if lights and not traits.get("lit"):
        return lights[0]
    return str(traits.get("light") or (DEFAULT_LIGHT if places else draw.one("which light", UNNAMED_LIGHTS)))


def _heard(prompt: str, draw: Draw) -> Iterator[str]:
    sounds = [section("weather")[name].get("sound") for name in find("weather", prompt)]
    places = find("place", prompt)
    sounds.append(section("place")[places[0]].get("sound") if places else "wind")
    for name in list(dict.fromkeys(name for name in sounds if name))[:2]:
        yield draw.one(name, sentences("sound")[name])
    if any(word in prompt.lower() for word in SPEECH):
        yield VOICE
