"""Prompts, and values shown as text."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from bootstrap.draft.nodes.registry import Context, Result, node
from bootstrap.draft.nodes.values import Conditioning, TextEncoder


@node("CLIPTextEncode")
def encode_text(context: Context, text: str, clip: TextEncoder) -> tuple[Conditioning]:
    """The prompt, as a sampler takes it."""
    return (Conditioning(text),)


@node("LTXVConditioning")
def set_frame_rate(
    context: Context, positive: Conditioning, negative: Conditioning, frame_rate: float
) -> tuple[Conditioning, Conditioning]:
    """Both prompts, for clips of `frame_rate` frames per second."""
    return replace(positive, frame_rate=frame_rate), replace(negative, frame_rate=frame_rate)


@node("PreviewAny")
def preview_any(context: Context, source: Any = None) -> Result:
    """Strings as they are, other JSON values as JSON, anything else by its `str`."""
    if isinstance(source, str):
        text = source
    elif source is None or isinstance(source, bool | int | float):
        text = str(source)
    else:
        try:
            text = json.dumps(source)
        except TypeError:
            text = str(source)
    return Result((text,), {"text": (text,)})
