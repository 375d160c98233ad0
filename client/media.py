"""Uploads, examined before anything is sent.

A file is judged by its content, never by its name, and gets a name of ours derived from its content: the same file is
stored and uploaded once, and no name a person chose ever reaches the engine's file system.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from client.examine import EXAMINERS
from workflows.errors import StudioError
from workflows.manifest import Field
from workflows.values import Media

Kind = Literal["image", "audio", "video"]
HASH_LENGTH = 24
CHUNK_BYTES = 1 << 20


def admit_file(kind: Kind | Field, path: Path, folder: Path, title: str, max_mb: int) -> Media:
    """As `admit`, for a file on disk, which goes by its own name. Raises StudioError `file_missing` too."""
    return admit(kind, path, path.name, folder, title, max_mb)


def admit(
    kind: Kind | Field, data: bytes | Path | BinaryIO, source: str, folder: Path, title: str, max_mb: int
) -> Media:
    """Keep a file in `folder` under the name of its content, if it is what a field of this kind takes.

    `data` is read in pieces where it is a path or an open file. `source` is what the person calls the file, `title`
    the field it is for. Raises StudioError `file_missing`, `file_empty`, `file_too_large`, `upload_not_kept`, and what
    `client.examine` raises for the kind.
    """
    examine = EXAMINERS[kind.type if isinstance(kind, Field) else kind]
    with _opened(data, title) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if not size:
            raise StudioError("file_empty", title=title, value=source)
        if size > max_mb * 1_000_000:
            raise StudioError("file_too_large", title=title, value=source, size_mb=size / 1e6, high_mb=max_mb)
        with _kept(file, folder, title) as (partial, digest):
            found = examine(partial, source, title)
            path = folder / f"{digest}.{found.extension}"
            _put(partial, path, title)
    name = f"ltx-studio/{path.name}"
    return Media(name, source, str(path), size, found.width, found.height, found.seconds, found.fps, found.sound)


@contextlib.contextmanager
def _opened(data: bytes | Path | BinaryIO, title: str) -> Iterator[BinaryIO]:
    """The data as an open file; one that was handed over stays open."""
    if not isinstance(data, bytes | Path):
        yield data
        return
    if isinstance(data, bytes):
        yield io.BytesIO(data)
        return
    # Only a plain file has an end: a device or a pipe would be read for ever.
    if not data.is_file():
        raise StudioError("file_missing", title=title, value=data)
    try:
        file = data.open("rb")
    except OSError as error:
        raise StudioError("file_missing", title=title, value=data) from error
    with file:
        yield file


@contextlib.contextmanager
def _kept(file: BinaryIO, folder: Path, title: str) -> Iterator[tuple[Path, str]]:
    """A copy in the folder, gone afterwards unless it was renamed, and the hash of its content."""
    partial = folder / f".{uuid.uuid4().hex}.part"
    digest = hashlib.sha256()
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as sink:
                while chunk := file.read(CHUNK_BYTES):
                    digest.update(chunk)
                    sink.write(chunk)
        except OSError as error:
            raise _not_kept(error, folder, title) from error
        yield partial, digest.hexdigest()[:HASH_LENGTH]
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _put(partial: Path, path: Path, title: str) -> None:
    try:
        partial.replace(path)
    except OSError as error:
        raise _not_kept(error, path.parent, title) from error


def _not_kept(error: OSError, folder: Path, title: str) -> StudioError:
    return StudioError("upload_not_kept", title=title, path=folder, reason=error.strerror)
