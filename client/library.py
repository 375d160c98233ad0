"""The library folder: finished videos and their posters.

A file appears under its name only when it is whole: it is fetched under another name, its size compared with what the
engine announced, opened once, and then renamed.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import av
from PIL import Image

from client.states import Output
from client.transport import Server
from client.views import EngineFile
from workflows.errors import StudioError

log = logging.getLogger(__name__)
POSTER_SIZE = (640, 640)
POSTER_QUALITY = 85
PARTIAL = ".part"


def fetch(
    server: Server, files: Iterable[EngineFile], folder: Path, job_id: str, check: Callable[[], None]
) -> tuple[Output, ...]:
    """Bring a job's videos into the folder; `check` is called again and again and may raise to stop.

    Raises StudioError `output_missing`, `output_broken` or `disk_failed`, and Unreachable when the transfer breaks off.
    """
    stems = ((file, f"{job_id}{_suffix(number)}") for number, file in enumerate(files))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(_fetch_one(server, file, folder, stem, check) for file, stem in stems)
    except OSError as error:
        raise StudioError("disk_failed", path=folder, reason=error.strerror or error) from error


def _suffix(number: int) -> str:
    return "" if number == 0 else f"-{number + 1}"


def _fetch_one(server: Server, file: EngineFile, folder: Path, stem: str, check: Callable[[], None]) -> Output:
    target = folder / f"{stem}{Path(file.filename).suffix.lower()}"
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}{PARTIAL}")
    try:
        size = server.download(file, partial, check)
        if not is_video(partial):
            raise StudioError("output_broken", value=file.filename)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return Output(target.name, size)


def is_video(path: Path) -> bool:
    """Whether a first frame can be decoded; a file cut off while it was written can't be opened."""
    try:
        with av.open(str(path)) as container:
            return next(container.decode(video=0), None) is not None
    except (av.FFmpegError, IndexError, ValueError):
        return False


def sweep(folder: Path) -> None:
    """Remove what an earlier process left half fetched."""
    for partial in folder.glob(f".*{PARTIAL}"):
        partial.unlink(missing_ok=True)


def poster(folder: Path, outputs: Sequence[Output]) -> str | None:
    """The poster's name for a job's videos, None where none could be made: a video without one is still a video."""
    try:
        return make_poster(folder / outputs[0].name)
    except Exception:
        log.exception("poster of %s", outputs)
        return None


def make_poster(video: Path) -> str:
    """A JPEG of the first frame beside the video, at most 640 pixels on its longer side; returns its name."""
    poster = video.with_suffix(".jpg")
    with av.open(str(video)) as container:
        image = Image.fromarray(next(container.decode(video=0)).to_ndarray(format="rgb24"))
    image.thumbnail(POSTER_SIZE)
    image.save(poster, quality=POSTER_QUALITY)
    return poster.name


def remove(folder: Path, names: Iterable[str]) -> None:
    """Delete files of a job; those already gone are fine."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
