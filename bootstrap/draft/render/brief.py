"""The brief of a clip: what a prompt asks to be seen, in the terms the painters know."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bootstrap.draft.render.camera import DRIFTS, Move, from_lora, named_move
from bootstrap.draft.render.noise import dice
from bootstrap.draft.render.take import Take
from bootstrap.draft.render.vocabulary import Traits, find, section

MOST_SUBJECTS = 2
MOST_LIFT = 0.035
"""How far a seed sets a scene higher or lower in the frame, in its height."""

DEFAULT_LIGHT = "slate"
DEFAULT_PLACES = ("mountains", "hills", "lake", "sea", "field")
PEOPLE = ("person", "child")
"""Subjects of whom a close shot shows head and shoulders."""


@dataclass(frozen=True)
class Subject:
    """Who or what is in the scene; see `[subject.*]` in the vocabulary for the units."""

    shape: str
    size: float
    ground: float
    speed: float


@dataclass(frozen=True)
class Brief:
    """What to paint. Names are those of the vocabulary; `layout` and `detail` seed what the words leave open."""

    light: str
    place: str
    subjects: tuple[Subject, ...]
    weather: tuple[str, ...]
    move: Move
    shot: str
    accent: str | None
    guidance: float
    layout: bytes
    detail: bytes


def read(take: Take) -> Brief:
    """The brief of a take: from its words, then from the seed."""
    prompt, negative = take.recipe.prompt, take.recipe.negative
    rng = dice(take.layout, "brief")
    place, light = _setting(prompt, negative, DEFAULT_PLACES[rng.integers(len(DEFAULT_PLACES))])
    shots = find("shot", prompt, negative)
    shot = shots[0] if shots else ""
    weather = find("weather", prompt, negative)
    accents = find("accent", prompt, negative)
    return Brief(
        light=light,
        place=place,
        subjects=_subjects(prompt, negative, section("shot").get(shot, {})),
        weather=weather,
        move=replace(_move(take, int(rng.integers(len(DRIFTS)))), lift=float(rng.uniform(-MOST_LIFT, MOST_LIFT))),
        shot=shot,
        accent=section("accent")[accents[0]]["color"] if accents else None,
        guidance=take.recipe.cfg,
        layout=take.layout,
        detail=take.detail,
    )


def _setting(prompt: str, negative: str, default_place: str) -> tuple[str, str]:
    """Place and light: what is named, what its subject or the place itself asks for, or the defaults."""
    subjects = find("subject", prompt, negative)
    needed = section("subject")[subjects[0]].get("place") if subjects else None
    places = find("place", prompt, negative)
    place = needed or (places[0] if places else default_place)
    lights = find("light", prompt, negative)
    own = section("place")[place].get("light", DEFAULT_LIGHT) if needed or places else DEFAULT_LIGHT
    return place, lights[0] if lights and not section("place")[place].get("lit") else own


def _subjects(prompt: str, negative: str, shot: Traits) -> tuple[Subject, ...]:
    names = find("subject", prompt, negative)
    if "bust" in names or (shot.get("scale", 1.0) > 3 and (not names or names[0] in PEOPLE)):
        names = ("bust", *(name for name in names if name not in PEOPLE and name != "bust"))
    motions = find("motion", prompt, negative)
    pace = section("motion")[motions[0]]["speed"] if motions else None
    return tuple(_subject(name, shot.get("scale", 1.0), pace) for name in names[:MOST_SUBJECTS])


def _subject(name: str, scale: float, pace: float | None) -> Subject:
    traits = section("subject")[name]
    size = min(traits["size"] * scale, max(0.85, traits["size"])) if name != "bust" else traits["size"]
    ground = traits["ground"]
    if 0 < ground < 1 and scale > 1:
        ground += (1.12 - ground) * min(1.0, (scale - 1) / 2.4)
    return Subject(name, size, ground, traits.get("speed", 0.0) if pace is None else pace)


def _move(take: Take, drift: int) -> Move:
    for file_name, strength in take.recipe.loras:
        move = from_lora(file_name, strength)
        if move is not None:
            return move
    named = find("camera", take.recipe.prompt, take.recipe.negative)
    return named_move(named[0] if named else DRIFTS[drift])
