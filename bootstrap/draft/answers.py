"""Answers and request bodies, in the forms that ComfyUI's routes share."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web


def empty(status: int = 200) -> web.Response:
    """No body."""
    return web.Response(status=status)


def refusal(sentence: str, **more: object) -> web.Response:
    """Status 400 with `{"error": sentence}`."""
    return web.json_response({"error": sentence, **more}, status=400)


def broken() -> web.HTTPException:
    """Status 500 with aiohttp's text: where ComfyUI's own handler fails over a request, clients see this."""
    return web.HTTPInternalServerError(text="500 Internal Server Error\n\nServer got itself in trouble")


def too_large(limit: int) -> web.HTTPException:
    """Status 413 for a body of more than `limit` bytes."""
    text = f"Maximum request body size {limit} exceeded."
    return web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=limit + 1, text=text)


async def json_body(request: web.Request) -> Any:
    """The body as JSON, whatever its content type says. Raises the 500 that ComfyUI gives for anything else."""
    try:
        return json.loads(await request.text())
    except ValueError as error:
        raise broken() from error


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object."""
    return as_object(await json_body(request))


def as_object(body: Any) -> dict[str, Any]:
    """A decoded body that has to be an object. Raises the 500 that ComfyUI gives for anything else."""
    if not isinstance(body, dict):
        raise broken()
    return body


def integer(request: web.Request, name: str) -> int | None:
    """A number in the query, or None where it isn't given."""
    text = request.query.get(name)
    try:
        return None if text is None else int(text)
    except ValueError as error:
        raise broken() from error
