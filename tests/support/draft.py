"""The draft engine in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def start_draft(base: Path, *flags: str, module: str = "bootstrap.draft") -> tuple[subprocess.Popen[str], str]:
    """Start an engine over `base` on a port that the system chooses; returns once it answers.

    (process, its address without a slash at the end). `module` is run in the engine's place where one is named. What it
    logs is in `base/draft.log`. The caller ends the process.
    """
    base.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", module, "--port", "0", "--base-directory", str(base), *flags]
    with (base / "draft.log").open("w") as log:
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    ready = process.stdout.readline()
    if not ready:
        process.wait(20)
        raise RuntimeError(f"the draft engine did not start: {(base / 'draft.log').read_text()}")
    return process, ready.split()[-1]
