"""How much memory the machine has and has left, in bytes."""

from __future__ import annotations

import os
from pathlib import Path

MEMINFO = Path("/proc/meminfo")


def total() -> int:
    """Physical memory; 0 where the system does not say."""
    return _pages("SC_PHYS_PAGES")


def free() -> int:
    """Memory that programs can still get: what Linux calls available, elsewhere free pages, else all of it."""
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return _pages("SC_AVPHYS_PAGES") or total()
    available = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return available[0] if available else total()


def _pages(name: str) -> int:
    try:
        return os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0
