"""Uploads, examined before anything is sent.

A file is judged by its content, never by its name, and gets a name of ours derived from its content: the same file is
stored and uploaded once, and no name a person chose ever reaches the engine's file system.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import uuid
import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from workflows.errors import StudioError
from workflows.values import Media

IMAGE_FORMATS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
MAX_PIXELS = 64_000_000
"""Above what cameras make, far below what would fill the memory of a small machine."""
HASH_LENGTH = 24
ORIENTATION = 0x0112
"""EXIF tag; 5 to 8 mean that the picture is seen turned by 90 degrees."""


def admit_file(path: Path, folder: Path, title: str, max_mb: int) -> Media:
    """As `admit_image`, for a file on disk. Raises StudioError `file_missing` too."""
    # Only a plain file has an end: a device or a pipe would be read for ever.
    if not path.is_file():
        raise StudioError("file_missing", title=title, value=path)
    size = path.stat().st_size
    if size > max_mb * 1_000_000:
        raise StudioError("file_too_large", title=title, value=path.name, size_mb=size / 1e6, high_mb=max_mb)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StudioError("file_missing", title=title, value=path) from error
    return admit_image(data, path.name, folder, title, max_mb)


def admit_image(data: bytes, source: str, folder: Path, title: str, max_mb: int) -> Media:
    """Keep a picture in `folder` under the name of its content.

    `source` is what the person calls the file, `title` the field it is for. Width and height are those it is seen
    with, a camera's rotation applied. Raises StudioError `file_empty`, `file_too_large`, `file_not_image`,
    `image_too_large` or `upload_not_kept`.
    """
    if not data:
        raise StudioError("file_empty", title=title, value=source)
    if len(data) > max_mb * 1_000_000:
        raise StudioError("file_too_large", title=title, value=source, size_mb=len(data) / 1e6, high_mb=max_mb)
    extension, width, height = _examine(data, source, title)
    name = f"ltx-studio/{hashlib.sha256(data).hexdigest()[:HASH_LENGTH]}.{extension}"
    path = folder / Path(name).name
    if not path.exists():
        _keep(data, path, title)
    return Media(name, source, str(path), len(data), width, height)


def _keep(data: bytes, path: Path, title: str) -> None:
    partial = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StudioError("upload_not_kept", title=title, path=path.parent, reason=error.strerror) from error


def _examine(data: bytes, source: str, title: str) -> tuple[str, int, int]:
    """File extension, width and height of a picture that decodes to its end."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; ours is the stricter check below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=list(IMAGE_FORMATS)) as image:
                _check_pixels(image.width * image.height, source, title)
                image.load()
                turned = image.getexif().get(ORIENTATION, 1) >= 5
                width, height = (image.height, image.width) if turned else image.size
                return IMAGE_FORMATS[image.format or ""], width, height
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\d+", str(error))
        _check_pixels(int(pixels[0]) if pixels else MAX_PIXELS + 1, source, title)
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, KeyError) as error:
        raise StudioError("file_not_image", title=title, value=source) from error


def _check_pixels(pixels: int, source: str, title: str) -> None:
    if pixels > MAX_PIXELS:
        raise StudioError("image_too_large", title=title, value=source, pixels=pixels, high=MAX_PIXELS)
