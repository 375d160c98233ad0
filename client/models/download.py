"""One file from the hub into its cache, going on where an earlier try was cut or killed.

huggingface_hub starts a large file again from zero after either (since 1.18), so the ranged read is our own. Every
chunk is written as it comes, without a buffer: what a killed process leaves is what it had.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from filelock import Timeout
from huggingface_hub.utils import WeakFileLock, httpx

from client.models.cache import Entry
from client.models.events import Checking, Event, Progress, Retrying, Stalled, Started, Waiting
from client.models.hub import Busy, Hub, host, pause, reading, reason_of
from client.models.place import words
from client.models.rates import Meter
from workflows.errors import StudioError

READ_CHUNK = 4 * 2**20
LOCK_SECONDS = 0.5


@dataclass(frozen=True)
class Limits:
    """How patient a download is: seconds without a byte, tries in a row without progress, seconds between reports.

    `trickle` is the least bytes that come in `stall` seconds: what gives less is as good as cut. `damaged` is how
    often a whole file may arrive with the wrong hash, `backoff` the seconds before the second try.
    """

    stall: float = 30.0
    trickle: int = 32 * 1024
    tries: int = 6
    damaged: int = 2
    report: float = 0.5
    backoff: float = 0.5
    workers: int = 2


class StopAsked(Exception):
    """Fetching is to end now; `done` bytes of the file stay."""

    def __init__(self, done: int) -> None:
        super().__init__(done)
        self.done = done


class _Cut(Exception):
    """The connection ended before the file did."""


class _Wrong(Exception):
    """What the server offers can't be the file, or the rest of it."""


class _Stale(Exception):
    """The server has no bytes where the part ends, so that the part can't be of its file."""


@dataclass(frozen=True)
class Fetched:
    """The file's path in the cache, how many bytes came over the network, and whether a hash proved them."""

    path: Path
    bytes: int
    verified: bool


def fetch(hub: Hub, entry: Entry, tell: Callable[[Event], None], limits: Limits, stop: threading.Event) -> Fetched:
    """Have the file in the cache. `tell` hears what happens.

    Raises StopAsked, and StudioError `model_damaged`, `download_broken`, `model_not_kept`, `hub_busy` or what
    `hub.reading` raises.
    """
    file = entry.variant.file
    try:
        entry.begin()
        with _alone(entry, tell, stop):
            if entry.blob.is_file() or entry.pointer.is_file():
                return Fetched(entry.link(), 0, True)
            return _Download(hub, entry, tell, limits, stop).run()
    except OSError as error:
        raise StudioError("model_not_kept", file=file, path=entry.blob.parent, reason=words(error)) from error


@contextmanager
def _alone(entry: Entry, tell: Callable[[Event], None], stop: threading.Event) -> Iterator[None]:
    """Hold the lock that every program which fetches this content takes."""
    told = False
    while not stop.is_set():
        lock = WeakFileLock(entry.lock, timeout=LOCK_SECONDS)
        try:
            lock.__enter__()
        except Timeout:
            if not told:
                tell(Waiting(entry.variant.file))
                told = True
            continue
        try:
            yield
        finally:
            lock.__exit__(None, None, None)
        return
    raise StopAsked(entry.have())


class _Download:
    """One file under its lock."""

    def __init__(
        self, hub: Hub, entry: Entry, tell: Callable[[Event], None], limits: Limits, stop: threading.Event
    ) -> None:
        self.hub, self.entry, self.tell, self.limits, self.stop = hub, entry, tell, limits, stop
        self.file, self.size = entry.variant.file, entry.info.size
        self.done = self.fetched = 0
        self.hash = _hash(entry.info.etag, self.size)
        self.meter = Meter()
        self.reported = 0.0

    def run(self) -> Fetched:
        """Fetch, verify, keep."""
        for _ in range(self.limits.damaged):
            self._fill()
            verified = self.hash is None or self.hash.hexdigest() == self.entry.info.etag
            if verified:
                return Fetched(self.entry.keep(), self.fetched, self.hash is not None)
            self.entry.part.unlink(missing_ok=True)
            self.tell(Retrying(self.file, "it arrived damaged", 0.0))
        raise StudioError("model_damaged", file=self.file, reason="its hash is another than the hub's")

    def _fill(self) -> None:
        """Have the whole part, through as many connections as it takes."""
        self.tell(Started(self.file, self.size, min(self.entry.have(), self.size)))
        with self.entry.part.open("a+b", buffering=0) as part:
            self._take_up(part)
            failures = 0
            while self.done < self.size:
                before = self.done
                try:
                    self._connect(part)
                    continue
                except httpx.ReadTimeout:
                    reason, wait = "no data came", None
                    self.tell(Stalled(self.file, self.limits.stall))
                except httpx.HTTPError as error:
                    reason, wait = reason_of(error), None
                except (_Cut, _Wrong) as error:
                    reason, wait = str(error), None
                except _Stale as error:
                    self._start_over(part)
                    reason, wait = str(error), None
                except Busy as error:
                    reason, wait = error.reason, error.wait
                failures = 1 if self.done > before else failures + 1
                if failures >= self.limits.tries:
                    endpoint = host(self.hub.endpoint)
                    raise StudioError(
                        "download_broken", file=self.file, endpoint=endpoint, tries=failures, reason=reason
                    )
                self._pause(reason, pause(wait, failures - 1, self.limits.backoff))

    def _take_up(self, part: BinaryIO) -> None:
        """Read what an earlier run left, for the hash; a part that is longer than the file is none of it."""
        self.hash, self.done = _hash(self.entry.info.etag, self.size), 0
        if part.seek(0, 2) > self.size:
            part.truncate(0)
        part.seek(0)
        while chunk := part.read(READ_CHUNK):
            self._check_stop()
            if self.hash:
                self.hash.update(chunk)
            self.done += len(chunk)
            self._report(Checking(self.file, self.done, self.size))

    def _connect(self, part: BinaryIO) -> None:
        """Take what one connection gives. Raises _Cut, _Wrong or _Stale where that isn't all."""
        start = self.done
        with reading(self.hub, self.entry.variant, self.entry.info.commit, start, self.limits.stall) as response:
            skip = self._offset(response, start)
            since, count = time.monotonic(), 0
            for chunk in response.iter_raw():
                self._check_stop()
                dropped, skip = chunk[:skip], max(0, skip - len(chunk))
                self._take(part, chunk[len(dropped) :])
                count += len(chunk)
                if time.monotonic() - since >= self.limits.stall:
                    if count < self.limits.trickle and self.done < self.size:
                        raise _Cut(f"hardly anything came for {self.limits.stall:g} s")
                    since, count = time.monotonic(), 0
        if self.done < self.size:
            raise _Cut("the connection ended early")

    def _offset(self, response: Any, start: int) -> int:
        """How many of the first bytes are there already: all before `start` where the server ignores the range."""
        if response.status_code == 416:
            raise _Stale("the server has no such range")
        length = response.headers.get("content-length")
        if response.status_code == 200:
            expected, skip = self.size, start
        else:
            given = response.headers.get("content-range", "")
            if not given.startswith(f"bytes {start}-") or not given.endswith(("/*", f"/{self.size}")):
                raise _Wrong("the server sent another range")
            expected, skip = self.size - start, 0
        if length is not None and length.isdigit() and int(length) != expected:
            raise _Wrong("the server's file has another length")
        return skip

    def _take(self, part: BinaryIO, chunk: bytes) -> None:
        if not chunk:
            return
        if self.done + len(chunk) > self.size:
            raise _Wrong("the server's file has another length")
        view = memoryview(chunk)
        while view:
            view = view[part.write(view) :]
        if self.hash:
            self.hash.update(chunk)
        self.done += len(chunk)
        self.fetched += len(chunk)
        self.meter.add(len(chunk))
        left = self.meter.left(self.size - self.done)
        self._report(Progress(self.file, self.done, self.size, self.meter.rate(), left))

    def _start_over(self, part: BinaryIO) -> None:
        part.truncate(0)
        self.hash, self.done = _hash(self.entry.info.etag, self.size), 0

    def _pause(self, reason: str, seconds: float) -> None:
        self.tell(Retrying(self.file, reason, seconds))
        if self.stop.wait(seconds):
            raise StopAsked(self.done)

    def _check_stop(self) -> None:
        if self.stop.is_set():
            raise StopAsked(self.done)

    def _report(self, event: Event) -> None:
        now = time.monotonic()
        if now - self.reported >= self.limits.report or self.done == self.size:
            self.reported = now
            self.tell(event)


def _hash(etag: str, size: int) -> Any:
    """The hash that an ETag of the hub is: sha256 of a large file, git's of a small one; None where it is neither."""
    if len(etag) == 64 and _is_hex(etag):
        return hashlib.sha256()
    if len(etag) == 40 and _is_hex(etag):
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    return None


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdef" for character in text)
