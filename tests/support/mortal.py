"""The draft engine with ways to die, told by files in its base folder; takes its place in a checkout.

`worker-dies`: the next prompt ends the worker thread as a broken graph ends ComfyUI's. `long-step`: a prompt takes as
long as the file is there, and says nothing. `deaf`: no HTTP from the start. `stillborn`: ends after a moment.
`child`: a child process is started that no signal but SIGKILL ends; its pid is written to `child.pid`.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from bootstrap.draft import engine, started
from bootstrap.draft.worker import Worker

BASE = Path(sys.argv[sys.argv.index("--base-directory") + 1])
CHILD = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print(flush=True); time.sleep(1000)"


def take(name: str) -> bool:
    """Whether there was such a file; it counts once."""
    found = (BASE / name).exists()
    (BASE / name).unlink(missing_ok=True)
    return found


class Mortal(Worker):
    """The worker, in a thread named as ComfyUI's is."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self._thread = threading.Thread(target=self.prompt_worker, daemon=True)

    def prompt_worker(self) -> None:
        self._run()

    def _execute(self, prompt, announcer):
        if take("worker-dies"):
            raise KeyError("inputs")
        while (BASE / "long-step").exists():
            time.sleep(0.02)
        return super()._execute(prompt, announcer)


if (BASE / "stillborn").exists():
    sys.exit("stillborn")
if take("child"):
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    (BASE / "child.pid").write_text(str(child.pid))
if take("deaf"):
    time.sleep(1000)
engine.Worker = Mortal
sys.exit(started.main(sys.argv[1:]))
