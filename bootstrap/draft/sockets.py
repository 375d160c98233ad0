"""The websocket side: who is connected under which client id, and delivery that no slow reader can hold up.

ComfyUI has one queue for all clients, so one that stops reading stops everybody's messages. Here each socket has its
own bounded queue: a slow one first misses progress and previews, and is cut off when even the rest piles up.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from aiohttp import WSCloseCode, WSMsgType, web

from bootstrap.draft import wire
from bootstrap.draft.wire import Frame

log = logging.getLogger(__name__)

DROP_ABOVE = 256
CUT_OFF_ABOVE = 4096
GOODBYE = 1.0
"""Seconds that clients get to answer the end of their connection."""


class Socket:
    """One connection: frames wait here until its client has read what came before."""

    def __init__(self, response: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self.response = response
        self.preview_metadata = False
        self._transport = transport
        self._waiting: deque[Frame] = deque()
        self._wake = asyncio.Event()

    @property
    def backlog(self) -> int:
        """How many frames wait."""
        return len(self._waiting)

    def put(self, frame: Frame) -> None:
        """Queue a frame, unless it does not suit the client or has to give way."""
        if frame.metadata not in (None, self.preview_metadata):
            return
        if frame.droppable and self.backlog >= DROP_ABOVE:
            return
        if self.backlog >= CUT_OFF_ABOVE:
            log.warning("a websocket client has stopped reading; it is cut off")
            self._waiting.clear()
            if self._transport is not None:
                self._transport.abort()
            return
        self._waiting.append(frame)
        self._wake.set()

    async def write(self) -> None:
        """Send what is queued, for ever; ends when the connection is gone."""
        with contextlib.suppress(ConnectionError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    payload = self._waiting.popleft().payload
                    if isinstance(payload, str):
                        await self.response.send_str(payload)
                    else:
                        await self.response.send_bytes(payload)


class Hub:
    """All connections. `publish` and `now_running` may be called from any thread, the rest from the event loop."""

    def __init__(self, features: Mapping[str, Any], remaining: Callable[[], int]) -> None:
        self._features = features
        self._remaining = remaining
        self._sockets: dict[str, Socket] = {}
        self._open: set[web.WebSocketResponse] = set()
        self._running: tuple[str, str] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say which event loop delivers; what is published before is lost, as there is no client yet."""
        self._loop = loop

    def publish(self, frames: Sequence[Frame], to: str | None = None) -> None:
        """Send frames, in order, to the newest socket of client `to`, or to every client."""
        self._call(self._deliver, frames, to)

    def now_running(self, client_id: str | None, node_id: str | None) -> None:
        """Remember what a client that connects again is told first: the node that its prompt is at."""
        self._call(self._set_running, client_id, node_id)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    def _set_running(self, client_id: str | None, node_id: str | None) -> None:
        self._running = None if client_id is None or node_id is None else (client_id, node_id)

    def _deliver(self, frames: Sequence[Frame], to: str | None) -> None:
        for client_id, socket in self._sockets.items():
            if to in (None, client_id):
                for frame in frames:
                    socket.put(frame)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """`GET /ws?clientId=…`: serve one connection until it closes."""
        client_id = request.query.get("clientId") or uuid4().hex
        response = web.WebSocketResponse()
        await response.prepare(request)
        transport = request.transport
        socket = Socket(response, transport if isinstance(transport, asyncio.Transport) else None)
        self._sockets[client_id] = socket
        self._open.add(response)
        socket.put(wire.status(self._remaining(), client_id))
        if self._running is not None and self._running[0] == client_id:
            socket.put(wire.message("executing", {"node": self._running[1]}))
        writer = asyncio.create_task(socket.write())
        try:
            await self._listen(socket)
        finally:
            writer.cancel()
            self._open.discard(response)
            if self._sockets.get(client_id) is socket:
                del self._sockets[client_id]
        return response

    async def _listen(self, socket: Socket) -> None:
        """Read until the client closes. Only its first message can be the exchange of feature flags."""
        first = True
        async for received in socket.response:
            if received.type is not WSMsgType.TEXT:
                continue
            try:
                said = json.loads(received.data)
            except ValueError:
                log.warning("a websocket client sent something that is not JSON")
                continue
            if first and isinstance(said, dict) and said.get("type") == "feature_flags":
                flags = said.get("data")
                socket.preview_metadata = isinstance(flags, dict) and bool(flags.get("supports_preview_metadata"))
                socket.put(wire.message("feature_flags", self._features))
            first = False

    async def close(self) -> None:
        """Say goodbye to everybody."""
        closing = [response.close(code=WSCloseCode.GOING_AWAY) for response in self._open]
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.gather(*closing, return_exceptions=True), GOODBYE)
