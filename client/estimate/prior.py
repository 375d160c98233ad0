"""Seconds and memory of a graph on a device before anything is learnt: a roofline over the graph's facts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from client.estimate.device import DISK_GB, PCIE_GB, Device
from client.estimate.facts import Facts, Load, Work

SHARE = {
    "sample": 1.0,
    "text": 0.6,
    "enhance": 0.6,
    "upscale": 0.3,
    "depth": 0.3,
    "pose": 0.3,
    "encode": 0.12,
    "decode": 0.12,
    "audio": 0.1,
}
"""Of the transformer's rate that other models get: convolutions over video wait for memory."""

FP8_GAIN = 1.15
"""Published for an H100: 1.24 in the denoising alone, with all products in fp8."""

PIXEL_RATE = {"save": 45.0, "pictures": 60.0, "edges": 200.0}
"""10^6 pixels a second of work that the processor does. x264 measured on two cores: 42."""

FIXED = {"sample": 0.2, "text": 0.25, "upscale": 0.2, "encode": 0.05, "decode": 0.4, "audio": 0.25, "save": 0.2}
FIXED_OTHERWISE = 0.003
"""Seconds of a node, whatever the size."""

TOKEN_SECONDS = 0.03
"""Of Python for a token that a text encoder writes; its weights are read once for each."""

WRITTEN_SHARE = 0.6
"""Of the longest text that may be written, usually."""

DRAFT = {"sample": (0.06, 0.003, 0.0, 0.0), "save": (0.09, 0.0, 0.08, 0.0), "audio": (0.015, 0.0, 0.0, 0.08)}
DRAFT_OTHERWISE = (0.002, 0.0, 0.0005, 0.0)
"""The draft engine: seconds of a node, of a step, of 10^6 pixels, and of 10^12 operations as a real one would make.

It renders while it encodes.
"""

TOKEN_GB = 0.00022
"""Activations of the transformer: about 27 vectors of 4096 bf16 numbers for each token."""

CELL_GB = 1200 * 1024 / 1e9
"""Of a latent cell while it is decoded, by ComfyUI's own estimate for the VAE."""

FLOOR_GB = 1.5
"""What stays in use however much is streamed: the layer at work, the next one, and the library itself."""


@dataclass(frozen=True)
class Memory:
    """Peak memory in GB: with everything resident, and at least, with weights streamed as far as need be."""

    resident: float
    least: float


def memory(facts: Facts) -> Memory:
    """What a graph needs at its peak, which is its sampling or its decoding."""
    sampling, decoding = TOKEN_GB * facts.tokens, CELL_GB * facts.tile
    least = FLOOR_GB + max(sampling, decoding)
    return Memory(max(facts.transformer_gb + FLOOR_GB + sampling, least), least)


def seconds(facts: Facts, device: Device) -> dict[str, float]:
    """Seconds of each node by id, with the models in memory."""
    return dict(_seconds(facts, device))


def cold_seconds(loads: Iterable[Load], device: Device) -> float:
    """Seconds on top where these models have to be read from disk first."""
    return 0.0 if device.kind == "draft" else sum(load.gb for load in loads) / DISK_GB


def _seconds(facts: Facts, device: Device) -> Iterator[tuple[str, float]]:
    if device.kind == "draft":
        yield from ((work.node, _drafted(work)) for work in facts.works)
        return
    gain = FP8_GAIN if device.fp8 and any("fp8" in load.file for load in facts.loads) else 1.0
    moved = _moved_gb(facts, device)
    for work in facts.works:
        own = FIXED.get(work.kind, FIXED_OTHERWISE) + work.megapixels / PIXEL_RATE.get(work.kind, float("inf"))
        if work.kind == "sample":
            rate = device.tflops * gain
            own += max(work.tflop / rate, work.steps * work.passes * _streamed_gb(facts, work, device) / PCIE_GB)
            own, moved = own + moved / PCIE_GB, 0.0
        elif work.tflop:
            own += work.tflop / (device.tflops * SHARE[work.kind])
        if work.kind == "enhance":
            each = max(TOKEN_SECONDS, facts.text_gb / device.bandwidth)
            own += WRITTEN_SHARE * work.written * each
        yield work.node, own


def _drafted(work: Work) -> float:
    node, step, pixel, operations = DRAFT.get(work.kind, DRAFT_OTHERWISE)
    return node + step * work.steps + pixel * work.megapixels + operations * work.tflop


def _streamed_gb(facts: Facts, work: Work, device: Device) -> float:
    """Weights that don't fit beside the activations, so that every pass fetches them from main memory."""
    if device.usable_gb is None:
        return 0.0
    room = device.usable_gb - FLOOR_GB - TOKEN_GB * work.tokens
    return max(0.0, facts.transformer_gb - max(0.0, room))


def _moved_gb(facts: Facts, device: Device) -> float:
    """Weights that change places between two runs, where transformer and text encoder don't fit side by side."""
    if device.usable_gb is None or facts.transformer_gb + facts.text_gb + FLOOR_GB <= device.usable_gb:
        return 0.0
    return min(device.usable_gb, facts.transformer_gb) + min(device.usable_gb, facts.text_gb)
