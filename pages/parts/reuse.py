"""From a finished video to the next: its settings in the form, another seed, its last frame as a first one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from client import settings
from client.jobs import Job, manager
from client.last_frame import last_frame
from pages.parts import files, values
from pages.parts.whole import whole
from workflows import manifest
from workflows.errors import StudioError
from workflows.manifest import MEDIA_TYPES, Mode
from workflows.request import parse, random_seed
from workflows.values import Media

NEXT_MODE, FIRST_FRAME = "i2v", "image"
"""The mode that goes on from a picture, and its field for it."""


@whole()
def fill(mode: Mode, preset: str, given: Mapping[str, Any], missing: Mapping[str, str] | None = None) -> None:
    """Fill a mode's form; fields whose file is not here any more say so. `missing` has names of such files by field."""
    gone = {**_gone(given), **(missing or {})}
    values.fill(mode, preset, {name: value for name, value in given.items() if name not in gone})
    for field in mode.fields:
        if field.type in MEDIA_TYPES:
            values.put(
                mode, f"{field.name}.refusal", _refusal(field.title, gone[field.name]) if field.name in gone else None
            )
    values.put(mode, "refusal", None)
    values.assign(mode, "variations", 1)


def _gone(given: Mapping[str, Any]) -> dict[str, str]:
    media = {name: value for name, value in given.items() if isinstance(value, Media)}
    return {name: value.source or value.name for name, value in media.items() if not Path(value.path).is_file()}


def _refusal(title: str, name: str) -> tuple[str, str]:
    return f"{title}: {name} is no longer kept here.", "Choose it again, or another file."


def vary(job: Job) -> Job:
    """Send the same request with a new random seed.

    Raises StudioError `file_missing` where a file of it is gone, and what `parse` raises where the mode has changed.
    """
    mode = manifest.mode(job.mode)
    for name, source in _gone(job.values).items():
        raise StudioError("file_missing", field=name, title=mode.field(name).title, value=source)
    known = {field.name for field in mode.fields}
    given = {name: value for name, value in job.values.items() if name in known}
    return manager().submit(parse(job.mode, {**given, "preset": job.preset, "seed": random_seed()}), job.owner)


def go_on(job: Job) -> Mode:
    """Fill the form of Image to Video with a video's last frame, its prompt and its size; the mode.

    Raises StudioError `video_gone` and what keeping a picture can.
    """
    mode, name = manifest.mode(NEXT_MODE), files.video(job)
    if name is None:
        raise StudioError("video_gone", value=files.download_name(job, "mp4"))
    field = mode.field(FIRST_FRAME)
    source = f"last frame of {files.download_name(job, 'mp4')}.png"
    frame = last_frame(manager().folder / name, source, manager().uploads, field.title, settings.read().max_upload_mb)
    size = {"width": job.shape.width, "height": job.shape.height, "fps": job.shape.fps}
    fill(mode, job.preset, {"prompt": job.values.get("prompt"), **size, FIRST_FRAME: frame})
    return mode
