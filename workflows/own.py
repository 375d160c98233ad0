"""People's own graphs: `<data>/workflows/<mode>.json`, taken in place of the built-in one where it is there."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from pathlib import Path

from workflows import fitting, incoming, manifest
from workflows.build import Capabilities, build, changes_of
from workflows.errors import StudioError
from workflows.graph import Graph, GraphError
from workflows.request import Request

FOLDER = "workflows"


def path_of(data: Path, mode: str) -> Path:
    """Where a mode's own graph lies in the data folder."""
    return data / FOLDER / f"{mode}.json"


def build_with(request: Request, capabilities: Capabilities, data: Path) -> Graph:
    """As `build`, with the own graph where there is one.

    Raises StudioError `own_graph_unfit` where it can't be read or doesn't fit the request.
    """
    path = path_of(data, request.mode)
    if not path.exists():
        return build(request, capabilities)
    mode = manifest.mode(request.mode)
    try:
        graph = incoming.graph_from(incoming.load(path))
        for problem in fitting.unmet(mode, graph, changes_of(request)):
            raise GraphError(problem)
        return build(request, capabilities, graph)
    except (GraphError, StudioError) as error:
        raise StudioError("own_graph_unfit", title=mode.title, path=path, reason=str(error).rstrip(".")) from error


def keep(graph: Graph, data: Path, mode: str) -> Path:
    """Write a graph as the mode's own, whole or not at all; its path. Raises StudioError `data_unwritable`."""
    path = path_of(data, mode)
    partial = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(graph, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StudioError("data_unwritable", path=path.parent, reason=error.strerror) from error
    return path
