"""Looking at files: `GET /view`."""

from __future__ import annotations

import asyncio
import mimetypes
from io import BytesIO
from pathlib import Path

from aiohttp import web
from PIL import Image

from bootstrap.draft import answers, folders
from bootstrap.draft.engine import ENGINE

NEVER_SHOWN = (
    "text/html",
    "text/html-sandboxed",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/javascript",
    "text/css",
)
"""Types that a browser would run or apply; they are given as plain bytes."""

routes = web.RouteTableDef()


@routes.get("/view")
async def view(request: web.Request) -> web.StreamResponse:
    """`filename`, `subfolder` and `type` (output, input, temp): the file, with ranges and conditions.

    `preview=webp;75` or `jpeg` gives a picture re-encoded, `channel=rgb` or `a` that part of it as PNG.
    """
    query = request.query
    if "filename" not in query:
        return answers.empty(404)
    name, kind = folders.annotated(query["filename"])
    root = request.app[ENGINE].folders.get(kind or query.get("type", "output"))
    if not name or name.startswith("/") or ".." in name or root is None:
        return answers.empty(400)
    folder = folders.inside(root, query.get("subfolder", ""))
    if folder is None:
        return answers.empty(403)
    path = folders.inside(folder, Path(name).name)
    if path is None or not path.is_file():
        return answers.empty(404)
    headers = {"Content-Disposition": f'filename="{path.name}"'}
    channel = query.get("channel", "")
    if "preview" in query or channel in ("rgb", "a"):
        try:
            body, content_type = await asyncio.to_thread(_converted, path, query.get("preview"), channel)
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise answers.broken() from error
        return web.Response(body=body, content_type=content_type, headers=headers)
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers["Content-Type"] = "application/octet-stream" if content_type in NEVER_SHOWN else content_type
    return web.FileResponse(path, headers=headers)


def _converted(path: Path, preview: str | None, channel: str) -> tuple[bytes, str]:
    buffer = BytesIO()
    with Image.open(path) as picture:
        if preview is None:
            _channel(picture, channel).save(buffer, "PNG")
            return buffer.getvalue(), "image/png"
        wanted, *_, quality = (preview if ";" in preview else f"{preview};").split(";")
        kind = wanted if wanted in ("webp", "jpeg") and "a" not in channel else "webp"
        if kind == "jpeg" or channel == "rgb":
            picture.convert("RGB").save(buffer, kind, quality=int(quality) if quality.isdigit() else 90)
        else:
            picture.save(buffer, kind, quality=int(quality) if quality.isdigit() else 90)
        return buffer.getvalue(), f"image/{kind}"


def _channel(picture: Image.Image, channel: str) -> Image.Image:
    """Its colours, or its alpha as the alpha of a black picture."""
    if channel == "rgb":
        return picture.convert("RGB")
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else Image.new("L", picture.size, 255)
    black = Image.new("RGBA", picture.size)
    black.putalpha(alpha)
    return black
