"""A writable stand-in for a Hugging Face cache that belongs to somebody else, as an image's build user leaves it.

The big files are linked, never copied: hardlinked where the system allows that, else symlinked. Links between
snapshots and contents are kept and refs copied, so that the mirror is a whole cache which can grow. Standard library
only: it comes before huggingface_hub is imported, which reads its variables then.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from workflows.errors import StudioError

KINDS = ("models--*", "datasets--*", "spaces--*")
UNFINISHED = (".incomplete", ".part", ".part.json", ".tmp")
FOLDER = "huggingface"
"""The mirror's name in the data folder."""


@dataclass(frozen=True)
class Mirrored:
    """What one call added: files hardlinked, files symlinked into the source, and links and refs made anew."""

    hardlinked: int = 0
    symlinked: int = 0
    remade: int = 0


def home(environ: Mapping[str, str]) -> Path:
    """Hugging Face's own folder, as its library finds it."""
    base = environ.get("XDG_CACHE_HOME") or "~/.cache"
    return _path(environ.get("HF_HOME") or f"{base}/huggingface")


def cache(environ: Mapping[str, str]) -> Path:
    """The hub's cache, as Hugging Face's library finds it."""
    named = environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE")
    return _path(named) if named else home(environ) / "hub"


def _path(text: str) -> Path:
    # As Hugging Face's library does it. Path.expanduser raises RuntimeError for a home folder that nobody knows.
    return Path(os.path.expandvars(os.path.expanduser(text)))  # noqa: PTH111


def is_read_only(folder: Path) -> bool:
    """Whether something in a cache, or the cache itself where it is yet to be made, can't be written by this user."""
    try:
        return not _can_be_written(folder)
    except PermissionError:
        # It lies behind a folder that this user may not even look into.
        return True


def _can_be_written(folder: Path) -> bool:
    if not folder.is_dir():
        above = next((one for one in folder.parents if one.exists()), Path("/"))
        return os.access(above, os.W_OK | os.X_OK)
    repos = [repo for kind in KINDS for repo in folder.glob(kind)]
    inner = [repo / name for repo in repos for name in ("blobs", "snapshots", "refs")]
    commits = [commit for repo in repos for commit in repo.glob("snapshots/*")]
    locks = [folder / ".locks", *folder.glob(".locks/*")]
    every = (folder, *repos, *inner, *commits, *locks)
    return all(os.access(one, os.W_OK | os.X_OK) for one in every if one.is_dir())


def ensure(environ: MutableMapping[str, str], data: Path, say: Callable[[str], None]) -> None:
    """Where the cache can't be written, mirror it in the data folder and name that in `environ`, for all children.

    What was mirrored before stays, and what has come since is added. Raises StudioError `data_unwritable`.
    """
    source, target = cache(environ), data / FOLDER / "hub"
    if source == target or not is_read_only(source):
        return
    token = Path(environ.get("HF_TOKEN_PATH") or home(environ) / "token")
    try:
        mirror(source, target)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StudioError("data_unwritable", path=target, reason=reason) from None
    say(f"The Hugging Face cache {source} can't be written; {target} stands in for it.")
    if os.access(token, os.R_OK):
        environ["HF_TOKEN_PATH"] = str(token)
    environ["HF_HOME"], environ["HF_HUB_CACHE"] = str(target.parent), str(target)
    environ.pop("HUGGINGFACE_HUB_CACHE", None)


def mirror(source: Path, target: Path) -> Mirrored:
    """Have every finished file of a cache in another one, by links. What the target has stays as it is.

    A source that this user may not read has none.
    """
    target.mkdir(parents=True, exist_ok=True)
    made = {"hardlinked": 0, "symlinked": 0, "remade": 0}
    kinds = KINDS if os.access(source, os.R_OK | os.X_OK) else ()
    for repo in (repo for kind in kinds for repo in sorted(source.glob(kind))):
        for path in sorted(repo.rglob("*")):
            below = path.relative_to(repo)
            copy = target / repo.name / below
            if os.path.lexists(copy) or (path.is_dir() and not path.is_symlink()) or path.name.endswith(UNFINISHED):
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            made[_mirror(path, below, copy, source, target)] += 1
    return Mirrored(**made)


def _mirror(path: Path, below: Path, copy: Path, source: Path, target: Path) -> str:
    """Have one file or link of a repository in the mirror; what was done."""
    if below.parts[0] == "snapshots" and path.is_symlink():
        kept = path.readlink()
        inside = Path(os.path.normpath(path.parent.absolute() / kept))
        if inside.is_relative_to(source.absolute()):
            moved = target.absolute() / inside.relative_to(source.absolute())
            kept = Path(os.path.relpath(moved, copy.parent.absolute()))
        _put(copy, lambda partial: partial.symlink_to(kept))
        return "remade"
    if below.parts[0] not in ("blobs", "snapshots"):
        _put(copy, lambda partial: shutil.copyfile(path, partial))
        return "remade"
    real = path.resolve()
    try:
        _put(copy, lambda partial: partial.hardlink_to(real))
        return "hardlinked"
    except OSError:
        # Another disk, or a system that lets nobody link what belongs to somebody else.
        _put(copy, lambda partial: partial.symlink_to(real))
        return "symlinked"


def _put(path: Path, make: Callable[[Path], object]) -> None:
    """Make a file under a temporary name and give it its own, whole or not at all."""
    partial = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        make(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
