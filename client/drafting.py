"""The built-in draft engine beside an engine that makes the real thing: a child of this process, there on demand.

It is started with the first draft and ended after a while without any. It takes over a listening socket that is opened
here, so that its address is known before it runs, and stays the same however often it is started. It ends with this
process, however that ends: its standard input is a pipe from here.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from client.engine import Engine
from client.machine import single
from client.store import Row

log = logging.getLogger(__name__)
NAME = "draft"
"""What `jobs.engine` says of a job for this engine; it is empty for the studio's own."""
SKETCH = "own-draft"
"""What stands there where the studio's own engine was the draft engine."""
IDLE_SECONDS = 120.0
END_SECONDS = 10.0
MOST_STARTS = 3
"""How often in a row it is started anew while somebody waits for it."""
CHECKOUT = Path(__file__).resolve().parents[1]
PRIVATE = ("STUDIO_", "HF_", "AWS_", "SUPERVISOR_")
"""Beginnings of variables that are not its business, tokens among them."""


class DraftEngine:
    """One such engine with its files in a folder of its own under `folder`; what it says goes to `log`."""

    def __init__(self, folder: Path, log_file: Path, max_upload_mb: int, idle_seconds: float = IDLE_SECONDS) -> None:
        self._folder = folder
        self._log_file = log_file
        self._max_upload_mb = max_upload_mb
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        """Held while it is started or ended."""
        self._opening = threading.Lock()
        self._socket: socket.socket | None = None
        self._base: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._users = 0
        self._timer: threading.Timer | None = None

    @property
    def url(self) -> str:
        """Its address; connections wait there until it runs. Raises OSError where no port can be had."""
        return f"http://127.0.0.1:{self._listening().getsockname()[1]}"

    def _listening(self) -> socket.socket:
        with self._opening:
            if self._socket is None:
                self._socket = socket.create_server(("127.0.0.1", 0))
            return self._socket

    @property
    def pid(self) -> int:
        """The process, 0 while there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else 0

    def snapshot(self) -> Engine:
        """What is known of it without asking."""
        return Engine(url=self.url, status="alive", draft=True, device="CPU", machine=single("CPU", "cpu"))

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """It runs at least as long as this."""
        with self._lock:
            self._users += 1
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._process is None:
                self._start(MOST_STARTS)
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users and self._process is not None:
                    self._timer = threading.Timer(self._idle_seconds, self._rest)
                    self._timer.daemon = True
                    self._timer.start()

    def close(self) -> None:
        """End it for good, and remove its files."""
        with self._lock, self._opening:
            if self._timer is not None:
                self._timer.cancel()
            self._end()
            if self._socket is not None:
                self._socket.close()
                self._socket = None
            if self._base is not None:
                shutil.rmtree(self._base, ignore_errors=True)
                self._base = None

    def _rest(self) -> None:
        with self._lock:
            if not self._users:
                self._end()

    def _end(self) -> None:
        """End the process and wait until it is gone: two must not answer at one address. Under the lock."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self, starts: int) -> None:
        """Start the process; under the lock."""
        if self._base is None:
            self._base = _own_folder(self._folder)
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        handle = self._listening().fileno()
        command = [
            "-m",
            "bootstrap.draft",
            "--socket",
            str(handle),
            "--while-stdin",
            "--base-directory",
            str(self._base),
        ]
        with self._log_file.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, *command, "--max-upload-size", str(self._max_upload_mb)],
                cwd=CHECKOUT,
                env=_environment(os.environ),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                pass_fds=(handle,),
            )
        threading.Thread(target=self._mind, args=(self._process, starts - 1), name="draft-engine", daemon=True).start()

    def _mind(self, process: subprocess.Popen[bytes], starts: int) -> None:
        """Start it anew where it ends while somebody waits for it."""
        code = process.wait()
        with self._lock:
            if self._process is not process:
                return
            self._process = None
            log.warning("the draft engine ended by itself (%s)", code)
            if self._users and starts:
                self._start(starts)


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in inherited.items() if not name.startswith(PRIVATE)}


def _own_folder(folder: Path) -> Path:
    """A new folder that says whose it is; those of processes that are gone are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.iterdir():
        owner = other.name.partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(other, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=folder))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def drafted(row: Row) -> Row:
    """A job as the draft engine is asked for it: it has none of a person's own LoRAs, and needs none."""
    return replace(row, request={**row.request, "loras": ()})
