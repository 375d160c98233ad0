"""From a stored request to the graph that is sent: uploads first, then the build with what the engine offers."""

from __future__ import annotations

from pathlib import Path

from client.store import Row
from client.transport import Server
from workflows import graph as edit
from workflows import manifest, own
from workflows.build import PREFIX_FOLDER, Capabilities
from workflows.errors import StudioError
from workflows.graph import Graph
from workflows.request import parse
from workflows.values import Media


def prepare(server: Server, row: Row, data: Path) -> Graph:
    """Upload the request's files and build its graph, from the own one in the folder `data` where there is one.

    Raises StudioError where a file is gone, too large or refused or the own graph doesn't fit, and Unreachable.
    """
    request = parse(row.mode, {**row.request, "preset": row.preset})
    names = {field: _upload(server, field, media) for field, media in request.media().items()}
    capabilities = Capabilities.from_object_info(server.object_info(), server.system_stats())
    graph = own.build_with(request.with_media(names), capabilities, data)
    # A prefix of its own makes the engine write a new file even when every other node is cached.
    prefix = f"{PREFIX_FOLDER}/{row.mode}-{row.id[:8]}"
    return edit.set_input(graph, f"{manifest.mode(row.mode).output}.filename_prefix", prefix)


def _upload(server: Server, field: str, media: Media) -> str:
    title = manifest.fields()[field].title
    path = Path(media.path)
    if not path.is_file():
        raise StudioError("file_missing", title=title, value=media.source or media.name)
    return server.upload(path, media.name, title)
