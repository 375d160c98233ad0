"""A Hugging Face hub on loopback, and the storage host that it sends large files to, with faults on demand.

It speaks what downloads need: `HEAD` and `GET /<repo>/resolve/<revision>/<path>`, ETag, commit and size in the headers
that the hub uses for files in large-file storage, ranges on the storage host, errors through `X-Error-Code`.
"""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
WHO_AM_I = "/api/whoami-v2"
CHUNK = 16 * 1024
WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Seen:
    """A request as it arrived: on the `hub` or on its `storage`."""

    server: str
    method: str
    path: str
    headers: dict[str, str]

    @property
    def range(self) -> str:
        return self.headers.get("range", "")


@dataclass(frozen=True)
class Status:
    """Answer with a status and headers in place of the file."""

    code: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """End the connection after `after` bytes: orderly (fin) or not (rst)."""

    after: int
    how: str = "fin"


@dataclass(frozen=True)
class Stall:
    """Send `after` bytes, tell `reached`, then nothing more until `release`; the connection stays open."""

    after: int
    reached: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Drip:
    """Send `size` bytes at a time and wait `seconds` after each."""

    size: int = 1024
    seconds: float = 0.1


@dataclass(frozen=True)
class Whole:
    """Ignore the range: status 200 and all of the file."""


@dataclass(frozen=True)
class Other:
    """Serve other content in place of the file, with a fitting length of its own."""

    content: bytes


@dataclass(frozen=True)
class Chunked:
    """Send all of the rest, and these bytes behind it, without naming a length."""

    more: bytes = b""


Fault = Status | Cut | Stall | Drip | Whole | Other | Chunked


class FakeHub:
    """Files by (repository, path), what was asked, and the faults to come: one for each request, or for ever."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], bytes] = {}
        self.seen: list[Seen] = []
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.head_faults: dict[str, list[Fault]] = defaultdict(list)
        self.forever: dict[str, Fault] = {}
        self.gated: set[str] = set()
        self.stalls: list[Stall] = []
        self.etags: dict[str, str] = {}
        self.url = self.storage = ""

    def add(self, repo: str, path: str, content: bytes) -> bytes:
        self.files[repo, path] = content
        return content

    def gets(self, path: str, server: str = "storage") -> list[Seen]:
        """The reads of a file that arrived, in order."""
        return [seen for seen in self.seen if seen.method == "GET" and seen.server == server and path in seen.path]

    def ranges(self, path: str) -> list[str]:
        return [seen.range for seen in self.gets(path)]

    def etag(self, repo: str, path: str) -> str:
        return self.etags.get(path) or hashlib.sha256(self.files[repo, path]).hexdigest()

    def fault(self, path: str, method: str) -> Fault | None:
        waiting = (self.head_faults if method == "HEAD" else self.faults)[path]
        found = waiting.pop(0) if waiting else self.forever.get(path) if method == "GET" else None
        if isinstance(found, Stall):
            self.stalls.append(found)
        return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub
    name = "hub"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.hub.seen.append(Seen(self.name, self.command, self.path, headers))
        with suppress(ConnectionError):
            self._file() if self.name == "storage" else self._resolve()

    def _resolve(self) -> None:
        repo, _, rest = self.path.lstrip("/").partition("/resolve/")
        revision, _, path = rest.partition("/")
        if self.path == WHO_AM_I:
            self._account()
            return
        fault = self.hub.fault(path, "HEAD") if self.command == "HEAD" else None
        if isinstance(fault, Status):
            self._plain(fault.code, fault.headers)
        elif self.headers.get("authorization") == "Bearer wrong":
            self._plain(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif repo not in {known for known, _ in self.hub.files}:
            self._plain(404 if self.headers.get("authorization") else 401, {"X-Error-Code": "RepoNotFound"})
        elif repo in self.hub.gated:
            self._plain(403 if self.headers.get("authorization") else 401, {"X-Error-Code": "GatedRepo"})
        elif revision not in ("main", COMMIT):
            self._plain(404, {"X-Error-Code": "RevisionNotFound"})
        elif (repo, path) not in self.hub.files:
            self._plain(404, {"X-Error-Code": "EntryNotFound"})
        else:
            etag, size = self.hub.etag(repo, path), len(self.hub.files[repo, path])
            location = f"{self.hub.storage}/{repo}/{path}?X-Signature=signed-secret"
            linked = {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(size), "X-Repo-Commit": COMMIT}
            self._plain(302, {"Location": location, **linked})

    def _account(self) -> None:
        if self.headers.get("authorization") == "Bearer wrong":
            self._plain(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
            return
        body = b'{"type": "user", "name": "somebody"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _plain(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _file(self) -> None:
        owner, name, path = self.path.partition("?")[0].lstrip("/").split("/", 2)
        content = self.hub.files[f"{owner}/{name}", path]
        fault = self.hub.fault(path, "GET")
        if isinstance(fault, Status):
            self._plain(fault.code, fault.headers)
            return
        if isinstance(fault, Other):
            content = fault.content
        asked = self.headers.get("range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and not isinstance(fault, Whole) else 0
        if start and start >= len(content):
            self._plain(416, {"Content-Range": f"bytes */{len(content)}"})
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if isinstance(fault, Chunked):
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self._send(content[start:], fault)

    def _send(self, content: bytes, fault: Fault | None) -> None:
        if isinstance(fault, Chunked):
            self.close_connection = True
            content += fault.more
        if isinstance(fault, Drip):
            for at in range(0, len(content), fault.size):
                self.wfile.write(content[at : at + fault.size])
                threading.Event().wait(fault.seconds)
            return
        until = fault.after if isinstance(fault, Cut | Stall) else len(content)
        for at in range(0, until, CHUNK):
            self.wfile.write(content[at : min(at + CHUNK, until)])
        self.wfile.flush()
        if isinstance(fault, Stall):
            fault.reached.set()
            fault.release.wait(WAIT_SECONDS)
        if isinstance(fault, Cut | Stall):
            self.close_connection = True
        if isinstance(fault, Cut) and fault.how == "rst":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that hangs up is what these tests are about."""


@contextmanager
def serving() -> Iterator[FakeHub]:
    """A hub and its storage host, each on a port of its own."""
    hub = FakeHub()
    servers = [
        _Server(("127.0.0.1", 0), type(f"_{name}", (_Handler,), {"hub": hub, "name": name}))
        for name in ("hub", "storage")
    ]
    hub.url, hub.storage = (f"http://127.0.0.1:{server.server_address[1]}" for server in servers)
    # The storage host goes by another name, as the hub's does.
    hub.storage = hub.storage.replace("127.0.0.1", "localhost")
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for stall in hub.stalls:
            stall.release.set()
        for server in servers:
            server.shutdown()
            server.server_close()
