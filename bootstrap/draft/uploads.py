"""Storing uploads: streamed to a file beside, then put in their place under a name that nothing else has."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from aiohttp import BodyPartReader, MultipartReader
from PIL import Image, PngImagePlugin

from bootstrap.draft import answers, folders

CHUNK = 256 * 1024
FIELD_LIMIT = 64 * 1024
"""Bytes of a form field that is not the file, beyond which the rest is left out."""

Save = Callable[[Path, Path], None]
"""Makes the second path out of the first, an upload that may be moved away."""


class BadUpload(Exception):
    """An upload that can't be stored; `status` is what to answer."""

    def __init__(self, status: int = 400) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True)
class Form:
    """A received form: its fields, the file's own name, and where its content lies for now."""

    fields: Mapping[str, str]
    filename: str
    content: Path


@dataclass(frozen=True)
class Stored:
    """Where an upload is, as `/upload/image` answers it."""

    name: str
    subfolder: str
    type: str


async def receive(parts: MultipartReader, into: Path, limit: int) -> Form:
    """Read a form whose file is in the field `image`. The content is left in the folder `into`.

    Raises BadUpload without such a field, and the answer 413 beyond `limit` bytes in all.
    """
    fields: dict[str, str] = {}
    name = ""
    content = into / f"upload-{uuid4().hex}"
    left = limit

    async def chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
        nonlocal left
        while chunk := await part.read_chunk(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise answers.too_large(limit)
            yield chunk

    try:
        while (part := await parts.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise BadUpload
            if part.name == "image" and not part.filename:
                raise BadUpload(500)
            if part.name == "image":
                name = str(part.filename)
                with content.open("wb") as file:
                    async for chunk in chunks(part):
                        file.write(chunk)
            else:
                value = b""
                async for chunk in chunks(part):
                    value = (value + chunk)[:FIELD_LIMIT]
                fields[part.name or ""] = value.decode("utf-8", "replace")
        if not name:
            raise BadUpload
    except BaseException:
        content.unlink(missing_ok=True)
        raise
    return Form(fields, name, content)


def move(content: Path, path: Path) -> None:
    """Save an upload as it is."""
    shutil.move(content, path)


def store(form: Form, roots: Mapping[str, Path], save: Save = move) -> Stored:
    """Put a received file where its form says. Raises BadUpload.

    A name that is taken gets a number, " (1)", unless the file there has the same content or `overwrite` is "true" or
    "1". Sub-folders are made.
    """
    kind = form.fields.get("type", "input")
    subfolder = form.fields.get("subfolder", "")
    overwrite = form.fields.get("overwrite") in ("true", "1")
    root = roots.get(kind)
    if root is None:
        raise BadUpload(500)
    folder = folders.inside(root, subfolder)
    path = None if folder is None else folders.inside(folder, form.filename)
    if folder is None or path is None or path == folder:
        raise BadUpload
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = path if overwrite else _free(path, form.content)
        if path.is_dir():
            raise BadUpload(500)
        if overwrite or not path.exists():
            save(form.content, path)
    except (OSError, ValueError) as error:
        raise BadUpload(500) from error
    return Stored(path.relative_to(folder).as_posix(), subfolder, kind)


def with_mask(form: Form, roots: Mapping[str, Path], original: Mapping[str, object]) -> Save:
    """Instead of the upload itself, save the picture `original` names, with the upload's alpha as its own.

    `original` has `filename`, and perhaps `subfolder` and `type` (output). Raises BadUpload.
    """
    name, kind = folders.annotated(str(original.get("filename", "")))
    root = roots.get(kind or str(original.get("type", "output")))
    if not name or name.startswith("/") or ".." in name or root is None:
        raise BadUpload
    source = folders.inside(root, str(original.get("subfolder", "")), name)
    if source is None:
        raise BadUpload(403)
    if not source.is_file():
        raise BadUpload(404)

    def save(content: Path, path: Path) -> None:
        with Image.open(source) as picture, Image.open(content) as mask:
            info = PngImagePlugin.PngInfo()
            for key, text in getattr(picture, "text", {}).items():
                info.add_text(key, text)
            masked = picture.convert("RGBA")
            masked.putalpha(mask.convert("RGBA").getchannel("A"))
            masked.save(path, compress_level=4, pnginfo=info)

    return save


def _free(path: Path, content: Path) -> Path:
    """The path, or its first numbered sister that is free or already has this content."""
    free, count = path, 0
    while free.exists() and not (free.is_file() and filecmp.cmp(free, content, shallow=False)):
        count += 1
        free = path.with_name(f"{path.stem} ({count}){path.suffix}")
    return free
