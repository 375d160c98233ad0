"""The websocket side: one connection for one client id.

Two facts of the server shape this. It pings nobody, so silence proves nothing. And when the older of two connections
with the same client id closes, the newer one is forgotten too: an old connection must be gone before a new one opens.
"""

from __future__ import annotations

import contextlib
import json
from types import TracebackType
from typing import Any

import websocket

from client.transport import Unreachable
from workflows.access import Access
from workflows.errors import StudioError
from workflows.server import tls

CONNECT_SECONDS = 3.0
CLOSE_SECONDS = 2
FEATURE_FLAGS = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}


class Closed(Exception):
    """The connection is gone; a new one may be opened."""


class Socket:
    """An open connection; `access` goes with the handshake, to this server alone.

    Use as a context manager: leaving it closes it fully.

    Raises Unreachable when it can't be opened. The first message sent announces that previews may carry metadata,
    which the server takes only as the first one.
    """

    def __init__(self, url: str, access: Access | None = None) -> None:
        access = access or Access()
        connection: Any = None
        try:
            secure = {"context": tls(access.ca)} if access.ca is not None else {}
            connection = websocket.WebSocket(sslopt=secure)
            # Followed, a redirect would take the secrets along.
            connection.connect(url, timeout=CONNECT_SECONDS, header=access.headers, redirect_limit=0)
            connection.send(json.dumps(FEATURE_FLAGS))
        except (websocket.WebSocketException, OSError, ValueError, StudioError) as error:
            if connection is not None:
                connection.shutdown()
            raise Unreachable(type(error).__name__) from error
        self._connection = connection

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with contextlib.suppress(websocket.WebSocketException, OSError):
            self._connection.close(timeout=CLOSE_SECONDS)

    def receive(self, seconds: float) -> str | bytes | None:
        """The next frame, or None when none came within `seconds`. Raises Closed."""
        self._connection.settimeout(seconds)
        try:
            frame: str | bytes = self._connection.recv()
        except websocket.WebSocketTimeoutException:
            return None
        except (websocket.WebSocketException, OSError) as error:
            raise Closed(str(error)) from error
        if not frame and not self._connection.connected:
            raise Closed("closed by the server")
        return frame
