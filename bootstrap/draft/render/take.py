"""What a sampler leaves behind: everything that decides how a clip looks and sounds, and nothing else.

A real sampler writes numbers into a latent; the draft engine writes down what they were made from. Whatever a graph
changes (seed, prompt, CFG, sampler, sigmas, LoRAs, pictures, strengths, rate) is in here and so in the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b

from bootstrap.draft.render.media import Frames

LOST_AT_SIGMA_1 = 0.65
"""How much of a picture that is not pinned again a second sampling loses when it starts close to sigma 1."""


@dataclass(frozen=True, eq=False)
class Anchor:
    """Pictures held in a clip: frame k of `frames` sits at frame `at` + k.

    `strength` says how exactly it is shown there (1: it is that picture), `hold` how closely the frames after it keep
    to it. Both are 0..1. They differ after two stages: the last one decides the picture, the first one the motion.
    """

    frames: Frames
    at: int
    strength: float
    hold: float


@dataclass(frozen=True)
class Recipe:
    """The inputs of one sampling that shape its result.

    `negative` is empty where it has no say (CFG 1). `loras` are (file name, strength). `start` and `end` are the first
    and the last sigma.
    """

    prompt: str
    negative: str
    frame_rate: float
    seed: int
    cfg: float
    sampler: str
    sigmas: tuple[float, ...]
    checkpoint: str
    loras: tuple[tuple[str, float], ...]

    @property
    def start(self) -> float:
        """The first sigma: 1 starts from pure noise, less keeps some of what was there."""
        return self.sigmas[0]

    @property
    def end(self) -> float:
        """The last sigma: noise left in the result."""
        return self.sigmas[-1]


@dataclass(frozen=True, eq=False)
class Take:
    """A sampled clip. `layout` seeds what is where, `detail` everything finer; `anchors` are sorted by frame."""

    recipe: Recipe
    layout: bytes
    detail: bytes
    anchors: tuple[Anchor, ...] = ()


@dataclass(frozen=True)
class SoundTake:
    """Sampled sound."""

    recipe: Recipe
    detail: bytes


def shoot(recipe: Recipe, before: Take | None, pins: tuple[Anchor, ...]) -> Take:
    """Sample a clip: from nothing, or from what `before` left where the first sigma is below 1.

    `pins` are the pictures that the latent holds in place while it is sampled.
    """
    kept = before if recipe.start < 1 else None
    detail = _digest(kept.detail if kept else b"", recipe, *((pin.at, pin.strength) for pin in pins))
    if kept is None:
        layout = _digest(recipe.seed, recipe.prompt)
        shown = (replace(pin, hold=pin.strength) for pin in sorted(pins, key=lambda pin: pin.at))
        return Take(recipe, layout, detail, tuple(shown))
    held = {anchor.at: anchor for anchor in kept.anchors}
    fading = 1 - LOST_AT_SIGMA_1 * recipe.start
    anchors = {at: replace(anchor, strength=anchor.strength * fading) for at, anchor in held.items()}
    for pin in pins:
        anchors[pin.at] = replace(pin, hold=held[pin.at].hold if pin.at in held else 0.0)
    return Take(recipe, kept.layout, detail, tuple(anchors[at] for at in sorted(anchors)))


def record(recipe: Recipe, before: SoundTake | None) -> SoundTake:
    """Sample sound, from nothing or from what `before` left."""
    kept = before.detail if before and recipe.start < 1 else b""
    return SoundTake(recipe, _digest(kept, recipe))


def denoised(take: Take) -> Take:
    """The same clip without the noise that the last sigma left in it."""
    return replace(take, recipe=replace(take.recipe, sigmas=(*take.recipe.sigmas[:-1], 0.0)))


def variant(take: Take, index: int) -> Take:
    """The clip that the same sampling gives as item `index` of a batch."""
    if not index:
        return take
    return replace(take, layout=_digest(take.layout, index), detail=_digest(take.detail, index))


def _digest(*parts: object) -> bytes:
    return blake2b(repr(parts).encode(), digest_size=16).digest()
