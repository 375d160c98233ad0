"""Uploading: `POST /upload/image` and `POST /upload/mask`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

from aiohttp import web

from bootstrap.draft import answers
from bootstrap.draft.engine import ENGINE
from bootstrap.draft.uploads import BadUpload, Form, move, receive, store, with_mask

PLACING = web.AppKey("placing", asyncio.Lock)
"""Held while a name is chosen and taken, so that two uploads never choose the same."""

routes = web.RouteTableDef()


@routes.post("/upload/image")
async def upload_image(request: web.Request) -> web.Response:
    """Store the file in the form's field `image`, of whatever type; answers the name it got."""
    return await _upload(request, mask=False)


@routes.post("/upload/mask")
async def upload_mask(request: web.Request) -> web.Response:
    """Store the picture named by `original_ref` with the uploaded picture's alpha."""
    return await _upload(request, mask=True)


async def _upload(request: web.Request, mask: bool) -> web.Response:
    engine = request.app[ENGINE]
    if request.content_length is not None and request.content_length > engine.max_upload:
        raise answers.too_large(engine.max_upload)
    if request.content_type != "multipart/form-data":
        return answers.empty(400)
    form: Form | None = None
    try:
        form = await receive(await request.multipart(), engine.folders["temp"], engine.max_upload)
        save = with_mask(form, engine.folders, _original(form)) if mask else move
        async with request.app[PLACING]:
            stored = await asyncio.to_thread(store, form, engine.folders, save)
    except BadUpload as bad:
        if bad.status == 500:
            raise answers.broken() from bad
        return answers.empty(bad.status)
    except ValueError:
        return answers.empty(400)
    finally:
        if form is not None:
            form.content.unlink(missing_ok=True)
    return web.json_response(asdict(stored))


def _original(form: Form) -> dict[str, object]:
    original = json.loads(form.fields.get("original_ref", ""))
    if not isinstance(original, dict):
        raise BadUpload
    return original
