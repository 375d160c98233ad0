"""What a request will take, in words."""

from __future__ import annotations

from client.estimate.model import Estimate
from pages.parts import words
from workflows.grid import Shape


def facts(shape: Shape, estimate: Estimate | None) -> list[str]:
    """Time, loading, memory and tokens, as far as they are known."""
    if estimate is None:
        return [_tokens(shape.tokens)]
    loading = round(estimate.cold_seconds)
    return [
        f"about {words.between(estimate.low, estimate.high)}",
        f"first run +{words.span(loading)} to load the models" if loading else "",
        f"{words.number(round(estimate.vram_gb, 1))} GB of GPU memory" if estimate.vram_gb else "",
        _tokens(estimate.tokens),
    ]


def _tokens(count: int) -> str:
    return f"{count:,} tokens"
