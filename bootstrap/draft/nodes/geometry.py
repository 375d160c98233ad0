"""Depth from pictures. No model is read: what stands out, what is low and what is sharp is guessed to be near."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bootstrap.draft.nodes.registry import Context, node
from bootstrap.draft.render.layers import Flags
from bootstrap.draft.render.media import Frames, Mapped, Pixels
from bootstrap.draft.render.noise import Field, smoothstep
from bootstrap.draft.render.salience import nearness

COARSEST, FINER = 96, 16
"""Rows in which depth is guessed at resolution level 0, and how many more each level has."""

SKY, SOFT = 0.6, 0.15
"""How surely something must be sky to have no depth, and how much before it fades and after it is gone."""

SPECTRUM = ((48, 18, 59), (65, 105, 225), (27, 208, 213), (98, 252, 107), (226, 221, 55), (246, 120, 25), (122, 4, 3))
"""Colours from far to near for a coloured picture of depth."""


@dataclass(frozen=True)
class GeometryModel:
    """A model that guesses depth."""

    name: str


@dataclass(frozen=True, eq=False)
class Geometry:
    """What is known of the depth of `images`; `masked` says that sky has none."""

    images: Frames
    rows: int
    masked: bool


@node("LoadMoGeModel")
def load_geometry_model(context: Context, model_name: str) -> tuple[GeometryModel]:
    """A geometry model."""
    return (GeometryModel(model_name),)


@node("MoGeInference")
def infer(
    context: Context,
    moge_model: GeometryModel,
    image: Frames,
    resolution_level: int,
    fov_x_degrees: float,
    batch_size: int,
    force_projection: bool,
    apply_mask: bool,
) -> tuple[Geometry]:
    """The depth of each picture, guessed when somebody asks for it; the more exactly, the higher the level."""
    return (Geometry(image, COARSEST + FINER * resolution_level, apply_mask),)


@node("MoGeRender")
def render(context: Context, moge_geometry: Geometry, output: str) -> tuple[Frames]:
    """Depth in grey (near is bright, sky black) or in colours, normals for OpenGL or DirectX, or what isn't sky."""
    if output not in RENDERED:
        raise ValueError(f"Unknown output mode: {output}")
    images = moge_geometry.images

    def change(pixels: Pixels) -> Pixels:
        near, sky = nearness(pixels, moge_geometry.rows)
        if not moge_geometry.masked:
            sky = np.zeros_like(sky)
        solid = np.asarray(sky < SKY)
        there = 1 - smoothstep(SKY - SOFT, SKY + SOFT, sky)
        drawn = Image.fromarray(RENDERED[output](_stretched(near, solid) * there, solid))
        return np.asarray(drawn.resize((images.width, images.height), Image.Resampling.BICUBIC))

    return (Mapped(images, images.width, images.height, change),)


def _stretched(near: Field, solid: Flags) -> Field:
    """From 0 to 1 but for a thousandth at either end; 0 where nothing is solid."""
    if not solid.any():
        return np.zeros_like(near)
    low, high = np.quantile(near[solid], (0.001, 0.999))
    stretched: Field = np.clip((near - low) / max(float(high - low), 1e-6), 0, 1)
    return stretched


def _grey(field: Field) -> Pixels:
    return np.repeat((np.clip(field, 0, 1) * 255 + 0.5).astype(np.uint8)[..., None], 3, 2)


def _colored(near: Field, solid: Flags) -> Pixels:
    stops = np.linspace(0, 1, len(SPECTRUM))
    return np.stack([np.interp(near, stops, [c[k] for c in SPECTRUM]) for k in range(3)], -1).astype(np.uint8)


def _normals(up: float) -> Callable[[Field, Flags], Pixels]:
    """Surfaces rise towards what is nearer; `up` is the sign of the green channel for a surface that faces up."""

    def drawn(near: Field, solid: Flags) -> Pixels:
        down, right = np.gradient(near * near.shape[0] / 12)
        normal = np.stack([-right, up * down, np.ones_like(near)], -1)
        normal /= np.linalg.norm(normal, axis=2, keepdims=True)
        return ((normal * 0.5 + 0.5) * 255 + 0.5).astype(np.uint8)

    return drawn


RENDERED: dict[str, Callable[[Field, Flags], Pixels]] = {
    "depth": lambda near, solid: _grey(near),
    "depth_colored": _colored,
    "normal_opengl": _normals(1.0),
    "normal_directx": _normals(-1.0),
    "mask": lambda near, solid: _grey(solid.astype(np.float32)),
}
"""How each output draws nearness (0..1) and what is solid."""
