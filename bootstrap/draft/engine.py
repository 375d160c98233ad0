"""The engine behind the routes: its parts in one object, which the web application carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from bootstrap.draft import wire
from bootstrap.draft.interfaces import Catalogue
from bootstrap.draft.promptqueue import PromptQueue
from bootstrap.draft.sockets import Hub
from bootstrap.draft.worker import Worker

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Engine:
    """What the routes need. `max_upload` is in bytes."""

    folders: Mapping[str, Path]
    catalogue: Catalogue
    features: Mapping[str, Any]
    queue: PromptQueue
    hub: Hub
    worker: Worker
    max_upload: int


ENGINE = web.AppKey("engine", Engine)


def assemble(folders: Mapping[str, Path], catalogue: Catalogue, max_upload: int) -> Engine:
    """An engine over these folders; nothing runs yet."""
    features = {
        "supports_preview_metadata": True,
        "max_upload_size": max_upload,
        "extension": {"manager": {"supports_v4": True}},
        "node_replacements": True,
        "assets": False,
    }
    queue = PromptQueue(changed=lambda remaining: hub.publish([wire.status(remaining)]))
    hub = Hub(features, queue.remaining)
    worker = Worker(queue, hub, catalogue.nodes, folders)
    return Engine(folders, catalogue, features, queue, hub, worker, max_upload)
