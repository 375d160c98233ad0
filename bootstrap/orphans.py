"""No child of an engine outlives it: one that was killed can't end its own, and they may hold memory of the GPU."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from bootstrap.layout import run_folder

_PROC = Path("/proc")


def note(data: Path, pid: int) -> None:
    """Write down the process that is, or is about to become, the engine. It leads its own process group."""
    _file(data).write_text(str(pid), encoding="utf-8")


def forget(data: Path) -> None:
    """Nobody is the engine any more."""
    _file(data).unlink(missing_ok=True)


def end(data: Path, socket: str) -> int:
    """Kill what the noted engine has left behind, and say how many processes that were; none while it lives.

    On Linux only those that `socket` (UP_SOCKET) was handed down to: the numbers may have gone to somebody else.
    """
    try:
        group = int(_file(data).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    if group == os.getpgrp() or _lives(group):
        return 0
    if not _PROC.is_dir():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
            return 1
        return 0
    left = [pid for pid in members(group) if _inherited(pid, socket)]
    for pid in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return len(left)


def _file(data: Path) -> Path:
    return run_folder(data) / "engine.pid"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    fields = _stat(pid)
    return not fields or fields[0] != "Z"


def members(group: int) -> list[int]:
    """The processes of a group, by /proc; none where there is no /proc."""
    if not _PROC.is_dir():
        return []
    pids = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    found = [(pid, _stat(pid)) for pid in pids]
    return [pid for pid, fields in found if fields and int(fields[2]) == group and fields[0] != "Z"]


def _stat(pid: int) -> list[str]:
    """State, parent, group and what follows in /proc/<pid>/stat (proc_pid_stat(5)); empty where there is no such."""
    try:
        return (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _inherited(pid: int, socket: str) -> bool:
    try:
        variables = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"UP_SOCKET={socket}".encode() in variables
