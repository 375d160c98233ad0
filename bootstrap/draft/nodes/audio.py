"""Sound that no sampler made."""

from __future__ import annotations

import numpy as np

from bootstrap.draft.nodes.registry import Context, node
from bootstrap.draft.render.media import Sound


@node("EmptyAudio")
def empty_audio(context: Context, duration: float, sample_rate: int, channels: int) -> tuple[Sound]:
    """`duration` seconds of silence."""
    return (Sound(np.zeros((channels, round(duration * sample_rate)), np.float32), sample_rate),)
