"""Finished videos in a library, put there without an engine."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av

from client.shelf import Shelf
from client.states import Output, Succeeded
from client.store import Store
from tests.support import clips
from workflows.request import parse

CONTENT = b"not decoded by anybody"
POSTER = clips.picture("JPEG")


def empty(folder: Path) -> Shelf:
    """A library of a database of its own below a folder."""
    for name in ("library", "uploads"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return Shelf(Store(folder / "studio.db"), folder / "library", folder / "uploads")


def add(
    shelf: Shelf,
    owner: str = "me",
    finished_at: float = 1000.0,
    mode: str = "t2v",
    content: bytes = CONTENT,
    preset: str = "fast",
    **values: Any,
) -> str:
    """Put in a video of one file and a poster; its id."""
    job_id = str(uuid.uuid4())
    request = parse(mode, {"prompt": "a boat", "seed": 1, **values, "preset": preset})
    shelf.store.add(job_id, owner, request, uuid.uuid4().hex, finished_at - 20)
    shelf.store.set_graph(job_id, {"1": {"class_type": "X", "inputs": {}}})
    shelf.store.set_posted(job_id, finished_at - 15)
    shelf.store.set_started(job_id, finished_at - 10)
    (shelf.folder / f"{job_id}.mp4").write_bytes(content)
    (shelf.folder / f"{job_id}.jpg").write_bytes(POSTER)
    made = Succeeded((Output(f"{job_id}.mp4", len(content)),))
    shelf.store.close_job(job_id, made, finished_at, f"{job_id}.jpg")
    return job_id


def names(folder: Path) -> set[str]:
    """The files in a folder."""
    return {path.name for path in folder.iterdir()}


def files(*job_ids: str) -> set[str]:
    """The names of the files of such videos."""
    return {f"{job_id}.{extension}" for job_id in job_ids for extension in ("mp4", "jpg")}


def tagged(folder: Path, tags: Mapping[str, str], content: bytes) -> Path:
    """A video with such tags, written as ComfyUI's SaveVideo writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    plain, path = folder / "plain.mp4", folder / "clip.mp4"
    plain.write_bytes(content)
    options = {"movflags": "use_metadata_tags"}
    with av.open(str(plain)) as source, av.open(str(path), "w", format="mp4", options=options) as target:
        target.metadata.update(tags)
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    plain.unlink()
    return path
