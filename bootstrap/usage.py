"""What a process has used so far, as Linux tells it; nothing is known elsewhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """CPU seconds of all its threads, and bytes it had read from disk; None where the system keeps that to itself."""

    cpu: float
    read: int | None


def of(pid: int) -> Usage | None:
    """From proc_pid_stat(5), fields 14 and 15, and proc_pid_io(5); None where there is no such process or no /proc."""
    folder = Path("/proc") / str(pid)
    try:
        fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    ticks = int(fields[11]) + int(fields[12])
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), _read_bytes(folder / "io"))


def _read_bytes(path: Path) -> int | None:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.partition(":")[2]) for line in lines if line.startswith("read_bytes:")), None)
