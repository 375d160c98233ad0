"""The settings inside a video: what the studio sends along with a graph, ComfyUI's SaveVideo writes into the MP4.

Each entry of `extra_pnginfo` is a tag of its name, as JSON; ours is `ltx_studio`. A file from outside is not trusted:
only its tags are read, and what stands in them goes through `workflows.request.parse` like anything typed into a form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import av

from client.media import admit_file
from client.shelf import UPLOAD
from workflows import manifest
from workflows.errors import StudioError
from workflows.graph import Graph, GraphError
from workflows.incoming import MAX_BYTES, graph_from
from workflows.manifest import MEDIA_TYPES, Field, Mode
from workflows.request import parse
from workflows.values import Media, shown

TAG, GRAPH_TAG = "ltx_studio", "prompt"
MAX_TAG = 200_000
"""Characters; the longest request has a tenth of it."""
FOLDER = "ltx-studio/"
STAND_IN = "-"
OPTIONS = {"format_whitelist": "mov", "protocol_whitelist": "file", "max_streams": "64"}

Named = Callable[[str], str]


@dataclass(frozen=True)
class Restored:
    """The settings found in a video: those of a form, files included as far as they are still here.

    `missing` has the names of those that are not, by field; `unknown` the names of settings that this version does not
    have.
    """

    mode: str
    preset: str
    values: Mapping[str, Any]
    missing: Mapping[str, str]
    unknown: tuple[str, ...]


def restore(file: BinaryIO, source: str, uploads: Path, max_mb: int, named: Named = lambda name: name) -> Restored:
    """The settings in a video that a studio made.

    `source` is what the person calls the file, `named` what somebody called an upload of that name. Raises StudioError
    `not_our_video`, or `settings_unusable` where they can't be those of a request.
    """
    settings = _settings(_tags(file, source), source)
    try:
        return _restored(settings, uploads, max_mb, named)
    except StudioError as error:
        raise StudioError("settings_unusable", value=source, reason=error.message.rstrip(".")) from error


def _tags(file: BinaryIO, source: str) -> Mapping[str, str]:
    try:
        with av.open(file, options=OPTIONS, metadata_errors="replace") as container:
            return dict(container.metadata)
    except (av.FFmpegError, ValueError, OSError) as error:
        raise StudioError("not_our_video", value=source) from error


def graph_in(file: BinaryIO) -> Graph | None:
    """The graph that a video was made with; None where it carries none that could be run."""
    file.seek(0)
    text = _tags(file, "").get(GRAPH_TAG, "")
    try:
        return graph_from(json.loads(text)) if len(text) <= MAX_BYTES else None
    except (ValueError, RecursionError, GraphError):
        return None


def _settings(tags: Mapping[str, str], source: str) -> Mapping[str, Any]:
    text = tags.get(TAG, "")
    if not text or len(text) > MAX_TAG:
        raise StudioError("not_our_video", value=source)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StudioError("not_our_video", value=source) from error
    if not isinstance(found, dict) or not isinstance(found.get("values"), dict):
        raise StudioError("not_our_video", value=source)
    return found


def _restored(settings: Mapping[str, Any], uploads: Path, max_mb: int, named: Named) -> Restored:
    mode = manifest.mode(shown(settings.get("mode")))
    preset = mode.preset(shown(settings.get("preset")))
    fields = {field.name: field for field in mode.fields}
    values = {name: value for name, value in settings["values"].items() if name in fields}
    missing: dict[str, str] = {}
    for field in mode.fields:
        if field.type in MEDIA_TYPES and field.name in values:
            stated = values.pop(field.name)
            found = _relinked(field, stated, uploads, max_mb, named)
            if found is None:
                missing[field.name] = shown(stated)
            else:
                values[field.name] = found
    request = parse(mode.name, {**values, **_stand_ins(mode, values), "preset": preset.name})
    kept = {name: value for name, value in request.values.items() if value != Media(STAND_IN)}
    unknown = tuple(sorted(settings["values"].keys() - fields.keys()))
    return Restored(mode.name, preset.name, kept, missing, unknown)


def _stand_ins(mode: Mode, values: Mapping[str, Any]) -> dict[str, Media]:
    """Something in the place of required files, so that all the rest can be checked."""
    absent = [field for field in mode.fields if field.type in MEDIA_TYPES and field.name not in values]
    return {field.name: Media(STAND_IN) for field in absent if field.required}


def _relinked(field: Field, name: Any, uploads: Path, max_mb: int, named: Named) -> Media | None:
    """The file that a graph calls by this name, if it is one of ours and still here."""
    if not isinstance(name, str) or not name.startswith(FOLDER) or not UPLOAD.fullmatch(name.removeprefix(FOLDER)):
        return None
    path = uploads / name.removeprefix(FOLDER)
    try:
        media = admit_file(field, path, uploads, field.title, max_mb)
    except StudioError:
        return None
    return Media(**{**vars(media), "source": named(path.name)})
