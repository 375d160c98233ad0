"""Scaling and cropping pictures and masks, with ComfyUI's rules for sizes."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from PIL import Image

from bootstrap.draft.nodes.registry import Context, node
from bootstrap.draft.render.media import Frames, Mapped, Mask, Pixels

METHODS = {
    "nearest-exact": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def fit(images: Frames, width: int, height: int, method: str, crop: str) -> Frames:
    """The frames scaled to width×height; `crop` "center" cuts to the new aspect ratio first, "disabled" stretches."""
    if (images.width, images.height) == (width, height):
        return images
    rows, columns = _cut(images.width, images.height, width, height, crop)

    def change(pixels: Pixels) -> Pixels:
        image = Image.fromarray(np.ascontiguousarray(pixels[rows, columns]))
        return np.asarray(image.resize((width, height), METHODS[method]))

    return Mapped(images, width, height, change)


def fit_mask(mask: Mask, width: int, height: int, method: str, crop: str) -> Mask:
    """The same for masks."""
    rows, columns = _cut(mask.shape[2], mask.shape[1], width, height, crop)
    cut = np.ascontiguousarray(mask[:, rows, columns])
    layers = [Image.fromarray(layer).resize((width, height), METHODS[method]) for layer in cut]
    return np.stack([np.asarray(layer, np.float32) for layer in layers])


@node("ImageScale")
def scale_image(
    context: Context, image: Frames, upscale_method: str, width: int, height: int, crop: str
) -> tuple[Frames]:
    """Scale to width×height; a 0 follows from the other by the aspect ratio, two leave the picture as it is."""
    width, height = _complete(image.width, image.height, width, height)
    return (fit(image, width, height, upscale_method, crop),)


@node("ResizeImageMaskNode")
def resize(context: Context, resize_type: str, scale_method: str, **values: Any) -> tuple[Frames | Mask]:
    """Scale a picture or a mask by one of several rules; the rule's own values come as "resize_type.<name>"."""
    source: Frames | Mask = values["input"]
    width, height = _size(source)
    rule = {name.removeprefix("resize_type."): value for name, value in values.items() if name != "input"}
    target = _target(resize_type, width, height, rule)
    crop = "center" if resize_type == "scale to multiple" else rule.get("crop", "disabled")
    if isinstance(source, np.ndarray):
        return (fit_mask(source, *target, scale_method, crop),)
    return (fit(source, *target, scale_method, crop),)


def _target(resize_type: str, width: int, height: int, rule: dict[str, Any]) -> tuple[int, int]:
    if resize_type == "scale dimensions":
        return _complete(width, height, rule["width"], rule["height"])
    if resize_type == "match size":
        return _size(rule["match"])
    if resize_type == "scale to multiple":
        multiple = rule["multiple"]
        return max(width // multiple * multiple, 1), max(height // multiple * multiple, 1)
    factor = _factor(resize_type, width, height, rule)
    return max(round(width * factor), 1), max(round(height * factor), 1)


def _factor(resize_type: str, width: int, height: int, rule: dict[str, Any]) -> float:
    if resize_type == "scale by multiplier":
        return float(rule["multiplier"])
    if resize_type == "scale longer dimension":
        return float(rule["longer_size"] / max(width, height))
    if resize_type == "scale shorter dimension":
        return float(rule["shorter_size"] / min(width, height))
    if resize_type == "scale width":
        return float(rule["width"] / width)
    if resize_type == "scale height":
        return float(rule["height"] / height)
    if resize_type == "scale total pixels":
        return sqrt(rule["megapixels"] * 1024 * 1024 / (width * height))
    raise ValueError(f"Unknown resize type {resize_type!r}.")


def _complete(old_width: int, old_height: int, width: int, height: int) -> tuple[int, int]:
    if not width and not height:
        return old_width, old_height
    return (
        width or max(1, round(old_width * height / old_height)),
        height or max(1, round(old_height * width / old_width)),
    )


def _size(source: Frames | Mask) -> tuple[int, int]:
    if isinstance(source, np.ndarray):
        return source.shape[2], source.shape[1]
    return source.width, source.height


def _cut(old_width: int, old_height: int, width: int, height: int, crop: str) -> tuple[slice, slice]:
    """Rows and columns of the old picture to scale: all, or its middle in the new aspect ratio, on whole pixels."""
    left = top = 0
    if crop == "center":
        old_aspect, aspect = old_width / old_height, width / height
        if old_aspect > aspect:
            left = round((old_width - old_width * (aspect / old_aspect)) / 2)
        elif old_aspect < aspect:
            top = round((old_height - old_height * (old_aspect / aspect)) / 2)
    return slice(top, old_height - top), slice(left, old_width - left)
