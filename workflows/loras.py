"""What is known of LoRA files by their names: which ones need more than a place in the graph."""

from __future__ import annotations

import re

from workflows.errors import StudioError
from workflows.manifest import Field
from workflows.values import Lora

IC_NAME = re.compile(r"(^|[^a-z])(ic[-. ]?lora|in[-. ]?context)(?![a-z])")
"""How IC-LoRAs of LTX-2 are named by Lightricks and by most who train them."""

KNOWN = re.compile(
    r"union-control|motion-track-control|pixel-spatial-upscaler|lipdub|dubit"
    r"|ltx.*(ingredients|detailer|(pose|canny|depth)-control)"
)
"""Names of Lightricks' IC-LoRAs, which are also handed on without the prefix; the commoner words only beside "ltx"."""


def is_ic_lora(name: str) -> bool:
    """Whether a file is an IC-LoRA: trained to follow a guide clip, without which it has no meaningful input."""
    stem = name.replace("\\", "/").rsplit("/", 1)[-1].lower().replace("_", "-")
    return bool(IC_NAME.search(stem) or KNOWN.search(stem))


def check(field: Field, rows: tuple[Lora, ...]) -> None:
    """Raises StudioError `lora_needs_guide` for an IC-LoRA in a graph without a control guide."""
    for row in rows:
        if not field.guide and is_ic_lora(row.name):
            raise StudioError("lora_needs_guide", field=field.name, value=" ".join(row.name.split()))
