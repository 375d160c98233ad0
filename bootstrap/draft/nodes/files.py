"""Files named by widgets: "sub/a.png", "c.png [output]"."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

FOLDERS = ("input", "output", "temp")


def resolve(folders: Mapping[str, Path], name: str) -> Path:
    """The path behind a widget value, in the input folder unless the value ends in [input], [output] or [temp].

    Raises ValueError for a name that leads out of that folder. (A real server opens any path; an engine that strangers
    can reach must not.)
    """
    folder = "input"
    for kind in FOLDERS:
        if name.endswith(f"[{kind}]"):
            folder, name = kind, name.removesuffix(f"[{kind}]").rstrip()
    root = os.path.realpath(folders[folder])
    path = Path(os.path.realpath(os.path.join(root, name)))  # noqa: PTH118 - an absolute name must win, to be refused
    if not path.is_relative_to(root):
        raise ValueError(f"{name!r} is not inside the {folder} folder.")
    return path


def is_file(folders: Mapping[str, Path], name: object) -> bool:
    """Whether `name` is the name of a readable file of ours."""
    try:
        return isinstance(name, str) and resolve(folders, name).is_file()
    except ValueError:
        return False


def fingerprint(path: Path) -> str:
    """SHA-256 of the content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
