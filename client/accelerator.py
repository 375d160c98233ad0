"""Which GPU this machine has, found without importing torch."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

_PROBE_SECONDS = 10.0


def detect() -> str:
    """ "cuda", "rocm" or "mps" where there is such a GPU, "" where there is none."""
    if platform.system() == "Darwin":
        return "mps" if platform.machine() == "arm64" else ""
    if _lists_gpus() or Path("/dev/nvidia0").exists():
        return "cuda"
    return "rocm" if Path("/dev/kfd").exists() else ""


def _lists_gpus() -> bool:
    # The tool alone proves nothing: driver packages and images install it on machines without a GPU.
    try:
        answer = subprocess.run(["nvidia-smi", "-L"], capture_output=True, timeout=_PROBE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and b"GPU" in answer.stdout
