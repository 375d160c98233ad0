"""Everything about a finished job as names and values: its settings, then what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from client.jobs import Job, manager
from pages.parts import files, words
from pages.parts.clock import zone
from pages.parts.variations import members
from workflows import manifest
from workflows.manifest import MEDIA_TYPES, Field, Mode
from workflows.values import Media

Pairs = list[tuple[str, str]]


def settings(job: Job, mode: Mode) -> Pairs:
    """Every setting that had an effect, the prompt excepted."""
    own = {"prompt", "width", "height", "seconds", "fps"}
    fields = [field for field in mode.fields_for(mode.preset(job.preset), job.values) if field.name not in own]
    return [
        ("Preset", mode.preset(job.preset).title),
        ("Size", words.size(job.shape.width, job.shape.height)),
        ("Length", " · ".join(words.length(job.shape))),
        *(pair for field in fields for pair in SHOWN.get(field.type, _said)(field, job.values.get(field.name))),
    ]


def outcome(job: Job) -> Pairs:
    """When it was asked for, how long it waited and took, and the file."""
    here, name = zone(), files.video(job)
    waited = job.started_at - job.created_at if job.started_at is not None else 0.0
    return [
        *_place(job),
        ("Asked for", words.moment(job.created_at, here)),
        *([("Waited", words.span(waited))] if waited >= 1 else []),
        *([("Took", words.span(job.elapsed(0)))] if job.started_at is not None else []),
        *([("Finished", words.moment(job.finished_at, here))] if job.finished_at else []),
        *([("File", words.megabytes((manager().folder / name).stat().st_size))] if name else []),
        ("Job", job.id),
    ]


def _place(job: Job) -> Pairs:
    """Which one of several variations it is."""
    seeds = list(dict.fromkeys(member.values.get("seed") for member in members(job)))
    return [("Variation", f"{seeds.index(job.values.get('seed')) + 1} of {len(seeds)}")] if seeds[1:] else []


def _said(field: Field, value: Any) -> Pairs:
    if value is None:
        return []
    return [(field.title, f"{words.number(value) if isinstance(value, float) else value} {field.unit}".strip())]


def _media(field: Field, value: Any) -> Pairs:
    return [(field.title, words.media(value))] if isinstance(value, Media) else []


def _choice(field: Field, value: Any) -> Pairs:
    return [(field.title, field.choices[value].title if value in field.choices else str(value))]


def _flag(field: Field, value: Any) -> Pairs:
    return [(field.title, "Yes")] if value else []


def _loras(field: Field, value: Any) -> Pairs:
    return [("LoRA", f"{words.lora(lora.name)} at {words.number(lora.strength)}") for lora in value or ()]


SHOWN: dict[str, Callable[[Field, Any], Pairs]] = {
    **dict.fromkeys(MEDIA_TYPES, _media),
    "choice": _choice,
    "flag": _flag,
    "loras": _loras,
}


def mode_of(job: Job) -> Mode:
    """The mode of a job."""
    return manifest.mode(job.mode)
