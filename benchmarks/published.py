"""Published runs of LTX-2 and LTX-2.3, as graphs of ours, and the predecessor's formula.

Sources are pull requests and issues that state the device, the size and the time. Steps and passes that a source leaves
open are assumed as said in `assumed`. Runs on several GPUs, and those without a size, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from workflows import graph as edit
from workflows import manifest
from workflows.build import build
from workflows.checking import sample
from workflows.graph import Graph
from workflows.request import Request

BF16 = "ltx-2.3-22b-dev.safetensors"
FP8 = "ltx-2.3-22b-dev-fp8.safetensors"
BASE_SECONDS = {"t2v": 90, "i2v": 90, "a2v": 120, "lipsync": 240, "keyframe": 180, "style": 360}
PRESET_FACTORS = {"fast": 1.0, "balanced": 1.5, "quality": 3.0}


@dataclass(frozen=True)
class Published:
    """A run that took `seconds` from start to end on `device` with `vram_gb` GB, models loaded.

    `edits` are inputs of the graph, "Title.input", that the run had otherwise than the preset.
    """

    source: str
    device: str
    vram_gb: float
    preset: str
    width: int
    height: int
    frames: int
    checkpoint: str
    edits: tuple[tuple[str, object], ...]
    seconds: float
    assumed: str = ""

    def request(self) -> Request:
        """The request for text to video that comes nearest."""
        mode = manifest.mode("t2v")
        size = {"width": self.width, "height": self.height}
        return sample(mode, mode.preset(self.preset), **size, seconds=self.frames / 24)

    def graph(self) -> Graph:
        """The graph for it, with the run's own steps and guidance."""
        graph = build(self.request())
        for at, value in self.edits:
            graph = edit.set_input(graph, at, value)
        for node in graph.values():
            if "ckpt_name" in node["inputs"]:
                node["inputs"]["ckpt_name"] = self.checkpoint
        return graph


def sigmas(steps: int) -> str:
    """A list of sigmas for so many steps; only their number counts here."""
    return ", ".join(str(step / steps) for step in range(steps, -1, -1))


GUIDED = (("Stage 1 guider.cfg", 4.0),)
TWO_STAGE = (("Stage 1 guider.cfg", 4.0), ("Stage 1 sigmas.sigmas", sigmas(40)))
HQ = (
    ("Stage 1 guider.cfg", 4.0),
    ("Stage 1 sigmas.sigmas", sigmas(12)),
    ("Stage 2 sigmas.sigmas", sigmas(6)),
)
H100, H200 = "NVIDIA H100 80GB HBM3", "NVIDIA H200"
RUNS = (
    Published("sglang 23137", H100, 85, "fast", 768, 512, 121, BF16, GUIDED, 9.52, "2 passes a step"),
    Published("sglang 23137", H100, 85, "fast", 768, 512, 121, FP8, GUIDED, 7.55, "2 passes a step"),
    Published("sglang 22738", H100, 85, "balanced", 1536, 1024, 121, BF16, TWO_STAGE, 53.0, "40 + 3 steps, 2 passes"),
    Published("sglang 22738", H100, 85, "balanced", 1536, 1024, 121, FP8, TWO_STAGE, 46.2, "40 + 3 steps, 2 passes"),
    Published("sglang 24529", H200, 151, "balanced", 768, 512, 121, BF16, HQ, 7.83, "4 steps of 6 passes, 3 of 2"),
    Published(
        "ComfyUI-LTXVideo 335",
        "NVIDIA GeForce RTX 5090",
        34,
        "balanced",
        1280,
        704,
        145,
        "ltx-2.3-22b-dev-nvfp4.safetensors",
        (("Stage 1 guider.cfg", 4.0), ("Stage 1 sigmas.sigmas", sigmas(20))),
        66.0,
        "20 + 3 steps, 2 passes, as its template",
    ),
)


def predecessor(mode: str, preset: str, frames: int) -> float:
    """Seconds by the predecessor's formula, which knows neither size nor device."""
    return min(240.0, max(60.0, BASE_SECONDS[mode] * PRESET_FACTORS[preset] + 60 + 0.3 * frames))
