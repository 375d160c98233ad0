"""The base directory: input, output and temp, and paths that never leave them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

TYPES = ("input", "output", "temp")


def prepare(base: Path) -> dict[str, Path]:
    """Make the three folders under `base` and empty temp. Raises OSError where that can't be done."""
    folders = {kind: base / kind for kind in TYPES}
    shutil.rmtree(folders["temp"], ignore_errors=True)
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    if not os.access(base, os.W_OK):
        raise PermissionError(f"{base} is not writable")
    return folders


def empty_temp(folders: Mapping[str, Path]) -> None:
    """Remove the temp folder."""
    shutil.rmtree(folders["temp"], ignore_errors=True)


def annotated(name: str) -> tuple[str, str | None]:
    """A name such as "c.png [output]" as ("c.png", "output"); None where it does not say."""
    for kind in TYPES:
        if name.endswith(f"[{kind}]"):
            return name.removesuffix(f"[{kind}]").rstrip(), kind
    return name, None


def inside(root: Path, *parts: str) -> Path | None:
    """The path `root/parts…`, or None where that leaves `root`. Links inside a folder are the user's, and followed."""
    path = os.path.normpath(os.path.join(root, *parts))  # noqa: PTH118 - an absolute part must win, to be refused
    return Path(path) if Path(path).is_relative_to(root) and "\0" not in path else None
