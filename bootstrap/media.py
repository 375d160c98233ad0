"""Videos and pictures straight to the browser, with ranges; nothing is held in memory, however long the video.

The route lies under `/app/static/`, the only prefix besides full addresses that `st.video` and `st.image` take as an
address. Only what is in the library or was uploaded here is served: an engine's own files may belong to anybody.
"""

from __future__ import annotations

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

_TYPES = {
    "flac": "audio/flac",
    "gif": "image/gif",
    "jpg": "image/jpeg",
    "m4a": "audio/mp4",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "png": "image/png",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
}
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,127}}\.({'|'.join(_TYPES)})")
_EXPORT = re.compile(r"[0-9a-f]{32}\.zip")
_SAFE = {"X-Content-Type-Options": "nosniff"}


def allowed(name: str) -> bool:
    """Whether a file may be asked for: a plain name of a media type.

    The name is the whole permission: it is the random UUID of a job or the hash of an upload's content, which only the
    owner's pages show, so that a link can be shared and a frame without cookies works. A studio that checks owners does
    it here.
    """
    return _NAME.fullmatch(name) is not None


def library_route(folder: Path) -> Route:
    """`/app/static/library/{name}`: files of the library folder, with HTTP ranges. Their content never changes.

    With `?download` a browser saves the file instead of showing it.
    """
    return _route("library", folder)


def uploads_route(folder: Path) -> Route:
    """`/app/static/uploads/{name}`: what was uploaded, in the same way."""
    return _route("uploads", folder)


def exports_route(folder: Path) -> Route:
    """`/app/static/exports/{name}`: ZIP files that were made to be downloaded, each under a random name."""

    async def serve(request: Request) -> Response:
        name = request.path_params["name"]
        path = folder / name
        if not _EXPORT.fullmatch(name) or not path.is_file():
            return PlainTextResponse("There is no such file.", 404)
        # Without a name here, the link's own says what the file is to be called.
        headers = {**_SAFE, "Cache-Control": "no-store", "Content-Disposition": "attachment"}
        return FileResponse(path, media_type="application/zip", headers=headers)

    return Route("/app/static/exports/{name}", serve, methods=["GET"])


def _route(place: str, folder: Path) -> Route:
    async def serve(request: Request) -> Response:
        name = request.path_params["name"]
        path = folder / name
        if not allowed(name) or not path.is_file():
            return PlainTextResponse("There is no such file.", 404)
        headers = {**_SAFE, "Cache-Control": "private, max-age=31536000, immutable"}
        if "download" in request.query_params:
            # The link's own attribute says what the file is to be called.
            headers["Content-Disposition"] = "attachment"
        return FileResponse(path, media_type=_TYPES[name.rpartition(".")[2]], headers=headers)

    return Route(f"/app/static/{place}/{{name}}", serve, methods=["GET"])
