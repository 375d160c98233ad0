"""Noise schedules that are computed."""

from __future__ import annotations

from math import exp

import numpy as np

from bootstrap.draft.nodes.latents import FRAMES_PER_LATENT, PIXELS_PER_LATENT
from bootstrap.draft.nodes.registry import Context, node
from bootstrap.draft.nodes.values import AudioLatent, AVLatent, Latent, Sigmas

FEWEST_TOKENS, MOST_TOKENS = 1024, 4096
"""Where the shift is `base_shift` and `max_shift`; it goes on in a straight line on both sides."""

AUDIO_LATENTS_PER_SECOND, AUDIO_BINS = 25, 16


@node("LTXVScheduler")
def schedule(
    context: Context,
    steps: int,
    max_shift: float,
    base_shift: float,
    stretch: bool,
    terminal: float,
    latent: Latent | None = None,
) -> tuple[Sigmas]:
    """`steps` + 1 sigmas from 1 to 0, higher for larger clips; `stretch` puts the last but one at `terminal`."""
    count = MOST_TOKENS if latent is None else tokens(latent)
    slope = (max_shift - base_shift) / (MOST_TOKENS - FEWEST_TOKENS)
    growth = exp(base_shift + slope * (count - FEWEST_TOKENS))
    left = np.linspace(1, 0, steps + 1)[:-1]
    sigmas = growth / (growth + 1 / left - 1)
    if stretch:
        gone = 1 - sigmas
        sigmas = 1 - gone * (1 - terminal) / gone[-1] if steps > 1 else np.array([terminal])
    return (Sigmas((*(float(sigma) for sigma in sigmas), 0.0)),)


def tokens(latent: Latent) -> int:
    """The places of a latent: those of the picture where there is one, else those of the sound."""
    if isinstance(latent, AudioLatent):
        return round(latent.seconds * AUDIO_LATENTS_PER_SECOND) * AUDIO_BINS
    video = latent.video if isinstance(latent, AVLatent) else latent
    columns, rows = video.width // PIXELS_PER_LATENT, video.height // PIXELS_PER_LATENT
    return ((video.frames - 1) // FRAMES_PER_LATENT + 1) * columns * rows
