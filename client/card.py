"""How much memory the GPU has and what it computes in, as far as a variant of the model hangs on it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

_PROBE_SECONDS = 10.0
_QUERY = ["nvidia-smi", "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits"]
FP4_COMPUTE = 10.0
"""CUDA's compute capability from which on a GPU computes in fp4 (Blackwell)."""


@dataclass(frozen=True)
class Card:
    """An NVIDIA GPU: its memory in GB (10^9 bytes, 0 where the driver doesn't say), its CUDA compute capability."""

    name: str
    memory_gb: float
    compute: float

    @property
    def fp4(self) -> bool:
        """Whether it computes in fp4."""
        return self.compute >= FP4_COMPUTE


def first() -> Card | None:
    """The first GPU that the NVIDIA driver lists; None where there is none."""
    try:
        answer = subprocess.run(_QUERY, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = answer.stdout.splitlines() if answer.returncode == 0 else []
    cells = [cell.strip() for cell in lines[0].rsplit(",", 2)] if lines else []
    if len(cells) != 3:
        return None
    return Card(cells[0], _number(cells[1]) * 2**20 / 1e9, _number(cells[2]))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
