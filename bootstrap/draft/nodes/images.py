"""Pictures from and to files, and the compression that LTX likes on its first frames."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from bootstrap.draft.nodes import files, outputs
from bootstrap.draft.nodes.registry import Context, Result, node
from bootstrap.draft.render.media import Frames, Mapped, Mask, Part, Pixels, Solid, Still


def _check_image(folders: Mapping[str, Path], inputs: Mapping[str, Any]) -> tuple[str, str] | None:
    image = inputs["image"]
    return None if files.is_file(folders, image) else ("image", f"Invalid image file: {image}")


def _image_fingerprint(folders: Mapping[str, Path], inputs: Mapping[str, Any]) -> str:
    return files.fingerprint(files.resolve(folders, inputs["image"]))


@node("LoadImage", check=_check_image, fingerprint=_image_fingerprint)
def load_image(context: Context, image: str) -> tuple[Frames, Mask]:
    """The picture upright and in RGB, and 1 − alpha as its mask (64×64 zeros where there is no alpha).

    Raises ValueError for a file that is no picture, is cut short or has far too many pixels.
    """
    path = context.path(image)
    try:
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened)
            picture.load()
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"Invalid image file: {image} ({error})") from error
    return _pixels(picture)


def _pixels(picture: Image.Image) -> tuple[Frames, Mask]:
    if picture.mode.startswith("I"):
        picture = Image.fromarray((np.asarray(picture, np.float32) / 257).clip(0, 255).astype(np.uint8))
    mask: Mask = np.zeros((1, 64, 64), np.float32)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        mask = np.float32(1) - np.asarray(picture.getchannel("A"), np.float32)[None] / np.float32(255)
    return Still(np.asarray(picture.convert("RGB"))), mask


@node("EmptyImage")
def empty_image(context: Context, width: int, height: int, batch_size: int = 1, color: int = 0) -> tuple[Frames]:
    """`batch_size` frames of the colour 0xRRGGBB."""
    return (Solid(batch_size, width, height, (color >> 16 & 255, color >> 8 & 255, color & 255)),)


@node("ImageFromBatch")
def pick_images(context: Context, image: Frames, batch_index: int, length: int) -> tuple[Frames]:
    """`length` pictures from `batch_index` on (negative: from the end), or as many of them as there are."""
    start = batch_index + (image.count if batch_index < 0 else 0)
    start = max(0, min(image.count - 1, start))
    return (Part(image, start, min(image.count - start, length)),)


@node("LTXVPreprocess")
def compress(context: Context, image: Frames, img_compression: int) -> tuple[Frames]:
    """Each picture as it looks after H.264 at that CRF, cut to even sides; 0 leaves it alone.

    A still compressed like video is not held frozen by the model.
    """
    if img_compression == 0:
        return (image,)
    width, height = image.width // 2 * 2, image.height // 2 * 2
    if not width or not height:
        return (image,)

    def change(pixels: Pixels) -> Pixels:
        return _through_h264(pixels[:height, :width], min(img_compression, 51))

    return (Mapped(image, width, height, change),)


@node("SaveImage")
def save_image(context: Context, images: Frames, filename_prefix: str = "ComfyUI") -> Result:
    """Each picture as a PNG in the output folder, with the graph in its text chunks."""
    return _save(context, images, "output", filename_prefix, compress_level=4)


@node("PreviewImage")
def preview_image(context: Context, images: Frames) -> Result:
    """Each picture as a PNG in the temp folder."""
    return _save(context, images, "temp", f"ComfyUI_temp_{context.node_id}", compress_level=1)


def _save(context: Context, images: Frames, kind: str, prefix: str, compress_level: int) -> Result:
    slot = outputs.reserve(context.folders[kind], prefix, images.width, images.height)
    info = PngInfo()
    for name, text in outputs.tags(context).items():
        info.add_text(name, text)
    shown = []
    for index in range(images.count):
        name = slot.name(index, ".png").replace("%batch_num%", str(index))
        picture = Image.fromarray(np.ascontiguousarray(images.frame(index)))
        picture.save(slot.folder / name, pnginfo=info, compress_level=compress_level)
        shown.append({"filename": name, "subfolder": slot.subfolder, "type": kind})
        context.progress(index + 1, images.count)
    return Result((images,), {"images": shown})


def _through_h264(pixels: Pixels, crf: int) -> Pixels:
    height, width = pixels.shape[:2]
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {"crf": str(crf), "preset": "veryfast", "threads": "1"}
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24").reformat(format="yuv420p")
    packets = [*encoder.encode(picture), *encoder.encode()]
    decoder = av.CodecContext.create("h264", "r")
    decoded = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    result: Pixels = decoded[0].to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    return result
