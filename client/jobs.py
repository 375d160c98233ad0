"""The jobs of this process: four verbs (submit, cancel, retry, delete) and snapshots.

One `JobManager` serves the whole process, reached by `manager()`. Jobs run in daemon threads and outlive pages, tabs
and, through the store, the process itself: jobs that were open when it ended are followed again at the next start.
"""

from __future__ import annotations

import fcntl
import math
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from client import changes, drafting, library, settings
from client.changes import Changes
from client.drafting import DraftEngine
from client.engine import Engine, Monitor
from client.estimate.estimator import Estimator
from client.estimate.model import Estimate
from client.estimate.recorder import Recorder
from client.exporting import Exporter
from client.housekeeping import Housekeeper, Keep
from client.job import Job as Job
from client.job import snapshot
from client.order import Move, Order, Traffic
from client.overseer import Limits, Overseer
from client.pace import Pace
from client.reducer import Track
from client.shelf import EVERYTHING, Shelf, Wanted, files_of
from client.states import Failed, Queued, Running, is_final
from client.store import DATABASE, NewJob, Row, Store
from client.transport import LOOPBACK, Server
from client.watcher import Watcher
from workflows import manifest
from workflows.access import Access
from workflows.errors import StudioError
from workflows.graph import Graph
from workflows.request import Request, check_count, check_jobs, parse

STOP_SECONDS = 2.0
PACE = Pace()
UNLIMITED = Limits()
TOO_MUCH_MEMORY = ("out_of_memory", "engine_out_of_memory")
TOO_MUCH_TIME = ("budget_spent", "engine_silent")
"""Ends after which a smaller request may do better."""
MAX_UPLOAD_MB = 200


class JobManager:
    """All jobs on one engine, with their database and library under `data`.

    People's own graphs lie there, too, or in the data folder `graphs` where that is another. `limits` say how
    long jobs may run and wait, and what runs are timed by. `keep` says how long videos are kept; for ever by default.
    What runs teach about time is kept in `lessons`, which stays open, where that is another database.
    """

    def __init__(
        self,
        data: Path,
        server_url: str,
        pace: Pace = PACE,
        access: Access | None = None,
        graphs: Path | None = None,
        limits: Limits = UNLIMITED,
        max_upload_mb: int = MAX_UPLOAD_MB,
        keep: Keep | None = None,
        lessons: Store | None = None,
    ) -> None:
        self.folder = data / "library"
        self._graphs = graphs or data
        self.uploads = data / "uploads"
        self._server_url = server_url
        self._access = access
        self._pace = pace
        self._limits = limits
        self._store = Store(data / DATABASE)
        self.shelf = Shelf(self._store, self.folder, self.uploads)
        self.exports = Exporter(self.shelf, data / "exports")
        self.changes = Changes()
        self._monitor = Monitor(self._server(), self._graphs, partial(self.changes.tell, ""))
        local = urlsplit(server_url).hostname in LOOPBACK
        self.estimates = Estimator(lessons or self._store, self._monitor.snapshot, self._graphs, local)
        self.drafts = DraftEngine(data / "drafts", data / "logs" / "drafts.log", max_upload_mb)
        self._draft_estimates = Estimator(lessons or self._store, self.drafts.snapshot, self._graphs)
        self._lock = threading.Lock()
        self._watchers: dict[str, tuple[Watcher, threading.Thread]] = {}
        self._tracks: dict[str, Track] = {}
        self._order, self._draft_order = Order(self._store), Order(self._store)
        # Two studios on one folder (a plain `streamlit run` beside a supervised one) must not both adopt what is open.
        self._adoption = _locked(data / "studio.lock")
        if self._adoption is not None:
            library.sweep(self.folder)
            for row in self._order.sorted(self._store.open_jobs()):
                self._watch(row)
        self._housekeeper = Housekeeper(self.shelf, keep or Keep()) if self._adoption is not None else None

    def _server(self) -> Server:
        return Server(self._server_url, self._access)

    def close(self) -> None:
        """Let go of all jobs without ending them, and close the database."""
        with self._lock:
            watched = list(self._watchers.values())
        for watcher, _ in watched:
            watcher.stop()
        deadline = time.monotonic() + STOP_SECONDS
        for _, thread in watched:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._monitor.close()
        self.drafts.close()
        self.exports.close()
        if self._housekeeper is not None:
            self._housekeeper.close()
        self._store.close()
        if self._adoption is not None:
            self._adoption.close()

    def engine(self) -> Engine:
        """The engine's newest snapshot; never waits."""
        return self._monitor.snapshot()

    def loras(self) -> tuple[str, ...]:
        """The person's own LoRAs in the engine's list, sorted; empty where unknown. Never waits."""
        return self._monitor.snapshot().loras

    def estimate(self, request: Request) -> Estimate | None:
        """How long a request would take and what memory, None while that is unknown; never waits."""
        return self.estimates.request(request)

    def smaller(self, request: Request, cap: float | None = None) -> dict[str, Any] | None:
        """The fields to change so that a request fits into the device's memory or, where `cap` is given, that time."""
        return self.estimates.smaller(request, cap)

    def submit(self, request: Request, owner: str) -> Job:
        """Start a job. Its row is written before anything is sent; uploading and sending happen in its own thread."""
        return self._start([_new(request, owner)])[0]

    def can_draft(self) -> bool:
        """Whether drafts make sense: the studio's own engine is known to be another one than the draft engine."""
        engine = self._monitor.snapshot()
        return engine.status != "starting" and not engine.draft

    def submit_draft(self, request: Request, owner: str) -> Job:
        """Have a request drawn by the draft engine beside the studio's own, which is started if it does not run."""
        (job,) = self._start([_new(request, owner, engine=drafting.NAME)])
        return job

    def submit_all(self, requests: Sequence[Request], owner: str) -> list[Job]:
        """Start variations as one group, sent in this order: all rows are written, or none.

        One request alone makes no group. Raises StudioError `value_out_of_range` for none or more than
        `MAX_VARIATIONS`.
        """
        return self.submit_list([requests], owner)

    def submit_list(self, groups: Sequence[Sequence[Request]], owner: str) -> list[Job]:
        """Start several requests, each with its variations as a group, sent in this order: all rows, or none.

        Raises StudioError `value_out_of_range` as `submit_all` does, and `too_many_jobs`.
        """
        check_jobs(sum(map(len, groups)))
        new: list[NewJob] = []
        for requests in groups:
            check_count(len(requests))
            group = uuid.uuid4().hex if len(requests) > 1 else None
            new += [_new(request, owner, group_id=group) for request in requests]
        return self._start(new)

    def group(self, group_id: str) -> list[Job]:
        """The variations of a group in the order of their seeds, a retry behind the job that it repeats."""
        jobs = self._jobs(self._store.group(group_id))
        places: dict[Any, int] = {}
        for job in jobs:
            places.setdefault(job.values["seed"], len(places))
        return sorted(jobs, key=lambda job: places[job.values["seed"]])

    def _start(self, new: Sequence[NewJob]) -> list[Job]:
        self._store.add_all(new, time.time())
        rows = [self._row(job.id) for job in new]
        for row in rows:
            self._watch(row)
            self.changes.tell(row.owner)
        return [self._job(row) for row in rows]

    def cancel(self, job_id: str) -> None:
        """Ask for a job to be stopped; one that has ended is left alone. The engine may still finish it."""
        if self._store.ask_cancel(job_id):
            with self._lock:
                watched = self._watchers.get(job_id)
            if watched:
                watched[0].cancel()
            else:
                self._watch(self._row(job_id))
            self.changes.tell(self._row(job_id).owner)

    def retry(self, job_id: str) -> Job:
        """Start the same request again, seed and group included. Raises StudioError `job_unknown`."""
        row = self._row(job_id)
        request = parse(row.mode, {**row.request, "preset": row.preset})
        (job,) = self._start([_new(request, row.owner, job_id, row.group_id, row.engine)])
        return job

    def fitting(self, job: Job) -> dict[str, Any] | None:
        """The fields to change so that a job that failed for want of memory or time fits; None where none is known."""
        code = job.state.code if isinstance(job.state, Failed) else ""
        if code not in (*TOO_MUCH_MEMORY, *TOO_MUCH_TIME):
            return None
        try:
            request = parse(job.mode, {**job.values, "preset": job.preset})
        except StudioError:
            return None
        return self.smaller(request, (self._limits.cap or math.inf) if code in TOO_MUCH_TIME else None)

    def retry_smaller(self, job_id: str) -> Job:
        """Start a failed job's request anew with what `fitting` says. Raises `job_unknown` or `nothing_smaller`."""
        row = self._row(job_id)
        changes = self.fitting(self._job(row))
        if changes is None:
            raise StudioError("nothing_smaller")
        request = parse(row.mode, {**row.request, "preset": row.preset, **changes})
        (job,) = self._start([_new(request, row.owner, job_id, row.group_id, row.engine)])
        return job

    def delete(self, job_id: str) -> None:
        """Remove a job that has ended, and its files. Raises StudioError `job_unknown` or `job_active`."""
        row = self._row(job_id)
        if not is_final(row.state) or not self._store.delete(job_id):
            raise StudioError("job_active")
        library.remove(self.folder, files_of(row))
        self.changes.tell(row.owner)

    def get(self, job_id: str) -> Job | None:
        """One job, or None."""
        row = self._store.get(job_id)
        return self._job(row) if row and row.mode in manifest.MODES else None

    def graph(self, job_id: str) -> Graph:
        """The graph as it was sent; empty while it has not been built. Raises StudioError `job_unknown`."""
        self._row(job_id)
        return self._store.graph(job_id) or {}

    def jobs(self, owner: str, limit: int = 50, offset: int = 0, mode: str | None = None) -> list[Job]:
        """An owner's jobs in any state, newest first."""
        return self._jobs(self._store.page(owner, limit, offset, mode))

    def active(self, owner: str) -> list[Job]:
        """An owner's jobs that wait or run, in the order in which they are sent."""
        places = {job_id: place for place, job_id in enumerate(self._order.held(owner), 1)}
        return self._jobs(sorted(self._store.open_jobs(owner), key=lambda row: places.get(row.id, 0)))

    def move(self, job_id: str, to: Move) -> bool:
        """Change the place of a job that is held back, among its owner's; False where it can't be moved so."""
        moved = self._order.move(job_id, to)
        if moved:
            self.changes.tell(self._row(job_id).owner)
        return moved

    def traffic(self, owner: str) -> Traffic:
        """What runs and waits, of an owner and of all others; never waits."""
        with self._lock:
            running = {job_id: isinstance(track.state, Running) for job_id, track in self._tracks.items()}
        return self._order.traffic(owner, running, self._monitor.snapshot().queue)

    def library(self, owner: str, limit: int = 50, offset: int = 0, wanted: Wanted = EVERYTHING) -> list[Job]:
        """An owner's finished videos, newest first."""
        return self._jobs(self.shelf.page(owner, wanted, limit, offset))

    def deleted(self, owner: str) -> list[Job]:
        """An owner's deleted videos that can still be had back, the last deleted first."""
        return self._jobs(self.shelf.discarded(owner))

    def wait(self, job_id: str, seconds: float | None = None) -> None:
        """Wait until the job is no longer followed here."""
        with self._lock:
            watched = self._watchers.get(job_id)
        if watched:
            watched[1].join(seconds)

    def _jobs(self, rows: Iterable[Row]) -> list[Job]:
        # A database may hold jobs of a mode that this version of the studio does not have.
        return [self._job(row) for row in rows if row.mode in manifest.MODES]

    def _row(self, job_id: str) -> Row:
        row = self._store.get(job_id)
        if row is None:
            raise StudioError("job_unknown", value=job_id)
        return row

    def _watch(self, row: Row) -> None:
        with self._lock:
            if row.id in self._watchers:
                return
            draft = row.engine == drafting.NAME
            turn = (self._draft_order if draft else self._order).join(row)
            limits = replace(self._limits, queue=None, ours=True, events=None) if draft else self._limits
            watcher = Watcher(
                drafting.drafted(row) if draft else row,
                self._store,
                Server(self.drafts.url) if draft else self._server(),
                self.folder,
                self.folder if draft else self._graphs,
                partial(self._publish, row),
                turn,
                self._pace,
                Recorder(self._draft_estimates if draft else self.estimates, row.prompt_id, limits.clock),
                Overseer(limits, row.attempt, max(0.0, time.time() - (row.started_at or time.time()))),
            )
            thread = threading.Thread(target=self._follow, args=(watcher,), name=f"job-{row.id[:8]}", daemon=True)
            self._watchers[row.id] = (watcher, thread)
        thread.start()

    def _follow(self, watcher: Watcher) -> None:
        draft = watcher.row.engine == drafting.NAME
        try:
            with self.drafts.used() if draft else nullcontext():
                watcher.run()
        finally:
            with self._lock:
                self._watchers.pop(watcher.row.id, None)
                self._tracks.pop(watcher.row.id, None)
            self.changes.tell(watcher.row.owner)
            self._monitor.refresh()

    def _publish(self, row: Row, track: Track) -> None:
        with self._lock:
            before = self._tracks.get(row.id)
            self._tracks[row.id] = track
        changed = changes.between(before, track)
        if changed:
            self.changes.tell(row.owner, changed)

    def _job(self, row: Row) -> Job:
        with self._lock:
            track = self._tracks.get(row.id)
        held = row.id in self._order.held(row.owner)
        job = snapshot(row, track, held, time.time())
        return replace(job, state=self._behind(row, job.state)) if held and isinstance(job.state, Queued) else job

    def _behind(self, row: Row, state: Queued) -> Queued:
        """The state of a job that is held back, with the jobs ahead of it as far as they are known."""
        with self._lock:
            tracks = [self._tracks.get(job_id) for job_id in self._order.sent(row.owner)]
        states = [track.state if track else None for track in tracks]
        ahead = max(((one.position or 0) + 1 if isinstance(one, Queued) else 1 for one in states), default=0)
        line = self._order.held(row.owner)
        ahead += line.index(row.id) if row.id in line else 0
        return replace(state, position=ahead) if ahead else state


def _new(
    request: Request, owner: str, retry_of: str | None = None, group_id: str | None = None, engine: str = ""
) -> NewJob:
    kind = engine if engine == drafting.NAME else ""
    return NewJob(str(uuid.uuid4()), owner, request, uuid.uuid4().hex, retry_of, group_id, kind)


def _locked(path: Path) -> IO[bytes] | None:
    """The open file that holds the lock, None where another process or manager holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def limits_of(configured: settings.Settings, ours: bool) -> Limits:
    """The limits that the settings put on jobs, on an engine that is the studio's own or not."""
    return Limits(configured.budget_cap, configured.queue_limit, ours, events=configured.data if ours else None)


_manager: JobManager | None = None
_manager_lock = threading.Lock()


def manager() -> JobManager:
    """The one manager of this process, made from the settings on first use."""
    global _manager
    with _manager_lock:
        if _manager is None:
            configured = settings.read()
            _manager = JobManager(
                configured.data,
                configured.server_url,
                access=configured.comfyui_access,
                limits=limits_of(configured, ours=configured.comfyui_url is None),
                max_upload_mb=configured.max_upload_mb,
                keep=Keep(configured.keep_days, configured.keep_gb),
            )
        return _manager
