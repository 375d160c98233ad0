"""What a request will take, in words, and what is said where that is too much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.estimate.model import Estimate
from client.jobs import manager
from pages.parts import words
from workflows import manifest
from workflows.grid import Shape
from workflows.request import Request


@dataclass(frozen=True)
class Concern:
    """Why a request is likely to fail, and the fields to change so that it is not; None where nothing helps."""

    title: str
    text: str
    changes: Mapping[str, Any] | None


def facts(shape: Shape, estimate: Estimate | None, each: bool = False) -> list[str]:
    """Time, loading, memory and tokens, as far as they are known; `each` where it is one video of several."""
    if estimate is None:
        return [_tokens(shape.tokens)]
    loading = round(estimate.loading_seconds)
    return [
        f"about {words.between(estimate.low, estimate.high)}{' each' if each else ''}",
        f"first run +{words.span(loading)} to load the models" if loading else "",
        f"{_gigabytes(estimate.vram_gb)} of GPU memory" if estimate.vram_gb else "",
        _tokens(estimate.tokens),
    ]


def concern(request: Request, estimate: Estimate | None, cap: float | None) -> Concern | None:
    """What is the matter with a request on this device, with `cap` seconds at most for a job; None where nothing is."""
    if estimate is None:
        return None
    if not estimate.fits:
        device = f" of {_gigabytes(estimate.device_gb)}" if estimate.device_gb else ""
        text = f"The engine's device{device} is likely to run out of it."
        return Concern("This needs more memory than there is.", text, manager().smaller(request))
    longest = estimate.high + estimate.loading_seconds
    if cap is not None and longest > cap:
        text = f"It may take {words.span(longest)}; a job is ended after {words.span(cap)}."
        return Concern("This may not end in time.", text, manager().smaller(request, cap))
    return None


def said(mode: manifest.Mode, changes: Mapping[str, Any]) -> str:
    """What changes make of a request: Fast, 896×512, 3 s, decoder tile 256 px."""
    parts = [mode.preset(changes["preset"]).title] if "preset" in changes else []
    if "width" in changes:
        parts.append(words.size(changes["width"], changes["height"]))
    if "seconds" in changes:
        parts.append(words.seconds(changes["seconds"]))
    if "decode_tile" in changes:
        field = mode.field("decode_tile")
        parts.append(f"{field.title.lower()} {field.choices[changes['decode_tile']].title}")
    return ", ".join(parts)


def _gigabytes(value: float) -> str:
    return f"{words.number(round(value, 1 if value < 10 else 0))} GB"


def _tokens(count: int) -> str:
    return f"{count:,} tokens"
