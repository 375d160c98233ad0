"""Videos from and to files, cut, and taken apart into frames and sound and put together again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bootstrap.draft.nodes import files, outputs
from bootstrap.draft.nodes.registry import Context, Result, node
from bootstrap.draft.render.footage import VideoFile, sliced, video_file
from bootstrap.draft.render.media import Clip, Frames, Sound
from bootstrap.draft.render.mp4 import frame_rate, write_mp4

Video = Clip | VideoFile


def _check_video(folders: Mapping[str, Path], inputs: Mapping[str, Any]) -> tuple[str, str] | None:
    file = inputs["file"]
    return None if files.is_file(folders, file) else ("file", f"Invalid video file: {file}")


def _video_fingerprint(folders: Mapping[str, Path], inputs: Mapping[str, Any]) -> str:
    """Its time and size: hashing a long video would take longer than cutting it."""
    found = files.resolve(folders, inputs["file"]).stat()
    return f"{found.st_mtime_ns} {found.st_size}"


@node("LoadVideo", check=_check_video, fingerprint=_video_fingerprint)
def load_video(context: Context, file: str) -> tuple[VideoFile]:
    """A video file, of which nothing has been decoded yet. Raises ValueError for one that is no video."""
    return (video_file(context.path(file), file),)


@node("Video Slice")
def slice_video(
    context: Context, video: Video, start_time: float, duration: float, strict_duration: bool
) -> tuple[Video]:
    """The `duration` seconds (0: all) from `start_time` (negative: from the end), or as much of them as there is.

    Raises ValueError where that is too short and `strict_duration` is set.
    """
    if isinstance(video, VideoFile):
        part: Video | None = video.sliced(start_time, duration, strict_duration)
    else:
        part = sliced(video, start_time, duration)
    if part is None:
        seconds = video.seconds if isinstance(video, VideoFile) else video.frames.count / float(video.rate)
        raise ValueError(f"A video of {seconds:.2f} s has no {duration:g} s from {start_time:g} s on.")
    return (part,)


@node("GetVideoComponents")
def take_apart(context: Context, video: Video) -> tuple[Frames, Sound | None, float, int]:
    """Frames (decoded when somebody asks for one), sound (None where there is none), rate and bit depth.

    Raises ValueError for a file that can't be read, or has no picture in the part that is wanted.
    """
    clip = _clip(video)
    return clip.frames, clip.sound, float(clip.rate), clip.bit_depth


@node("CreateVideo")
def create_video(
    context: Context, images: Frames, fps: float, audio: Sound | None = None, bit_depth: int = 8
) -> tuple[Clip]:
    """Put frames, rate and sound together; nothing is encoded yet."""
    return (Clip(images, frame_rate(fps), audio, bit_depth),)


@node("SaveVideo")
def save_video(context: Context, video: Video, filename_prefix: str, format: str, codec: str) -> Result:
    """Encode to `<prefix>_00001_.mp4` in the output folder. "auto" and "h264" are the same thing here, as upstream."""
    clip = _clip(video)
    frames = clip.frames
    slot = outputs.reserve(context.folders["output"], filename_prefix, frames.width, frames.height)
    name = slot.name(0, ".mp4")
    write_mp4(slot.folder / name, clip, outputs.tags(context), context.progress)
    shown = {"filename": name, "subfolder": slot.subfolder, "type": "output"}
    return Result((video,), {"images": [shown], "animated": (True,)})


def _clip(video: Video) -> Clip:
    return video.clip() if isinstance(video, VideoFile) else video
