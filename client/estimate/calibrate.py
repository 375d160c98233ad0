"""How fast a GPU of this machine multiplies matrices: two seconds of work by torch, in a process of its own.

Only for devices that nobody has a number for. The process is another one, so that the studio itself never holds memory
on the GPU, and a broken torch can't take it along.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

SECONDS = 2.0
PATIENCE_SECONDS = 120.0
"""Importing torch from a cold disk takes most of it."""

SIDE = 8192
PROGRAM = """
import json, sys, time, torch
seconds, side = float(sys.argv[1]), int(sys.argv[2])
if not torch.cuda.is_available():
    sys.exit("no GPU that torch can use")
kind = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
one, other = (torch.randn(side, side, device="cuda", dtype=kind) for _ in range(2))
for _ in range(3):
    one @ other
torch.cuda.synchronize()
started, count = time.perf_counter(), 0
while time.perf_counter() - started < seconds:
    for _ in range(5):
        one @ other
    torch.cuda.synchronize()
    count += 5
taken = time.perf_counter() - started
found = torch.cuda.get_device_properties(0)
tflops = 2 * side**3 * count / taken / 1e12
print(json.dumps({"name": found.name, "vram_gb": found.total_memory / 1e9, "tflops": tflops}))
"""


class NotMeasured(Exception):
    """There is no GPU here that torch can use, or no torch; the text says which."""


@dataclass(frozen=True)
class Measured:
    """A GPU by torch's name for it, its memory in GB (10^9 bytes), and the rate of a matrix product in TFLOPS."""

    name: str
    vram_gb: float
    tflops: float


def measure() -> Measured:
    """Multiply on the first GPU. Raises NotMeasured."""
    command = [sys.executable, "-c", PROGRAM, str(SECONDS), str(SIDE)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotMeasured(type(error).__name__) from error
    lines = ended.stderr.strip().splitlines()
    if ended.returncode != 0:
        raise NotMeasured(lines[-1] if lines else f"exit code {ended.returncode}")
    try:
        found = json.loads(ended.stdout.strip().rpartition("\n")[2])
        return Measured(str(found["name"]), float(found["vram_gb"]), float(found["tflops"]))
    except (ValueError, LookupError, TypeError) as error:
        raise NotMeasured("its answer makes no sense") from error
