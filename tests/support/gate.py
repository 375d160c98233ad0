"""A gate on loopback in front of an engine, as a reverse proxy is: it asks for headers, speaks TLS, adds a prefix."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

TLS = Path(__file__).with_name("tls")
AUTHORITY = TLS / "authority.pem"
"""The authority that signed the certificate for 127.0.0.1 in server.pem, both made for these tests alone."""
REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
ABSENT = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Gate:
    """Forwards requests below `prefix` to `url` without it where they bring the `wanted` headers; refuses all others.

    `seen` lists the request lines that came, `refused` those among them that were turned away.
    """

    def __init__(self, url: str, wanted: Mapping[str, str], prefix: str = "", tls: bool = False) -> None:
        target = urlsplit(url)
        self._target = (target.hostname or "127.0.0.1", target.port or 80)
        self._wanted = {f"{name}: {value}".lower() for name, value in wanted.items()}
        self._prefix = prefix
        self._context: ssl.SSLContext | None = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(TLS / "server.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.host}{prefix}"
        self.seen: list[str] = []
        self.refused: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with plain, contextlib.suppress(OSError):
            client = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            with client:
                self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            more = client.recv(65536)
            if not more:
                return
            received += more
        head, _, body = received.partition(b"\r\n\r\n")
        first, *headers = head.decode("latin-1").split("\r\n")
        self.seen.append(first)
        method, path, version = first.split(" ")
        if not path.startswith(f"{self._prefix}/") or not self._wanted <= set(map(str.lower, headers)):
            self.refused.append(first)
            client.sendall(ABSENT if not path.startswith(f"{self._prefix}/") else REFUSAL)
            return
        plain = not any(re.match("upgrade:", header, re.IGNORECASE) for header in headers)
        if plain:
            # One request for each connection, so that each is looked at.
            headers = [header for header in headers if not header.lower().startswith("connection:")]
            headers.append("Connection: close")
        lines = [f"{method} {path.removeprefix(self._prefix)} {version}", *headers]
        with socket.create_connection(self._target) as upstream:
            upstream.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
            threading.Thread(target=_pump, args=(client, upstream), daemon=True).start()
            if plain:
                answered = upstream.recv(65536)
                client.sendall(answered.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            _pump(upstream, client)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
