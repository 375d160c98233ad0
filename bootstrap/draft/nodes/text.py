"""Prompts, and values shown as text."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from bootstrap.draft.nodes.registry import Context, Result, node
from bootstrap.draft.nodes.values import Conditioning, TextEncoder
from bootstrap.draft.render.media import Frames, Sound
from bootstrap.draft.render.prose import Draw, enhanced


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


@node("TextGenerateLTX2Prompt")
def enhance_prompt(
    context: Context,
    clip: TextEncoder,
    prompt: str,
    max_length: int,
    sampling_mode: str,
    image: Frames | None = None,
    video: Frames | None = None,
    audio: Sound | None = None,
    thinking: bool = False,
    use_default_template: bool = True,
    **sampling: Any,
) -> tuple[str]:
    """The prompt written out at greater length, in the words that the renderer knows.

    No language model runs: sentences about what the prompt leaves unsaid are put around it, chosen by
    `sampling_mode.seed` and the more freely the higher `sampling_mode.temperature`; without sampling always the same.
    """
    values = {name.removeprefix("sampling_mode."): value for name, value in sampling.items()}
    draw = Draw()
    if sampling_mode == "on":
        draw = Draw(*(values[name] for name in ("seed", "temperature", "top_k", "top_p", "min_p")))
    pictured = image is not None or video is not None
    return (enhanced(prompt, draw, max_length, pictured, sounding=audio is not None),)


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
