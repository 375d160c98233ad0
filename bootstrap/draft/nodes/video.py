"""CreateVideo and SaveVideo: frames and sound become a file."""

from __future__ import annotations

from bootstrap.draft.nodes import outputs
from bootstrap.draft.nodes.registry import Context, Result, node
from bootstrap.draft.render.media import Clip, Frames, Sound
from bootstrap.draft.render.mp4 import frame_rate, write_mp4


@node("CreateVideo")
def create_video(
    context: Context, images: Frames, fps: float, audio: Sound | None = None, bit_depth: int = 8
) -> tuple[Clip]:
    """Put frames, rate and sound together; nothing is encoded yet."""
    return (Clip(images, frame_rate(fps), audio, bit_depth),)


@node("SaveVideo")
def save_video(context: Context, video: Clip, filename_prefix: str, format: str, codec: str) -> Result:
    """Encode to `<prefix>_00001_.mp4` in the output folder. "auto" and "h264" are the same thing here, as upstream."""
    frames = video.frames
    slot = outputs.reserve(context.folders["output"], filename_prefix, frames.width, frames.height)
    name = slot.name(0, ".mp4")
    write_mp4(slot.folder / name, video, outputs.tags(context), context.progress)
    shown = {"filename": name, "subfolder": slot.subfolder, "type": "output"}
    return Result((video,), {"images": [shown], "animated": (True,)})
