"""The engine's models folder: finding a file there, and putting one from the cache there without a second copy."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

from workflows.errors import StudioError

WAYS: tuple[tuple[str, Callable[[Path, Path], object]], ...] = (
    ("symlink", lambda source, target: target.symlink_to(source)),
    ("hardlink", lambda source, target: target.hardlink_to(source)),
    ("copy", lambda source, target: shutil.copyfile(source, target)),
)
"""How a file gets its name in the models folder, best first."""


def find(models: Path, folder: str, file: str) -> Path | None:
    """The file in a folder of the models folder or below it; every folder where `folder` is empty. None: not there."""
    plain = models / folder / file
    try:
        if plain.is_file():
            return plain
        found = sorted(path for path in (models / folder).rglob(file) if path.is_file())
    except PermissionError:
        return None
    return found[0] if found else None


def put(source: Path, models: Path, folder: str, file: str) -> tuple[Path, str]:
    """Give the cached file its name in the models folder; its path there, and how: symlink, hardlink or copy.

    A link that stands there is replaced, a file never. Raises StudioError `model_differs` or `model_not_kept`.
    """
    target, real = models / folder / file, source.resolve()
    partial = target.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not target.is_symlink():
            if target.samefile(real):
                return target, "hardlink"
            raise StudioError("model_differs", path=target, have=target.stat().st_size, expected=real.stat().st_size)
        how = _made(real, partial)
        partial.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StudioError("model_not_kept", file=file, path=target.parent, reason=words(error)) from error
    return target, how


def _made(source: Path, target: Path) -> str:
    for how, make in WAYS[:-1]:
        try:
            make(source, target)
        except OSError:
            continue
        return how
    how, make = WAYS[-1]
    make(source, target)
    return how


def needs_copy(cache: Path, models: Path) -> bool:
    """Whether no link can lead from the models folder into the cache, so that a file needs its size there once more."""
    here, there = existing(models), existing(cache)
    probe = here / f".{uuid.uuid4().hex}.tmp"
    try:
        probe.symlink_to(there)
    except OSError:
        return here.stat().st_dev != there.stat().st_dev
    probe.unlink(missing_ok=True)
    return False


def existing(path: Path) -> Path:
    """The path, or the nearest folder above it that there is, as far as this user may see."""
    return next((folder for folder in (path, *path.parents) if _exists(folder)), Path("/"))


def refusal(folder: Path) -> str:
    """Why no file can be made in a folder, or no such folder; "" where one can. Leaves nothing behind."""
    try:
        with tempfile.TemporaryFile(dir=existing(folder)):
            return ""
    except OSError as error:
        return words(error)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return False


def words(error: OSError) -> str:
    """An operating system's error as the end of a sentence."""
    return (error.strerror or str(error)).lower()
