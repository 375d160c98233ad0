"""What the engine's log says of its worker thread, since the process that runs now began.

supervisord appends to `engine.log` over all restarts and moves it to `engine.log.1` when it is full; a line that
`bootstrap.engine` writes first tells where a process begins.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from bootstrap.layout import last_lines

# What threading.excepthook prints. ComfyUI's worker is `prompt_worker` in main.py; a progress bar may stand before it.
_DEATH = re.compile(
    rb"Exception in thread (?:\S+ \(prompt_worker\)|draft-worker):\r?\nTraceback \(most recent call last\)"
)
_START = re.compile(r"--- The engine starts as process \d+\. ---")
_FAR, _SHOWN = 1000, 12
_LONGEST = 400
_BACKUPS = 3


def first_line(pid: int) -> str:
    """The line with which the log of one engine process begins."""
    return f"--- The engine starts as process {pid}. ---"


def last_words(path: Path, pid: int) -> list[str]:
    """The last lines that one engine process wrote, whoever has written since; the log's where it names no process."""
    lines = last_lines(path, _FAR)
    starts = [number for number, line in enumerate(lines) if _START.fullmatch(line)]
    begin = next((number for number in reversed(starts) if lines[number] == first_line(pid)), None)
    if begin is None:
        return lines[-_SHOWN:]
    return lines[begin : next((number for number in starts if number > begin), None)][-_SHOWN:]


class EngineLog:
    """Follows the log at `path`, whatever is done with it in between."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pid = 0
        self._inode = 0
        self._offset = 0
        self._rest = b""
        self._deaths = 0

    def deaths(self, pid: int) -> int:
        """How often the worker of this process is said to have died."""
        if pid != self._pid:
            self._begin(pid)
        for chunk in self._news():
            text = self._rest + chunk
            ends = [found.end() for found in _DEATH.finditer(text)]
            self._deaths += len(ends)
            self._rest = text[ends[-1] if ends else 0 :][-_LONGEST:]
        return self._deaths

    def _begin(self, pid: int) -> None:
        self._pid, self._deaths, self._rest = pid, 0, b""
        mark = first_line(pid).encode()
        for file in self._files():
            content = _read(file, 0)
            if mark in content:
                self._inode, self._offset = _inode(file), content.rindex(mark)
                return
        # Not written yet, so that all it will say is still to come.
        self._inode, self._offset = _inode(self._path), _size(self._path)

    def _news(self) -> list[bytes]:
        """What was written since the last look, the oldest first."""
        newer: list[bytes] = []
        for file in self._files():
            inode = _inode(file)
            if inode and inode == self._inode:
                chunks = [_read(file, self._offset), *reversed(newer)]
                break
            newer.append(_read(file, 0))
        else:
            chunks = [_read(self._path, 0)]
        if len(chunks) > 1 or self._inode != _inode(self._path):
            self._inode, self._offset = _inode(self._path), len(chunks[-1])
        else:
            self._offset += len(chunks[0])
        return chunks

    def _files(self) -> list[Path]:
        """The log and what was moved away from it, the newest first."""
        return [self._path, *(self._path.with_name(f"{self._path.name}.{n}") for n in range(1, _BACKUPS + 1))]


def _read(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except OSError:
        return b""


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _size(path: Path) -> int:
    try:
        return os.path.getsize(path)  # noqa: PTH202
    except OSError:
        return 0
