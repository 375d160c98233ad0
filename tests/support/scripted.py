"""A server on loopback that answers what a test scripts: ComfyUI's shapes, faults and old ages included."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from workflows import schema

Answer = tuple[int, Any]
NOT_FOUND: Answer = (404, b"")


@dataclass
class Scripted:
    """`routes` maps "METHOD /path" to a function of the request's body giving (status, JSON value or bytes).

    `seen` lists every request as (method, path, body), `authorizations` the credentials that came with it,
    `encodings` each path with its Accept-Encoding. Where `redirect` is set, every request is sent on to there.
    There is no websocket unless a test adds the route: the upgrade is
    answered with 404, as by a proxy that doesn't forward it.
    """

    routes: dict[str, Callable[[bytes], Answer]] = field(default_factory=dict)
    seen: list[tuple[str, str, bytes]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    encodings: list[tuple[str, str | None]] = field(default_factory=list)
    redirect: str = ""
    url: str = ""

    def posted(self, path: str) -> list[Any]:
        """The JSON bodies posted to a path."""
        return [json.loads(body) for method, seen, body in self.seen if method == "POST" and seen == path]

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """The scripted answer; of several routes that begin the path, the longest."""
        self.seen.append((method, path, body))
        fitting = [key for key in self.routes if f"{method} {path}".startswith(key)]
        return self.routes[max(fitting, key=len)](body) if fitting else NOT_FOUND

    def __enter__(self) -> Scripted:
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                script.authorizations.append(self.headers.get("Authorization"))
                script.encodings.append((urlsplit(self.path).path, self.headers.get("Accept-Encoding")))
                status, value = script.answer(self.command, urlsplit(self.path).path, body)
                if script.redirect:
                    status, value = 302, b""
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                if script.redirect:
                    self.send_header("Location", script.redirect)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = _serve

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def history(prompt_id: str, outputs: dict[str, Any] | None = None, *messages: tuple[str, dict[str, Any]]) -> Answer:
    """An entry of `GET /history/{id}`: a success with these outputs, or ended by these messages."""
    failed = any(name in ("execution_error", "execution_interrupted") for name, _ in messages)
    status = {
        "status_str": "error" if failed else "success",
        "completed": not failed,
        "messages": [["execution_start", {"prompt_id": prompt_id}], *map(list, messages)],
    }
    return 200, {prompt_id: {"prompt": [], "outputs": outputs or {}, "status": status}}


def one_video(filename: str = "clip_00001_.mp4") -> dict[str, Any]:
    """Outputs with one video, as SaveVideo reports it."""
    return {"29": {"images": [{"filename": filename, "subfolder": "ltx-studio", "type": "output"}], "animated": [True]}}


def engine() -> Scripted:
    """A server that accepts one prompt and knows nothing of it afterwards, until a test says otherwise."""
    script = Scripted()
    script.routes = {
        "GET /object_info": lambda _: (200, dict(schema.recorded())),
        "GET /system_stats": lambda _: (200, {"system": {"comfyui_version": "0.27.0"}, "devices": [{"name": "cpu"}]}),
        "GET /prompt": lambda _: (200, {"exec_info": {"queue_remaining": 0}}),
        "GET /features": lambda _: (200, {"max_upload_size": 104857600}),
        "GET /history/": lambda _: (200, {}),
        "GET /api/jobs": lambda _: (200, {"jobs": [], "pagination": {}}),
        "GET /queue": lambda _: (200, {"queue_running": [], "queue_pending": []}),
        "POST /prompt": lambda body: (
            200,
            {"prompt_id": json.loads(body)["prompt_id"], "number": 0, "node_errors": {}},
        ),
        "POST /queue": lambda _: (200, b""),
        "POST /interrupt": lambda _: (200, b""),
    }
    return script
