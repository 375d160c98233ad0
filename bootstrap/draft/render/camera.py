"""Camera moves: how far each depth of the picture shifts and grows at each moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import pi, sin

from bootstrap.draft.render.vocabulary import section

DRIFTS = ("drift-in", "drift-right", "drift-left")
"""Moves for a prompt that names none."""

MARGIN = 0.15
"""How far beyond the frame plates are painted on each side, in frame heights."""


@dataclass(frozen=True)
class Move:
    """A move over the whole clip; units as in `[camera.*]` of the vocabulary.

    `far` is how much of dolly and travel the farthest things show, `lift` how far the whole scene is set lower in the
    frame, in its height.
    """

    name: str
    turn: tuple[float, float] = (0.0, 0.0)
    travel: tuple[float, float] = (0.0, 0.0)
    zoom: float = 0.0
    dolly: float = 0.0
    shake: float = 0.0
    far: float = 0.0
    lift: float = 0.0

    def scaled(self, factor: float) -> Move:
        """The same move, `factor` times as far."""
        return replace(
            self,
            turn=(self.turn[0] * factor, self.turn[1] * factor),
            travel=(self.travel[0] * factor, self.travel[1] * factor),
            zoom=self.zoom * factor,
            dolly=self.dolly * factor,
        )


@dataclass(frozen=True)
class View:
    """What the camera sees of one depth: shift of the centre in frame heights, and magnification (≥ 1)."""

    x: float
    y: float
    scale: float


def named_move(name: str) -> Move:
    """The vocabulary's move of that name."""
    traits = section("camera")[name]
    return Move(
        name,
        tuple(traits.get("turn", (0.0, 0.0))),
        tuple(traits.get("travel", (0.0, 0.0))),
        traits.get("zoom", 0.0),
        traits.get("dolly", 0.0),
        traits.get("shake", 0.0),
        traits.get("far", 0.0),
    )


def from_lora(file_name: str, strength: float) -> Move | None:
    """The move of a camera LoRA (ltx-2-19b-lora-camera-control-<move>.safetensors), None for any other LoRA."""
    _, found, move = file_name.rpartition("camera-control-")
    for name, traits in section("camera").items():
        if found and move.startswith(traits.get("lora", "\0")):
            return named_move(name).scaled(min(max(strength, 0.0), 1.5))
    return None


def ease(t: float) -> float:
    """0..1 → 0..1, gentle at both ends and never quite still between."""
    return 0.35 * t + 0.65 * t * t * t * (t * (6 * t - 15) + 10)


def view(move: Move, depth: float, t: float, seconds: float) -> View:
    """What is seen at `t` (0 the first, 1 the last frame) of what lies at `depth` (0 the sky, 1 the nearest)."""
    progress = ease(t)
    near = move.far + (1 - move.far) * depth
    scale = _growth(move.zoom, progress) * _growth(move.dolly * near, progress)
    x, y = ((progress - 0.5) * (turn + travel * near) for turn, travel in zip(move.turn, move.travel, strict=True))
    if move.shake:
        x += move.shake * (sin(2 * pi * 0.5 * seconds + 1.1) + 0.6 * sin(2 * pi * 1.1 * seconds)) * (0.4 + 0.6 * depth)
        y += (
            move.shake * (sin(2 * pi * 0.43 * seconds) + 0.6 * sin(2 * pi * 0.97 * seconds + 0.7)) * (0.4 + 0.6 * depth)
        )
    return View(x, y, scale)


def _growth(amount: float, progress: float) -> float:
    """Magnification by `amount` over the move; a negative amount starts large and ends at 1."""
    return 1 + (amount * progress if amount >= 0 else -amount * (1 - progress))
