"""A TCP proxy on loopback that can cut websocket connections, or everything, on command."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class Proxy:
    """Forwards to `url`. `cuts` counts the websockets cut; `refusing` closes every new connection at once."""

    def __init__(self, url: str) -> None:
        target = urlsplit(url)
        self._target = (target.hostname or "127.0.0.1", target.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.refusing = False
        self.cuts = 0
        self._sockets: set[socket.socket] = set()
        self._changed = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        with self._changed:
            for connection in self._sockets:
                _close(connection)

    def cut_websocket(self, seconds: float = 20) -> None:
        """Cut the open websocket, waiting for one to open first."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._sockets, seconds), "no websocket was opened"
            for connection in self._sockets:
                _close(connection)
            self._sockets.clear()
            self.cuts += 1

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            first = client.recv(65536)
            if self.refusing or not first:
                return _close(client)
            upstream = socket.create_connection(self._target)
            upstream.sendall(first)
        except OSError:
            return _close(client)
        threading.Thread(target=_pump, args=(client, upstream), daemon=True).start()
        if b"Upgrade: websocket" in first:
            # Counted as open once the answer to the upgrade has passed.
            with contextlib.suppress(OSError):
                client.sendall(upstream.recv(65536))
            with self._changed:
                self._sockets.add(client)
                self._changed.notify_all()
        _pump(upstream, client)
        return None


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    _close(source)
    _close(sink)


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
