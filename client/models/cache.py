"""Where a file lies in the Hugging Face cache: blobs by hash, snapshots by commit with links to them, refs by name.

A download under way is `blobs/<hash>.part` with a note beside it, `blobs/<hash>.part.json`, that says which file it is
of. The hash is in the name, so what is left of an older version of a file is never taken for the newer one.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.file_download import repo_folder_name

from client.models.hub import Info
from workflows.registry import Variant

PART, NOTE = ".part", ".part.json"


def find(cache: Path, variant: Variant) -> Path | None:
    """The file as the cache has it for the variant's revision, asked of nobody; None where it isn't there."""
    found = try_to_load_from_cache(variant.repo, variant.path, cache_dir=cache, revision=variant.revision)
    return Path(found) if isinstance(found, str) and Path(found).is_file() else None


def repo_folder(cache: Path, variant: Variant) -> Path:
    """The cache's folder for the variant's repository."""
    return cache / repo_folder_name(repo_id=variant.repo, repo_type="model")


def leftover(cache: Path, variant: Variant) -> int:
    """Bytes that an earlier, unfinished download of the file left, whatever version it was of."""
    sizes = (_size(note.with_suffix("")) for note in _notes(repo_folder(cache, variant), variant.path))
    return max(sizes, default=0)


@dataclass(frozen=True)
class Entry:
    """One version of one file in the cache."""

    cache: Path
    variant: Variant
    info: Info

    @property
    def folder(self) -> Path:
        """The repository's folder."""
        return repo_folder(self.cache, self.variant)

    @property
    def blob(self) -> Path:
        """The content."""
        return self.folder / "blobs" / self.info.etag

    @property
    def part(self) -> Path:
        """What has come of the content so far."""
        return self.blob.with_name(self.info.etag + PART)

    @property
    def note(self) -> Path:
        """What the part is of."""
        return self.blob.with_name(self.info.etag + NOTE)

    @property
    def pointer(self) -> Path:
        """The file by its name within the commit."""
        return self.folder / "snapshots" / self.info.commit / self.variant.path

    @property
    def lock(self) -> Path:
        """The lock that Hugging Face's own library takes for this content, too."""
        return self.cache / ".locks" / self.folder.name / f"{self.info.etag}.lock"

    def have(self) -> int:
        """Bytes of the part; 0 where there is none."""
        return _size(self.part)

    def begin(self) -> None:
        """Make the folders, note what the part is of, and remove parts of other versions of the same file."""
        for folder in (self.blob.parent, self.lock.parent):
            folder.mkdir(parents=True, exist_ok=True)
        for note in _notes(self.folder, self.variant.path):
            if note != self.note:
                note.with_suffix("").unlink(missing_ok=True)
                note.unlink(missing_ok=True)
        _write(self.note, json.dumps({"path": self.variant.path, "etag": self.info.etag, "bytes": self.info.size}))

    def keep(self) -> Path:
        """Make the finished part the content, then link it; the path by which it is named."""
        self.part.replace(self.blob)
        self.note.unlink(missing_ok=True)
        return self.link()

    def link(self) -> Path:
        """Have the commit name the content and the revision the commit; where links fail the content itself moves."""
        self.pointer.parent.mkdir(parents=True, exist_ok=True)
        if not self.pointer.is_file():
            self.pointer.unlink(missing_ok=True)
            try:
                self.pointer.symlink_to(os.path.relpath(self.blob, self.pointer.parent))
            except OSError:
                self.blob.replace(self.pointer)
        if self.variant.revision != self.info.commit:
            ref = self.folder / "refs" / self.variant.revision
            ref.parent.mkdir(parents=True, exist_ok=True)
            _write(ref, self.info.commit)
        return self.pointer


def _notes(folder: Path, path: str) -> Iterator[Path]:
    """The notes of unfinished downloads of a file."""
    for note in (folder / "blobs").glob(f"*{NOTE}"):
        with suppress(OSError, ValueError):
            noted = json.loads(note.read_text(encoding="utf-8"))
            if isinstance(noted, dict) and noted.get("path") == path:
                yield note


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{uuid.uuid4().hex}.tmp")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
