"""Videos and pictures straight to the browser: library files with ranges, engine files passed through in chunks.

Both routes lie under `/app/static/`, the only prefix besides full addresses that `st.video` and `st.image` take as an
address. Nothing is held in memory, however long the video.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from workflows.address import Credentials

_CHUNK_BYTES = 256 * 1024
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 60.0

_TYPES = {
    "gif": "image/gif",
    "jpg": "image/jpeg",
    "mp4": "video/mp4",
    "png": "image/png",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
}
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,127}}\.({'|'.join(_TYPES)})")
_SAFE = {"X-Content-Type-Options": "nosniff"}

_PASSED_ON = ("Range", "If-Range", "If-None-Match", "If-Modified-Since")
_PASSED_BACK = ("Content-Length", "Content-Range", "Accept-Ranges", "ETag", "Last-Modified")
_ANSWERS = frozenset({200, 206, 304, 400, 403, 404, 416})


def allowed(name: str) -> bool:
    """Whether a library file may be asked for: a plain name of a media type.

    The name is the whole permission: it is the random UUID of a job, which only the owner's pages show, so that a link
    can be shared and a frame without cookies works. A studio that checks owners does it here.
    """
    return _NAME.fullmatch(name) is not None


def library_route(folder: Path) -> Route:
    """`/app/static/library/{name}`: files of the library folder, with HTTP ranges. Their content never changes."""

    async def serve(request: Request) -> Response:
        name = request.path_params["name"]
        path = folder / name
        if not allowed(name) or not path.is_file():
            return PlainTextResponse("There is no such file.", 404)
        headers = {**_SAFE, "Cache-Control": "private, max-age=31536000, immutable"}
        return FileResponse(path, media_type=_TYPES[name.rpartition(".")[2]], headers=headers)

    return Route("/app/static/library/{name}", serve, methods=["GET"])


class EngineFiles:
    """`/app/static/engine/{name}?filename=&subfolder=&type=`: the engine's GET /view, ranges included.

    `name` only gives the address a file ending; `type` is output or temp, never input: uploads are not shown to others.
    """

    def __init__(self, server_url: str, auth: Credentials | None = None) -> None:
        self._view = f"{server_url}/view"
        # aiohttp drops this header where a redirect leads to another server.
        self._auth = {"Authorization": auth.header} if auth is not None else {}
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the connection pool; inside the running event loop."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_READ_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)

    async def close(self) -> None:
        """Close the pool and what is still being sent."""
        if self._session is not None:
            await self._session.close()

    def route(self) -> Route:
        """The route to mount."""
        return Route("/app/static/engine/{name}", self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response | ASGIApp:
        query = {key: request.query_params.get(key, "") for key in ("filename", "subfolder", "type")}
        query["type"] = query["type"] or "output"
        if not _is_engine_file(**query):
            return PlainTextResponse("That is not the name of an engine's file.", 400)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        headers |= {"Accept-Encoding": "identity", **self._auth}

        # The upstream answer must be closed even when the browser leaves before the first chunk.
        async def relay(scope: Scope, receive: Receive, send: Send) -> None:
            assert self._session is not None, "open() has not run"
            try:
                upstream = await self._session.request(request.method, self._view, params=query, headers=headers)
            except (aiohttp.ClientError, TimeoutError):
                await PlainTextResponse("The engine does not answer.", 502)(scope, receive, send)
                return
            async with upstream:
                await _passed_back(upstream)(scope, receive, send)

        return relay


def _passed_back(upstream: aiohttp.ClientResponse) -> Response:
    status = upstream.status
    if status not in _ANSWERS:
        return PlainTextResponse(f"The engine answered with status {status}.", 502)
    headers = {name: upstream.headers[name] for name in _PASSED_BACK if name in upstream.headers}
    kind = upstream.content_type
    # Anything else could run as a page of the studio: SVG, HTML.
    shown = kind.startswith(("video/", "audio/")) or kind in _TYPES.values()
    media_type = kind if shown else "application/octet-stream"
    return StreamingResponse(_chunks(upstream), status, {**headers, **_SAFE}, media_type=media_type)


async def _chunks(upstream: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async for chunk in upstream.content.iter_chunked(_CHUNK_BYTES):
        yield chunk


def _is_engine_file(filename: str, subfolder: str, type: str) -> bool:
    parts = subfolder.split("/") if subfolder else []
    plain = all(part and part not in (".", "..") and "\\" not in part and part.isprintable() for part in parts)
    name = bool(filename) and filename.isprintable() and not re.search(r"[/\\]|\.\.|^\.|\[", filename)
    return plain and name and len(filename) <= 255 and len(subfolder) <= 1024 and type in ("output", "temp")
