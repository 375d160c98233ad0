"""Whose is the port? The engine's, or somebody else's who took it while the engine was down.

Linux tells by /proc; elsewhere, and where it keeps that to itself, the port passes for the engine's.
"""

from __future__ import annotations

from pathlib import Path

from bootstrap import orphans

_PROC = Path("/proc")
_LISTENS = "0A"


def is_strangers(port: int, group: int) -> bool:
    """Whether somebody listens on a TCP port, and it is no process of this process group."""
    sockets = _sockets(port, group)
    return bool(sockets) and not any(_holds(pid, sockets) for pid in (group, *orphans.members(group)))


def _sockets(port: int, pid: int) -> set[str]:
    """The inodes of the sockets that listen on a port where this process lives (proc_pid_net(5))."""
    found = set()
    for name in ("tcp", "tcp6"):
        try:
            rows = (_PROC / str(pid) / "net" / name).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, rows):
            if len(fields) > 9 and fields[3] == _LISTENS and fields[1].endswith(f":{port:04X}"):
                found.add(fields[9])
    return found - {"0"}


def _holds(pid: int, sockets: set[str]) -> bool:
    """Whether a process has one of the sockets open; taken for granted where it may not be looked at."""
    try:
        links = list((_PROC / str(pid) / "fd").iterdir())
    except PermissionError:
        return True
    except OSError:
        return False
    return any(_target(link) in {f"socket:[{inode}]" for inode in sockets} for link in links)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""
