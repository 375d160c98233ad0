"""`python3 -m bootstrap` as a person runs it: in a process of its own, with no setting from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment less every setting of the studio, plus `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STUDIO_")}
    return {**kept, **(extra or {})}


def bootstrap(
    *arguments: object, checkout: Path = CHECKOUT, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one verb to its end."""
    return subprocess.run(
        [sys.executable, "-m", "bootstrap", *map(str, arguments)],
        cwd=checkout,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def spawn(*arguments: object, checkout: Path = CHECKOUT) -> subprocess.Popen[str]:
    """Start one verb as a shell does: in a process group of its own, output to be read."""
    return subprocess.Popen(
        [sys.executable, "-m", "bootstrap", *map(str, arguments)],
        cwd=checkout,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_line(process: subprocess.Popen[str], text: str) -> str:
    """The first line of output that holds `text`; fails with all that was said when the process ends before."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if text in line:
            return line
    raise AssertionError(f"{''.join(said)}{process.stderr.read() if process.stderr else ''}")


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether something comes true; for what another process does and no event tells."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] if Path("/proc").exists() else ""
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
