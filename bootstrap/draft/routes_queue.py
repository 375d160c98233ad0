"""The queue and the history: `/queue`, `/interrupt`, `/free`, `/history`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bootstrap.draft import answers
from bootstrap.draft.engine import ENGINE
from bootstrap.draft.history import Entry

routes = web.RouteTableDef()


@routes.get("/queue")
async def get_queue(request: web.Request) -> web.Response:
    """All that runs and waits, with the graphs."""
    now = request.app[ENGINE].queue.snapshot()
    running = [prompt.row() for prompt in now.running]
    return web.json_response({"queue_running": running, "queue_pending": [prompt.row() for prompt in now.pending]})


@routes.post("/queue")
async def post_queue(request: web.Request) -> web.Response:
    """`{"clear": true}` or `{"delete": [ids]}`: drop what waits. What runs is not touched."""
    queue = request.app[ENGINE].queue
    clear, delete = _asked(await answers.json_body(request))
    if clear:
        queue.clear()
    for prompt_id in delete:
        queue.delete(prompt_id)
    return answers.empty()


@routes.post("/interrupt")
async def post_interrupt(request: web.Request) -> web.Response:
    """Stop what runs, or only `{"prompt_id": id}` if that is what runs."""
    try:
        body = json.loads(await request.text())
    except ValueError:
        body = {}
    prompt_id = answers.as_object(body).get("prompt_id") or None
    request.app[ENGINE].queue.interrupt(prompt_id)
    return answers.empty()


@routes.post("/free")
async def post_free(request: web.Request) -> web.Response:
    """`{"free_memory": true}` drops the cached results once nothing runs. There are no models to unload."""
    body = await answers.json_object(request)
    if body.get("free_memory"):
        request.app[ENGINE].queue.ask_to_free_memory()
    return answers.empty()


@routes.get("/history")
async def get_history(request: web.Request) -> web.Response:
    """What has run, oldest first: the newest `max_items`, or `max_items` from `offset` on."""
    finished = list(request.app[ENGINE].queue.snapshot().finished.items())
    items, offset = answers.integer(request, "max_items"), answers.integer(request, "offset")
    if offset is None or offset < 0:
        offset = 0 if items is None else max(len(finished) - items, 0)
    end = None if items is None else offset + max(items, 0)
    return web.json_response(_as_json(dict(finished[offset:end])))


@routes.get("/history/{prompt_id}")
async def get_history_entry(request: web.Request) -> web.Response:
    """One entry under its id; an empty object where it has not ended or is not known."""
    prompt_id = request.match_info["prompt_id"]
    entry = request.app[ENGINE].queue.snapshot().finished.get(prompt_id)
    return web.json_response(_as_json({} if entry is None else {prompt_id: entry}))


@routes.post("/history")
async def post_history(request: web.Request) -> web.Response:
    """`{"clear": true}` or `{"delete": [ids]}`: forget what has run."""
    queue = request.app[ENGINE].queue
    clear, delete = _asked(await answers.json_body(request))
    if clear:
        queue.forget_all()
    for prompt_id in delete:
        queue.forget(prompt_id)
    return answers.empty()


def _asked(body: Any) -> tuple[bool, list[str]]:
    """Whether to clear, and what to delete. ComfyUI takes anything that can be searched and iterated."""
    if isinstance(body, list | str):
        return False, []
    asked = answers.as_object(body)
    ids = asked.get("delete", [])
    if not isinstance(ids, list | str | dict):
        raise answers.broken()
    return bool(asked.get("clear")), [prompt_id for prompt_id in ids if isinstance(prompt_id, str)]


def _as_json(entries: Mapping[str, Entry]) -> dict[str, Any]:
    return {prompt_id: entry.as_json() for prompt_id, entry in entries.items()}
