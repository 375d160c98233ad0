"""A given picture set in motion: it starts as it is, then the camera moves through a guessed depth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from bootstrap.draft.render.camera import Move, ease
from bootstrap.draft.render.media import Pixels
from bootstrap.draft.render.noise import Field, smoothstep

GRID = (16, 9)
"""Cells of the mesh that the picture is bent on."""

PADDING = 0.10
"""How far the picture is mirrored beyond its edges, in its height: a camera that pulls back looks there."""

FINER = 1.5
"""The picture is bent at this many times its size, which keeps it sharp."""

FARTHEST = 0.075
"""The farthest shift of a picture, in its height; stronger moves come ever closer to it."""


SMALLEST = 0.92
"""How small a picture gets when the camera pulls back from it."""


@dataclass(frozen=True, eq=False)
class Motion:
    """A picture and how the camera leaves it."""

    pixels: Pixels
    move: Move

    def at(self, progress: float, seconds: float) -> Image.Image:
        """The picture after `progress` (0..1) of the move; untouched at 0."""
        if progress <= 0:
            return Image.fromarray(np.ascontiguousarray(self.pixels))
        width, height = self.size
        xs, ys = self._source(ease(progress), seconds)
        mesh = []
        for row in range(GRID[1]):
            for column in range(GRID[0]):
                box = (
                    width * column // GRID[0],
                    height * row // GRID[1],
                    width * (column + 1) // GRID[0],
                    height * (row + 1) // GRID[1],
                )
                corners = ((row, column), (row + 1, column), (row + 1, column + 1), (row, column + 1))
                mesh.append((box, tuple(float(value) for at in corners for value in (xs[at], ys[at]))))
        return self.plate.transform((width, height), Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return int(self.pixels.shape[1]), int(self.pixels.shape[0])

    @cached_property
    def plate(self) -> Image.Image:
        """The picture with mirrored margins, enlarged."""
        pad = self._pad
        padded = np.pad(self.pixels, ((pad, pad), (pad, pad), (0, 0)), mode="symmetric")
        size = (round(padded.shape[1] * FINER), round(padded.shape[0] * FINER))
        return Image.fromarray(padded).resize(size, Image.Resampling.BICUBIC)

    @property
    def _pad(self) -> int:
        width, height = self.size
        return min(round(PADDING * height), width, height)

    @cached_property
    def nearness(self) -> Field:
        """How near each mesh corner is guessed to be (0..1): low in the picture, in its middle, rich in detail."""
        across, down = GRID[0] + 1, GRID[1] + 1
        grey = np.asarray(Image.fromarray(np.ascontiguousarray(self.pixels)).convert("L").resize((160, 90)), np.float32)
        busy = np.abs(np.diff(grey, axis=0, prepend=grey[:1])) + np.abs(np.diff(grey, axis=1, prepend=grey[:, :1]))
        detail = np.asarray(Image.fromarray(busy).resize((across, down), Image.Resampling.BOX), np.float32)
        detail = detail / (detail.max() + 1e-6)
        x, y = np.linspace(-1, 1, across)[None], np.linspace(0, 1, down)[:, None]
        middle = np.exp(-((x / 0.55) ** 2) - (((y - 0.55) / 0.45) ** 2))
        guess = 0.40 * smoothstep(0.25, 1.0, y.astype(np.float32)) + 0.38 * middle + 0.22 * detail
        soft = Image.fromarray(guess.astype(np.float32)).resize((6, 4), Image.Resampling.BOX)
        smooth = np.asarray(soft.resize((across, down), Image.Resampling.BICUBIC), np.float32)
        return np.clip(smooth, 0, 1)

    def _source(self, progress: float, seconds: float) -> tuple[Field, Field]:
        """Where on the plate each mesh corner is taken from."""
        width, height = self.size
        move, near = self.move, self.nearness
        x, y = np.meshgrid(
            np.array([width * k // GRID[0] for k in range(GRID[0] + 1)], np.float32) - width / 2,
            np.array([height * k // GRID[1] for k in range(GRID[1] + 1)], np.float32) - height / 2,
        )
        shift = [
            FARTHEST * np.tanh((turn + travel * (0.25 + near)) * 0.55 / FARTHEST) * progress
            for turn, travel in zip(move.turn, move.travel, strict=True)
        ]
        if move.shake:
            sway = move.shake * min(1.0, 3 * progress)
            shift[0] = shift[0] + sway * np.sin(3.1 * seconds)
            shift[1] = shift[1] + sway * np.sin(2.7 * seconds + 0.7)
        cover = 1.1 * max(float(np.abs(part).max()) for part in shift)
        grown = 1 + cover + progress * (0.7 * move.zoom + 0.7 * move.dolly * (0.35 + near))
        scale = np.clip(grown, SMALLEST, None)
        pad = self._pad
        xs = (x / scale + shift[0] * height + width / 2 + pad) * FINER
        ys = (y / scale + shift[1] * height + height / 2 + pad) * FINER
        limit_x, limit_y = (width + 2 * pad) * FINER - 1, (height + 2 * pad) * FINER - 1
        return np.clip(xs, 1, limit_x), np.clip(ys, 1, limit_y)
