"""What a sampler leaves behind: everything that decides how a clip looks and sounds, and nothing else.

A real sampler writes numbers into a latent; the draft engine writes down what they were made from. Whatever a graph
changes (seed, prompt, CFG, sampler, sigmas, LoRAs, pictures, strengths, rate) is in here and so in the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b

from bootstrap.draft.render.media import Frames
from bootstrap.draft.render.sounds import Levels
from workflows.loras import is_ic_lora

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


@dataclass(frozen=True, eq=False)
class Guide:
    """Pictures that a clip is to keep to from frame `at` on, without being in it: `latents` latents long.

    `area` is the size in pixels of the clip that it was added to. `strength` is 0 or more; above 1 it is heeded more
    than the rest. With `reference` they come with the parameters of an IC-LoRA, which takes them for a drawing to
    follow and not for what is to be seen.
    """

    frames: Frames
    at: int
    strength: float
    latents: int
    area: int
    reference: bool = False


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
    """A sampled clip. `layout` seeds what is where, `detail` everything finer; `anchors` are sorted by frame.

    `controls` are the guides whose drawing it follows. `heard` is how loud the given sound is that it was sampled with,
    if there was one: the picture moves with it.
    """

    recipe: Recipe
    layout: bytes
    detail: bytes
    anchors: tuple[Anchor, ...] = ()
    controls: tuple[Guide, ...] = ()
    heard: Levels | None = None


@dataclass(frozen=True)
class SoundTake:
    """Sampled sound."""

    recipe: Recipe
    detail: bytes


def shoot(recipe: Recipe, before: Take | None, pins: tuple[Anchor, ...], guides: tuple[Guide, ...] = ()) -> Take:
    """Sample a clip: from nothing, or from what `before` left where the first sigma is below 1.

    `pins` are the pictures that the latent holds in place while it is sampled. Of the `guides`, those that an IC-LoRA
    in the recipe reads are followed, and all others are shown at their frames.
    """
    kept = before if recipe.start < 1 else None
    controls = tuple(guide for guide in guides if _is_drawing(guide, recipe))
    shown_guides = (guide for guide in guides if guide not in controls)
    pins = _by_frame((*pins, *(_anchor(guide) for guide in shown_guides)))
    held = [(anchor.at, anchor.strength) for anchor in pins] + [(guide.at, guide.strength) for guide in controls]
    detail = _digest(kept.detail if kept else b"", recipe, *held)
    if kept is None:
        layout = _digest(recipe.seed, recipe.prompt)
        shown = (replace(pin, hold=pin.strength) for pin in pins)
        return Take(recipe, layout, detail, tuple(shown), controls)
    earlier = {anchor.at: anchor for anchor in kept.anchors}
    fading = 1 - LOST_AT_SIGMA_1 * recipe.start
    anchors = {at: replace(anchor, strength=anchor.strength * fading) for at, anchor in earlier.items()}
    for pin in pins:
        anchors[pin.at] = replace(pin, hold=earlier[pin.at].hold if pin.at in earlier else 0.0)
    return Take(recipe, kept.layout, detail, tuple(anchors[at] for at in sorted(anchors)), controls or kept.controls)


def _is_drawing(guide: Guide, recipe: Recipe) -> bool:
    return any(is_ic_lora(name) for name, _ in recipe.loras) and (guide.reference or guide.frames.count > 1)


def _anchor(guide: Guide) -> Anchor:
    strength = min(1.0, guide.strength)
    return Anchor(guide.frames, guide.at, strength, strength)


def _by_frame(anchors: Iterable[Anchor]) -> tuple[Anchor, ...]:
    """Sorted by frame, the stronger of two at the same frame last, which is the one that is seen."""
    return tuple(sorted(anchors, key=lambda anchor: (anchor.at, anchor.strength)))


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
