"""What an engine computes on, and how much of it arrives: a table of known devices, a measurement, or a guess. Pure.

Peaks are the makers', dense, of bf16 with 32-bit sums. What a transformer of LTX-2.3's size gets of them is measured
where somebody published a run (H100 and H200: 0.37 to 0.51), and inferred for the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["draft", "gpu", "cpu"]
SERVER_EFFICIENCY = 0.45
DESKTOP_EFFICIENCY = 0.6
"""Of the peak. GeForce and RTX peaks are those with 32-bit sums, half the tensor cores' rate, so more of it comes."""

PRODUCT_EFFICIENCY = 0.65
"""Of a large matrix product's rate: attention, norms and launches take the rest."""

GUESSED_TFLOPS_PER_GB = 4.0
"""Delivered by a GPU that nobody knows, by its memory; near the middle of the table below."""

CPU_TFLOPS = 0.15
MPS_TFLOPS = 6.0
"""Published for a Mac: 16 s a step where 100 TFLOP are due."""

PCIE_GB = 20.0
"""Between main memory and a GPU, a second, as measured with pinned memory on PCIe 4; twice as much on PCIe 5."""

DISK_GB = 1.5
"""From disk to memory, a second, of an NVMe drive while files are read into tensors."""

SPREAD = {"table": 0.4, "measured": 0.4, "guess": 0.7}
"""Standard deviation, in natural logarithms, of what is not learnt yet."""


@dataclass(frozen=True)
class Device:
    """One device under one engine. `key` names both where things are learnt.

    `tflops` are 10^12 operations a second that arrive in the transformer; `bandwidth` is that of its memory in GB a
    second, `vram_gb` its size in GB, None where it has none of its own or that isn't told. `basis` is `table`,
    `measured` or `guess`.
    """

    key: str
    name: str
    kind: Kind
    tflops: float
    bandwidth: float = 1000.0
    vram_gb: float | None = None
    ram_gb: float = 0.0
    fp8: bool = False
    basis: Literal["table", "measured", "guess"] = "guess"

    @property
    def spread(self) -> float:
        """How far off the prior may be, as a standard deviation of the logarithm."""
        return SPREAD[self.basis]

    @property
    def usable_gb(self) -> float | None:
        """Memory that models and work can have: the driver, the desktop and fragments take the rest."""
        return None if self.vram_gb is None else max(0.0, 0.95 * self.vram_gb - 0.6)


@dataclass(frozen=True)
class Known:
    """A row of the table: a pattern of names, the bf16 peak in TFLOPS, memory bandwidth in GB a second."""

    pattern: str
    peak: float
    bandwidth: float
    fp8: bool = True
    server: bool = False


TABLE = (
    Known(r"B300|GB300", 2250, 8000, server=True),
    Known(r"B200|GB200", 2250, 8000, server=True),
    Known(r"H200", 989, 4800, server=True),
    Known(r"GH200", 989, 4000, server=True),
    Known(r"H100 NVL", 835, 3900, server=True),
    Known(r"H100 PCIe", 756, 2000, server=True),
    Known(r"H100|H800", 989, 3350, server=True),
    Known(r"H20\b", 148, 4000, server=True),
    Known(r"A100|A800", 312, 1935, fp8=False, server=True),
    Known(r"L40S", 362, 864),
    Known(r"L40\b", 181, 864),
    Known(r"L4\b", 121, 300),
    Known(r"A10G", 70, 600, fp8=False),
    Known(r"A10\b", 125, 600, fp8=False),
    Known(r"A40\b", 150, 696, fp8=False),
    Known(r"PRO 6000", 500, 1790),
    Known(r"6000 Ada", 364, 960),
    Known(r"A6000", 155, 768, fp8=False),
    Known(r"A5000", 111, 768, fp8=False),
    Known(r"V100", 112, 900, fp8=False),
    Known(r"\bT4\b", 65, 320, fp8=False),
    Known(r"5090", 209, 1790),
    Known(r"5080", 113, 960),
    Known(r"5070 Ti", 88, 896),
    Known(r"5070", 62, 672),
    Known(r"5060 Ti", 47, 448),
    Known(r"5060", 38, 448),
    Known(r"4090", 165, 1008),
    Known(r"4080 SUPER", 104, 736),
    Known(r"4080", 97, 717),
    Known(r"4070 Ti", 80, 504),
    Known(r"4070", 58, 504),
    Known(r"4060 Ti", 44, 288),
    Known(r"4060", 30, 272),
    Known(r"3090", 71, 936, fp8=False),
    Known(r"3080", 60, 760, fp8=False),
    Known(r"3070", 41, 448, fp8=False),
    Known(r"3060", 26, 360, fp8=False),
    Known(r"MI300X", 1307, 5300, server=True),
    Known(r"MI250", 191, 1600, fp8=False, server=True),
    Known(r"7900 XTX", 123, 960, fp8=False),
    Known(r"9070 XT", 195, 640),
)


def known(name: str) -> Known | None:
    """The row for a device's name; None where there is none. A slice of one (MIG) is another device."""
    if "MIG" in name:
        return None
    return next((row for row in TABLE if re.search(row.pattern, name, re.IGNORECASE)), None)


def device(
    *, draft: bool, name: str, type_: str, vram_gb: float, ram_gb: float, measured_tflops: float | None = None
) -> Device:
    """The device that an engine reports by `name` and `type_` (cuda, mps, cpu, …) with its memory in GB.

    `measured_tflops` is what a large matrix product reached on it, None where nobody has measured.
    """
    if draft:
        return Device("draft", "draft engine", "draft", 0.0, ram_gb=ram_gb)
    if type_ == "cpu":
        return Device("comfyui/cpu", "the processor", "cpu", CPU_TFLOPS, bandwidth=20.0, ram_gb=ram_gb)
    key = f"comfyui/{name or type_ or 'unknown device'}/{round(vram_gb)} GB"
    if type_ == "mps":
        return Device(key, name or type_, "gpu", MPS_TFLOPS, bandwidth=200.0, ram_gb=ram_gb)
    # A server that doesn't say, as some do, has memory all the same; ComfyUI says 1 GB of whatever DirectML runs on.
    own_gb = None if vram_gb <= 0 or type_ == "privateuseone" else vram_gb
    row = known(name)
    if row is not None:
        share = SERVER_EFFICIENCY if row.server else DESKTOP_EFFICIENCY
        return Device(key, name, "gpu", share * row.peak, row.bandwidth, own_gb, ram_gb, row.fp8, "table")
    if measured_tflops is not None:
        tflops = PRODUCT_EFFICIENCY * measured_tflops
        return Device(key, name, "gpu", tflops, 8 * measured_tflops, own_gb, ram_gb, False, "measured")
    return Device(key, name or type_, "gpu", GUESSED_TFLOPS_PER_GB * max(vram_gb, 4.0), 500.0, own_gb, ram_gb)
