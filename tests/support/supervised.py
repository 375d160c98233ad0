"""The whole studio under supervisord, started and stopped by its own commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_ports

RESTART_SECONDS = 60


@dataclass(frozen=True)
class Supervised:
    """A running studio: its data folder, its address and that of its engine."""

    data: Path
    url: str
    engine_url: str

    def programs(self) -> dict[str, dict[str, object]]:
        """State, pid and health of `engine` and `studio`."""
        programs: dict[str, dict[str, object]] = json.loads(_bootstrap("status", "--json", self.data).stdout)[
            "programs"
        ]
        return programs

    def kill(self, name: str) -> None:
        """SIGKILL one of the two programs and wait until the supervisor has started it anew and it answers."""
        pid = self.programs()[name]["pid"]
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + RESTART_SECONDS
        while time.monotonic() < deadline:
            program = self.programs()[name]
            if program["healthy"] and program["pid"] != pid:
                return
        raise AssertionError(f"{name} was not started again: {self.programs()[name]}")


@contextmanager
def supervised(data: Path, **environment: str) -> Iterator[Supervised]:
    """Start a studio over `data` on free ports, by `up --detach`; `down` in the end."""
    port, engine_port = free_ports(2)
    ports = ["--port", str(port), "--engine-port", str(engine_port)]
    started = _bootstrap("up", "--detach", data, *ports, **environment)
    assert started.returncode == 0, started.stderr
    try:
        yield Supervised(data, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{engine_port}")
    finally:
        stopped = _bootstrap("down", "", data)
        assert stopped.returncode == 0, stopped.stderr


def _bootstrap(verb: str, flag: str, data: Path, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bootstrap", verb, *([flag] if flag else []), "--data", str(data), *more]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=180, check=False, env={**os.environ, **environment}
    )
