"""Masks, and what they keep a sampler from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bootstrap.draft.nodes.registry import Context, node
from bootstrap.draft.nodes.values import AudioLatent, Latent
from bootstrap.draft.render.media import Mask

MOST_STRETCHES = 1024
"""A mask over sound is read at no more places than this."""


@node("SolidMask")
def solid_mask(context: Context, value: float, width: int, height: int) -> tuple[Mask]:
    """A mask of one value; it takes no memory of its own."""
    return (np.broadcast_to(np.float32(value), (1, height, width)),)


@node("SetLatentNoiseMask")
def set_noise_mask(context: Context, samples: Latent, mask: Mask) -> tuple[Latent]:
    """The sound that sampling changes only as far as `mask` says: 0 not at all, 1 wholly. Its rows run along the time.

    Raises ValueError for a picture: those are pinned with LTXVImgToVideoInplace or LTXVAddGuide here.
    """
    if not isinstance(samples, AudioLatent):
        raise ValueError("SetLatentNoiseMask takes an audio latent in the draft engine; pin pictures as guides.")
    rows = mask[0, :: max(1, mask.shape[1] // MOST_STRETCHES)].mean(axis=1)
    return (replace(samples, mask=tuple(float(value) for value in rows)),)
