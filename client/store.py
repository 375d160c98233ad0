"""The jobs on disk: one SQLite file in WAL mode, one row a job.

A row is written before anything is sent and closed exactly once: `close_job` says whether it was the one to do it.
Rows hold no secrets. One connection serves all threads behind a lock; every call is short.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from client import search
from client.estimate.tables import TABLES as ESTIMATE_TABLES
from client.states import NAMES, Cancelled, Failed, JobState, Output, Queued, Running, Succeeded
from workflows.errors import StudioError
from workflows.graph import Graph
from workflows.request import Request
from workflows.values import Lora, Media, Value

DATABASE = "studio.db"
VERSION = 3
TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    mode TEXT NOT NULL,
    preset TEXT NOT NULL,
    request TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    fps REAL NOT NULL,
    client_id TEXT NOT NULL,
    retry_of TEXT,
    created_at REAL NOT NULL,
    graph TEXT,
    posted_at REAL,
    started_at REAL,
    cancel_asked INTEGER NOT NULL DEFAULT 0,
    finished_at REAL,
    state TEXT NOT NULL DEFAULT 'queued',
    result TEXT,
    poster TEXT,
    group_id TEXT,
    enhanced TEXT,
    attempt INTEGER NOT NULL DEFAULT 1,
    engine TEXT NOT NULL DEFAULT '',
    favourite INTEGER NOT NULL DEFAULT 0,
    deleted_at REAL
) STRICT
"""
MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: ("ALTER TABLE jobs ADD COLUMN group_id TEXT", "ALTER TABLE jobs ADD COLUMN enhanced TEXT"),
    2: (
        "ALTER TABLE jobs ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE jobs ADD COLUMN engine TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE jobs ADD COLUMN favourite INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN deleted_at REAL",
        "DROP INDEX jobs_in_library",
    ),
}
"""What turns a database of a version into one of the next."""
INDEXES = """
CREATE INDEX IF NOT EXISTS jobs_of_owner ON jobs (owner, created_at DESC);
CREATE INDEX IF NOT EXISTS library ON jobs (owner, finished_at DESC, mode, favourite, state, deleted_at)
    WHERE state = 'succeeded' AND deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS jobs_deleted ON jobs (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_open ON jobs (created_at) WHERE finished_at IS NULL;
CREATE INDEX IF NOT EXISTS jobs_of_group ON jobs (group_id) WHERE group_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS places (job_id TEXT PRIMARY KEY, place INTEGER NOT NULL) STRICT;
"""
MEDIA_KEY = "$media"


@dataclass(frozen=True)
class Row:
    """A job as stored. `request` maps field to value (Media included); times are unix seconds.

    `group_id` is shared by the variations of one request, `enhanced` the prompt as the engine has rewritten it.
    `attempt` counts how often it has been sent on purpose, 1 = once.
    `engine` is empty for the studio's own.
    `group_id` is shared by the variations of one request, `enhanced` the prompt as the engine has rewritten it. A job
    with `deleted_at` is shown nowhere, and gone for good some time after.
    """

    id: str
    owner: str
    mode: str
    preset: str
    request: Mapping[str, Any]
    width: int
    height: int
    frames: int
    fps: float
    client_id: str
    retry_of: str | None
    created_at: float
    posted_at: float | None
    started_at: float | None
    cancel_asked: bool
    finished_at: float | None
    state: JobState
    poster: str | None
    group_id: str | None
    enhanced: str | None
    favourite: bool
    deleted_at: float | None
    attempt: int = 1
    engine: str = ""

    @property
    def prompt_id(self) -> str:
        """The engine's name for the job: its id, for a later attempt another UUID that follows from it."""
        if self.attempt == 1:
            return self.id
        digest = hashlib.sha256(f"{self.id} {self.attempt}".encode()).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))

    def state_so_far(self) -> Queued | Running:
        """Where an open job was when it was last written down."""
        return Running() if self.started_at is not None else Queued()

    def named_values(self) -> dict[str, Any]:
        """The request's values as JSON can hold them, with files as the names a graph uses."""
        return {
            name: value.name if isinstance(value, Media) else _encoded(value) for name, value in self.request.items()
        }


COLUMNS = ", ".join([*(field.name for field in fields(Row)), "result"])


def encode_values(request: Request) -> str:
    """A request's values as JSON."""
    return json.dumps({name: _encoded(value) for name, value in request.values.items()})


def _encoded(value: Value) -> Any:
    if isinstance(value, Media):
        return {MEDIA_KEY: asdict(value)}
    return [asdict(row) for row in value] if isinstance(value, tuple) else value


def decode_values(text: str) -> dict[str, Any]:
    """The values `encode_values` wrote."""
    return {name: _decoded(value) for name, value in json.loads(text).items()}


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        return Media(**value[MEDIA_KEY])
    return tuple(Lora(**row) for row in value) if isinstance(value, list) else value


@dataclass(frozen=True)
class NewJob:
    """What is known of a job when its row is written."""

    id: str
    owner: str
    request: Request
    client_id: str
    retry_of: str | None = None
    group_id: str | None = None
    engine: str = ""


def _columns(job: NewJob) -> tuple[Any, ...]:
    request, shape = job.request, job.request.shape
    size = (shape.width, shape.height, shape.frames, shape.fps)
    values = encode_values(request)
    place = (job.client_id, job.retry_of, job.group_id, job.engine)
    return (job.id, job.owner, request.mode, request.preset, values, *size, *place)


class Store:
    """The database at `path`, made if it isn't there.

    All methods raise StudioError `database_failed` when the disk is full or the file locked for long.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._connection.row_factory = sqlite3.Row
        with self._lock:
            if self._version() > VERSION:
                raise StudioError("database_newer", path=path)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            with _coded(), _transaction(self._connection):
                self._make()

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _make(self) -> None:
        """Bring the file to this version. Under its lock, as another process may be doing the same."""
        version = self._version()
        if version == 0:
            self._connection.execute(TABLE)
        else:
            for older in range(version, VERSION):
                for statement in MIGRATIONS[older]:
                    self._connection.execute(statement)
        for statement in (*INDEXES.strip().split(";"), *ESTIMATE_TABLES):
            self._connection.execute(statement)
        search.prepare(self._connection)
        self._connection.execute(f"PRAGMA user_version={VERSION}")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def add(
        self,
        job_id: str,
        owner: str,
        request: Request,
        client_id: str,
        now: float,
        retry_of: str | None = None,
        group_id: str | None = None,
    ) -> None:
        """Write the row of a new job."""
        self.add_all([NewJob(job_id, owner, request, client_id, retry_of, group_id)], now)

    def add_all(self, jobs: Sequence[NewJob], now: float) -> None:
        """Write the rows of new jobs, all of them or none."""
        with self._lock, _coded(), _transaction(self._connection):
            self._connection.executemany(
                "INSERT INTO jobs (id, owner, mode, preset, request, width, height, frames, fps, client_id, retry_of,"
                " group_id, engine, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(*_columns(job), now) for job in jobs],
            )
            for job in jobs:
                search.add(self._connection, job.id)

    def set_graph(self, job_id: str, graph: Graph) -> None:
        """Keep the graph that is about to be sent."""
        self._run("UPDATE jobs SET graph = ? WHERE id = ?", json.dumps(graph), job_id)

    def set_posted(self, job_id: str, now: float) -> None:
        """The engine has accepted the job."""
        self._run("UPDATE jobs SET posted_at = ? WHERE id = ? AND posted_at IS NULL", now, job_id)

    def set_engine(self, job_id: str, engine: str) -> None:
        """What kind of engine makes the job."""
        self._run("UPDATE jobs SET engine = ? WHERE id = ?", engine, job_id)

    def set_started(self, job_id: str, now: float) -> None:
        """The engine has begun to execute the job."""
        self._run(
            "UPDATE jobs SET started_at = ?, state = 'running'"
            " WHERE id = ? AND started_at IS NULL AND finished_at IS NULL",
            now,
            job_id,
        )

    def begin_attempt(self, job_id: str, attempt: int) -> None:
        """The job is to be sent again, under another prompt id; what the engine has of it counts no more."""
        self._run(
            "UPDATE jobs SET attempt = ?, posted_at = NULL, started_at = NULL, state = 'queued'"
            " WHERE id = ? AND finished_at IS NULL",
            attempt,
            job_id,
        )

    def set_enhanced(self, job_id: str, text: str) -> None:
        """Keep the prompt as the engine has rewritten it."""
        self._run("UPDATE jobs SET enhanced = ? WHERE id = ?", text, job_id)

    def ask_cancel(self, job_id: str) -> bool:
        """Note that the job is to be cancelled; False when it has already ended."""
        return self._run("UPDATE jobs SET cancel_asked = 1 WHERE id = ? AND finished_at IS NULL", job_id) == 1

    def close_job(
        self, job_id: str, state: Succeeded | Failed | Cancelled, now: float, poster: str | None = None
    ) -> bool:
        """End the job. True for the one call that did it; later calls change nothing."""
        ended = self._run(
            "UPDATE jobs SET finished_at = ?, state = ?, result = ?, poster = ? WHERE id = ? AND finished_at IS NULL",
            now,
            NAMES[type(state)],
            json.dumps(asdict(state)),
            poster,
            job_id,
        )
        return ended == 1

    def delete(self, job_id: str) -> bool:
        """Remove the row of a job that has ended; False when there is none."""
        return self._run("DELETE FROM jobs WHERE id = ? AND finished_at IS NOT NULL", job_id) == 1

    def get(self, job_id: str) -> Row | None:
        """One job."""
        rows = self._rows("WHERE id = ?", job_id)
        return rows[0] if rows else None

    def graph(self, job_id: str) -> Graph | None:
        """The graph that was sent, if it came so far."""
        found = self._read("SELECT graph FROM jobs WHERE id = ?", job_id)
        loaded: Graph | None = json.loads(found[0]["graph"]) if found and found[0]["graph"] else None
        return loaded

    def open_jobs(self, owner: str | None = None) -> list[Row]:
        """All jobs, or all of this owner, that have not ended, oldest first."""
        return self._rows("WHERE finished_at IS NULL AND (?1 IS NULL OR owner = ?1) ORDER BY created_at, rowid", owner)

    def group(self, group_id: str) -> list[Row]:
        """The jobs of a group, oldest first."""
        return self._rows("WHERE group_id = ? AND deleted_at IS NULL ORDER BY created_at, rowid", group_id)

    def page(self, owner: str, limit: int, offset: int = 0, mode: str | None = None) -> list[Row]:
        """Jobs of an owner, newest first."""
        return self._rows(
            "WHERE owner = ? AND deleted_at IS NULL AND (? IS NULL OR mode = ?)"
            " ORDER BY created_at DESC, rowid DESC LIMIT ? OFFSET ?",
            *(owner, mode, mode, limit, offset),
        )

    def run(self, statement: str, *values: Any) -> int:
        """Change the table, for a module that asks more of it than a job does; how many rows are concerned."""
        return self._run(statement, *values)

    def read(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """Ask of the table, likewise."""
        return self._read(statement, *values)

    def rows(self, clause: str, *values: Any) -> list[Row]:
        """The jobs that a clause after FROM picks, likewise."""
        return self._rows(clause, *values)

    def change(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        """Execute statements of a module that keeps tables of its own here, all of them or none."""
        with self._lock, _coded(), _transaction(self._connection):
            for statement, values in statements:
                self._connection.execute(statement, values)

    def _run(self, statement: str, *values: Any) -> int:
        with self._lock, _coded():
            return self._connection.execute(statement, values).rowcount

    def _read(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock, _coded():
            return self._connection.execute(statement, values).fetchall()

    def _rows(self, clause: str, *values: Any) -> list[Row]:
        return [_row(dict(found)) for found in self._read(f"SELECT {COLUMNS} FROM jobs {clause}", *values)]


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _coded() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StudioError("database_failed", reason=error) from error


def _row(values: dict[str, Any]) -> Row:
    result = values.pop("result")
    values["request"] = decode_values(values["request"])
    values["cancel_asked"], values["favourite"] = bool(values["cancel_asked"]), bool(values["favourite"])
    values["state"] = _state(values["state"], json.loads(result) if result else {})
    return Row(**values)


def _state(name: str, result: dict[str, Any]) -> JobState:
    if name == "succeeded":
        return Succeeded(tuple(Output(**output) for output in result["outputs"]))
    if name == "failed":
        return Failed(**result)
    if name == "cancelled":
        return Cancelled()
    return Running() if name == "running" else Queued()
