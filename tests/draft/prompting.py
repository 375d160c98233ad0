"""Posting graphs that are to be refused."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.support.comfy_client import Graph, video


def post(url: str, **body: Any) -> requests.Response:
    return requests.post(f"{url}/prompt", data=json.dumps(body))


def refused(url: str, graph: Any, **more: Any) -> dict[str, Any]:
    answer = post(url, prompt=graph, **more)
    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    body: dict[str, Any] = answer.json()
    assert list(body) == ["error", "node_errors"]
    assert list(body["error"]) == ["type", "message", "details", "extra_info"]
    return body


def changed(node_id: str, **inputs: Any) -> Graph:
    """The video graph with other inputs at one node."""
    graph = video()
    graph[node_id]["inputs"].update(inputs)
    return graph


def scale(source: str) -> dict[str, Any]:
    inputs = {"image": [source, 0], "upscale_method": "area", "width": 64, "height": 64, "crop": "center"}
    return {"class_type": "ImageScale", "inputs": inputs}
