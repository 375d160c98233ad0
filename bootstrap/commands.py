"""Running the commands of a set-up: output into a log, a passing line on a terminal, nothing left behind by Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap import lifeline
from bootstrap.terminal import passing

_END_SECONDS = 5.0
_SHOWN = ("Collecting ", "Downloading ", "Installing ", "Resolved ", "Prepared ", "Receiving objects", "Building ")


def run(command: Sequence[str], log: Path, environment: Mapping[str, str], cwd: Path | None = None) -> int:
    """Run a command to its end and return its exit code; what it prints is appended to `log`.

    Its processes are a group of their own, which an exception here (Ctrl-C) ends; it does not outlive a kill either.
    """
    with (
        log.open("a", encoding="utf-8") as out,
        subprocess.Popen(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env=environment,
            start_new_session=True,
            preexec_fn=lifeline.bound(),
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                out.write(line)
                out.flush()
                if line.lstrip().startswith(_SHOWN):
                    passing(f"  {line.strip()}")
        except BaseException:
            _end_group(process)
            raise
    passing("")
    return process.returncode


def _end_group(process: subprocess.Popen[str]) -> None:
    """End a command and what it started; pip clears its temporary folders when it is interrupted."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
