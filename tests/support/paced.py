"""The draft engine whose sampler does as a test tells it, told by lines of the file `pace` in its base folder.

Each run of the sampler takes the next line: `hang` is silent after its first step until the prompt is interrupted,
`deaf` until the file `release` is there, whoever interrupts it, `step N` reports that many steps, as far as the number
in the file `reached` says, `walk N S` that many of S seconds each, `oom` fails as torch does without memory, `go` or no
line samples at once.
Takes the draft engine's own command line.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from bootstrap.draft.__main__ import main
from bootstrap.draft.nodes.registry import NODES

BASE = Path(sys.argv[sys.argv.index("--base-directory") + 1])
SAMPLER = "SamplerCustomAdvanced"
LOCK = threading.Lock()


class OutOfMemoryError(RuntimeError):
    """What torch raises."""


def take() -> list[str]:
    """The words of the next line."""
    file = BASE / "pace"
    with LOCK:
        lines = file.read_text().splitlines() if file.exists() else []
        if not lines:
            return ["go"]
        file.write_text("\n".join(lines[1:]))
    return lines[0].split()


def paced(run):
    """The sampler, after what the next line says."""

    def sample(context, **inputs):
        order, *numbers = take()
        if order == "oom":
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        if order in ("hang", "deaf"):
            context.progress(1, 100)
        while order == "hang":
            context.check()
            time.sleep(0.02)
        while order == "deaf" and not (BASE / "release").exists():
            time.sleep(0.02)
        done = 0
        while order == "step" and done < int(numbers[0]):
            done = int((BASE / "reached").read_text() or done)
            context.progress(done, int(numbers[0]))
            time.sleep(0.02)
        if order == "walk":
            for step in range(int(numbers[0])):
                time.sleep(float(numbers[1]))
                context.progress(step + 1, int(numbers[0]))
        return run(context, **inputs)

    return sample


NODES[SAMPLER] = replace(NODES[SAMPLER], run=paced(NODES[SAMPLER].run))
sys.exit(main(sys.argv[1:]))
