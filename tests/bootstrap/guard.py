"""A guard on loopback in front of an engine: it asks for a user and a password, as a reverse proxy would."""

from __future__ import annotations

import contextlib
import socket
import threading
from base64 import b64encode
from urllib.parse import urlsplit

REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Guard:
    """Forwards connections to `url` whose first request brings the right Authorization, and refuses all others."""

    def __init__(self, url: str, user: str, password: str) -> None:
        target = urlsplit(url)
        self._target = (target.hostname or "127.0.0.1", target.port or 80)
        self.secret = b64encode(f"{user}:{password}".encode()).decode()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                more = client.recv(65536)
                if not more:
                    return
                head += more
            lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
            if f"authorization: basic {self.secret}".lower() not in map(str.lower, lines):
                client.sendall(REFUSAL)
                return
            with socket.create_connection(self._target) as upstream:
                upstream.sendall(head)
                threading.Thread(target=_pump, args=(client, upstream), daemon=True).start()
                _pump(upstream, client)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
