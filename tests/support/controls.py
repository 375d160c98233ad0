"""Control pictures of a small clip in which somebody crosses the frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bootstrap.draft.render.media import Frames
from tests.support.nodes import NodeContext

Picture = NDArray[np.uint8]
WIDTH, HEIGHT, COUNT = 256, 128, 25


@dataclass(frozen=True, eq=False)
class Made:
    """Frames made by a function."""

    make: Callable[[int], Picture]
    count: int = COUNT
    width: int = WIDTH
    height: int = HEIGHT

    def frame(self, index: int) -> Picture:
        return self.make(index)


def crossing(index: int) -> Picture:
    """Somebody of sorts crosses the picture from left to right."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (96, 104, 112))
    draw, x = ImageDraw.Draw(image), 40 + 7 * index
    draw.ellipse([x - 10, 14, x + 10, 36], fill=(230, 190, 160))
    draw.rectangle([x - 17, 38, x + 17, 78], fill=(210, 60, 50))
    draw.rectangle([x - 14, 78, x - 3, 116], fill=(30, 30, 70))
    draw.rectangle([x + 3, 78, x + 14, 116], fill=(30, 30, 70))
    return np.asarray(image)


def source() -> Frames:
    return Made(crossing)


def canny_of(context: NodeContext, image: Frames) -> Frames:
    return context.run("Canny", image=image, low_threshold=0.4, high_threshold=0.8)


def depth_of(context: NodeContext, image: Frames, output: str = "depth", **more: Any) -> Frames:
    inputs = {"resolution_level": 9, "fov_x_degrees": 0.0, "batch_size": 4}
    flags = {"force_projection": True, "apply_mask": True}
    loaded = context.run("LoadMoGeModel", model_name="m")
    geometry = context.run("MoGeInference", moge_model=loaded, image=image, **(inputs | flags | more))
    return context.run("MoGeRender", moge_geometry=geometry, output=output)


def key_points(context: NodeContext, image: Frames, checkpoint: str = "sdpose.safetensors", **more: Any) -> Any:
    loaded, _, vae = context.run("CheckpointLoaderSimple", ckpt_name=checkpoint)
    return context.run("SDPoseKeypointExtractor", model=loaded, vae=vae, image=image, batch_size=16, **more)


DRAWN = {"draw_body": True, "draw_hands": True, "draw_face": True, "draw_feet": False, "draw_head": True}


def pose_of(context: NodeContext, image: Frames, **more: Any) -> Frames:
    sizes = {"stick_width": 4, "face_point_size": 3, "score_threshold": 0.3}
    return context.run("SDPoseDrawKeypoints", keypoints=key_points(context, image), **(DRAWN | sizes | more))


CONTROLS = {"canny": canny_of, "depth": depth_of, "pose": pose_of}
