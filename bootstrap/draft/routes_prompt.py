"""Submitting: `POST /prompt`, and how much is waiting: `GET /prompt`."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Container, Iterator, Mapping
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from bootstrap.draft import answers
from bootstrap.draft.announce import timestamp
from bootstrap.draft.engine import ENGINE
from bootstrap.draft.inputcheck import problem
from bootstrap.draft.promptqueue import Prompt
from bootstrap.draft.validate import Refused, validate

log = logging.getLogger(__name__)

COUNTER = web.AppKey("counter", Iterator[int])
SECRETS = ("auth_token_comfy_org", "api_key_comfy_org")

routes = web.RouteTableDef()


def is_prompt_id(value: object) -> bool:
    """Whether a value is a UUID in its canonical lower-case form."""
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False


@routes.get("/prompt")
async def get_prompt(request: web.Request) -> web.Response:
    """How many prompts run or wait."""
    return web.json_response({"exec_info": {"queue_remaining": request.app[ENGINE].queue.remaining()}})


@routes.post("/prompt")
async def post_prompt(request: web.Request) -> web.Response:
    """Check a graph and queue it."""
    engine = request.app[ENGINE]
    body = await answers.json_body(request)
    try:
        number = _number(body, request.app[COUNTER])
        graph = _graph(body)
        prompt_id = _prompt_id(body)
        extra_data = _extra_data(body, request.headers)
        accepted = validate(graph, engine.catalogue.nodes, engine.folders, _targets(body))
    except Refused as refused:
        log.warning("refused a prompt: %s", refused)
        return web.json_response({"error": refused.error, "node_errors": refused.node_errors}, status=400)
    engine.queue.put(Prompt(number, prompt_id, graph, extra_data, accepted.outputs))
    return web.json_response({"prompt_id": prompt_id, "number": number, "node_errors": accepted.node_errors})


def _number(body: Any, counter: Iterator[int]) -> float:
    """The place in the queue: as asked for, or counted up, negative to come first. Refused posts count, too."""
    if not isinstance(body, dict | list):
        raise answers.broken()
    if not isinstance(body, dict) or "number" not in body:
        count = next(counter)
        return -count if isinstance(body, dict) and body.get("front") else count
    try:
        number = float(body["number"])
    except (TypeError, ValueError, OverflowError) as error:
        raise answers.broken() from error
    if not math.isfinite(number):
        raise Refused(problem("invalid_number", "number must be finite", f"received {number}"))
    return number


def _graph(body: Any) -> dict[str, Any]:
    if "prompt" not in body or not isinstance(body, dict):
        raise Refused(problem("no_prompt", "No prompt provided", "No prompt provided"))
    graph = body["prompt"]
    if not isinstance(graph, dict):
        raise answers.broken()
    return graph


def _prompt_id(body: Mapping[str, Any]) -> str:
    prompt_id = body.get("prompt_id")
    if prompt_id is None:
        return str(uuid4())
    if not is_prompt_id(prompt_id):
        details = (
            "prompt_id must be a UUID string in canonical lowercase hyphenated form; "
            "omit it to let the server generate one"
        )
        raise Refused(problem("invalid_prompt_id", "prompt_id must be a valid UUID", details))
    return str(prompt_id)


def _extra_data(body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    """What is kept beside the graph, without secrets.

    Refuses what would stop a real server later: a client id that is no text, an `extra_pnginfo` that is no object.
    """
    given = body.get("extra_data", {})
    if not isinstance(given, dict):
        raise answers.broken()
    extra_data = {key: value for key, value in given.items() if key not in SECRETS}
    if "client_id" in body:
        extra_data["client_id"] = body["client_id"]
    if not isinstance(extra_data.get("client_id"), str | None):
        raise Refused(problem("invalid_client_id", "client_id must be a string", repr(extra_data["client_id"])))
    info = extra_data.get("extra_pnginfo", {})
    if not isinstance(info, dict) or not isinstance(info.get("workflow", {}), dict):
        details = "extra_pnginfo must be an object, and its workflow, if any, too"
        raise Refused(problem("invalid_extra_data", "extra_data can't be used", details))
    source = headers.get("Comfy-Usage-Source")
    if source and "comfy_usage_source" not in extra_data:
        extra_data["comfy_usage_source"] = source
    return {**extra_data, "create_time": timestamp()}


def _targets(body: Mapping[str, Any]) -> Container[str] | None:
    targets = body.get("partial_execution_targets")
    if targets is not None and not isinstance(targets, list | str | dict):
        raise answers.broken()
    return targets


def new_counter() -> Iterator[int]:
    """The numbers that prompts get by default."""
    return itertools.count()
