"""Videos packed into one ZIP file, with their settings and graphs, in a thread of its own.

The file grows on disk under another name and is renamed when it is whole; nothing is held in memory.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from client.shelf import Shelf, batches, outputs_of
from client.store import Row
from workflows.errors import StudioError
from workflows.values import Media

log = logging.getLogger(__name__)
PARTIAL = ".part"
SPARE_BYTES = 100_000_000
"""What must stay free on the disk."""
KEPT_SECONDS = 3600.0
"""How long a finished file waits to be fetched."""
CHUNK_BYTES = 1 << 20
FIRST_MOMENT, LAST_MOMENT = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
"""What a ZIP file can call a time; a clock that was never set lies before."""

Named = Callable[[Row, str], str]
"""What a job's file is called in the ZIP, by its extension."""


@dataclass(frozen=True)
class Export:
    """How far an export is: `done` of `of` videos, `lost` of them without their file.

    `name` is the ZIP file in the exports folder once it is whole, `size` its bytes; `error` says why there will be
    none.
    """

    id: str
    owner: str
    of: int
    done: int = 0
    lost: int = 0
    name: str = ""
    size: int = 0
    error: StudioError | None = None

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to wait for."""
        return bool(self.name) or self.error is not None


class Stopped(Exception):
    """Nobody wants the file any more."""


class Exporter:
    """The exports of this process; files lie in `folder`, one per owner at most."""

    def __init__(self, shelf: Shelf, folder: Path) -> None:
        self.folder = folder
        self._shelf = shelf
        self._lock = threading.Lock()
        self._exports: dict[str, tuple[Export, threading.Event]] = {}

    def start(self, owner: str, ids: Sequence[str], named: Named) -> Export:
        """Pack an owner's videos in this order; an earlier export of the owner is dropped."""
        self.drop(owner)
        self._sweep(time.time())
        export, stop = Export(uuid.uuid4().hex, owner, len(ids)), threading.Event()
        with self._lock:
            self._exports[owner] = export, stop
        arguments = (export, tuple(ids), named, stop)
        threading.Thread(target=self._run, args=arguments, name=f"export-{export.id[:8]}", daemon=True).start()
        return export

    def get(self, owner: str) -> Export | None:
        """An owner's export as it stands now; None without one."""
        with self._lock:
            found = self._exports.get(owner)
        return found[0] if found else None

    def drop(self, owner: str) -> None:
        """Stop an owner's export and remove its file."""
        with self._lock:
            found = self._exports.pop(owner, None)
        if found:
            found[1].set()
            with suppress(OSError):
                (self.folder / _name(found[0])).unlink(missing_ok=True)

    def close(self) -> None:
        """Stop all of them."""
        with self._lock:
            for _, stop in self._exports.values():
                stop.set()

    def _sweep(self, now: float) -> None:
        """Remove what an earlier process or a reader who never came has left."""
        with self._lock:
            known = {_name(export) for export, _ in self._exports.values()}
        for path in self.folder.glob("*") if self.folder.is_dir() else ():
            if path.name not in known and now - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink(missing_ok=True)

    def _run(self, export: Export, ids: Sequence[str], named: Named, stop: threading.Event) -> None:
        target = self.folder / _name(export)
        partial = target.with_name(f".{target.name}{PARTIAL}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            export = self._pack(export, ids, named, stop, partial)
            partial.replace(target)
            self._set(replace(export, name=target.name, size=target.stat().st_size))
        except Stopped:
            pass
        except StudioError as error:
            self._set(replace(export, error=error))
        except Exception as error:
            log.exception("export %s", export.id)
            reason = getattr(error, "strerror", None) or type(error).__name__
            self._set(replace(export, error=StudioError("export_failed", reason=reason)))
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
                if stop.is_set():
                    target.unlink(missing_ok=True)

    def _pack(self, export: Export, ids: Sequence[str], named: Named, stop: threading.Event, partial: Path) -> Export:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            for some in batches(ids):
                rows = self._rows(export.owner, some)
                self._check_room(rows)
                for job_id in some:
                    lost = job_id not in rows or not self._add(archive, rows[job_id], named, stop)
                    export = replace(export, done=export.done + 1, lost=export.lost + lost)
                    self._set(export)
        if export.lost == export.of:
            raise StudioError("nothing_to_export")
        return export

    def _rows(self, owner: str, ids: Sequence[str]) -> dict[str, Row]:
        marks = ", ".join("?" * len(ids))
        found = self._shelf.store.rows(f"WHERE owner = ? AND deleted_at IS NULL AND id IN ({marks})", owner, *ids)
        return {row.id: row for row in found}

    def _check_room(self, rows: dict[str, Row]) -> None:
        needed = sum(output.size for row in rows.values() for output in outputs_of(row))
        free = shutil.disk_usage(self.folder).free
        if needed + SPARE_BYTES > free:
            raise StudioError("no_room_for_export", needed=needed / 1e9, free=free / 1e9)

    def _add(self, archive: zipfile.ZipFile, row: Row, named: Named, stop: threading.Event) -> bool:
        """Put a job's videos, settings and graph into the archive; False when there is no video any more."""
        paths = [self._shelf.folder / output.name for output in outputs_of(row)]
        there = [path for path in paths if path.is_file()]
        for number, path in enumerate(there):
            extension = path.suffix.lstrip(".")
            name = named(row, extension if number == 0 else f"{number + 1}.{extension}")
            _copy(archive, path, name, row.finished_at or row.created_at, stop)
        if there:
            settings = json.dumps(settings_of(row), indent=2, ensure_ascii=False)
            archive.writestr(named(row, "settings.json"), settings, zipfile.ZIP_DEFLATED)
            graph = json.dumps(self._shelf.store.graph(row.id) or {}, indent=2)
            archive.writestr(named(row, "graph.json"), graph, zipfile.ZIP_DEFLATED)
        return bool(there)

    def _set(self, export: Export) -> None:
        with self._lock:
            found = self._exports.get(export.owner)
            if found and found[0].id == export.id:
                self._exports[export.owner] = export, found[1]


def _name(export: Export) -> str:
    return f"{export.id}.zip"


def _copy(archive: zipfile.ZipFile, path: Path, name: str, then: float, stop: threading.Event) -> None:
    """A file as it is: a video can't be made smaller by packing. Raises Stopped."""
    made = zipfile.ZipInfo(name, min(max(time.localtime(then)[:6], FIRST_MOMENT), LAST_MOMENT))
    made.external_attr = 0o644 << 16
    made.file_size = path.stat().st_size
    with path.open("rb") as source, archive.open(made, "w") as sink:
        while chunk := source.read(CHUNK_BYTES):
            if stop.is_set():
                raise Stopped
            sink.write(chunk)


def settings_of(row: Row) -> dict[str, Any]:
    """Everything that was asked for and what came of it, as JSON can hold it; no path of this machine."""
    files = {name: value.source for name, value in row.request.items() if isinstance(value, Media) and value.source}
    return {
        "id": row.id,
        "mode": row.mode,
        "preset": row.preset,
        "values": row.named_values(),
        "files": files,
        "enhanced_prompt": row.enhanced,
        "made": {"width": row.width, "height": row.height, "frames": row.frames, "fps": row.fps},
        "times": {
            "created_at": row.created_at,
            "posted_at": row.posted_at,
            "started_at": row.started_at,
            "finished_at": row.finished_at,
        },
        "outputs": [asdict(output) for output in outputs_of(row)],
    }
