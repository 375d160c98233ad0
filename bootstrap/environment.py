"""The checkout's virtual environment: made once, stamped, and finished when an earlier set-up was cut short.

A stamp holds a hash of everything that decides what is installed and is written last, so that its presence proves a
complete set-up and a second `up` compares one file instead of asking pip.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap import commands
from bootstrap.layout import last_lines, venv_python
from bootstrap.terminal import Say
from workflows.errors import StudioError

_TORCH = re.compile(r"^\s*torch\s*([=<>!~;\[#@]|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """One requirements file to have installed: its stamp's name, and the MB to download without torch."""

    name: str
    requirements: str
    megabytes: int


STUDIO = Part("studio", "requirements.txt", 160)
TESTS = Part("tests", "tests/requirements.txt", 80)


def without_torch(requirements: str) -> str:
    """The requirements less the line that asks for torch."""
    return "".join(line for line in requirements.splitlines(keepends=True) if not _TORCH.match(line))


def stamp(requirements: str, torch: bool) -> str:
    """Hash of what decides the environment's content."""
    python = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"
    facts = "\0".join((requirements, python, "torch" if torch else "no torch"))
    return hashlib.sha256(facts.encode()).hexdigest()


def prepare(checkout: Path, parts: tuple[Part, ...], gpu: str, log: Path, say: Say) -> None:
    """Have the virtual environment hold what `parts` ask for. Output of venv and pip goes to `log`.

    Raises StudioError `venv_missing`, `venv_unwritable` or `setup_failed`. The next call builds on what was done.
    """
    if not _missing(checkout, parts, gpu):
        return
    module = next((name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None), "")
    if module:
        raise StudioError("venv_missing", python=sys.executable, module=module)
    with _alone(checkout / ".venv", say):
        # Another command may have finished it while this one waited.
        missing = _missing(checkout, parts, gpu)
        if missing:
            _set_up(checkout, missing, gpu, log, say)


def _set_up(checkout: Path, parts: tuple[Part, ...], gpu: str, log: Path, say: Say) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    venv, python = checkout / ".venv", venv_python(checkout)
    usable = _usable(python)
    torch = " and torch for the GPU (GB)" if gpu and STUDIO in parts else ""
    size = f"about {sum(part.megabytes for part in parts)} MB{torch} to download, once"
    known = usable and all(_stamp_file(checkout, part).exists() for part in parts)
    say("Bringing .venv up to the changed requirements." if known else f"Setting up .venv: {size}.")
    if not usable:
        _clear(venv)
        _run([sys.executable, "-m", "venv", str(venv)], "making the virtual environment", log, say)
    for part in parts:
        wanted = _requirements(checkout, part, gpu)
        listing = venv / f"requirements-{part.name}.txt"
        listing.write_text(wanted, encoding="utf-8")
        install = ["install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off", "-r", str(listing)]
        _run([str(python), "-m", "pip", *install], f"installing {part.requirements}", log, say)
        _stamp_file(checkout, part).write_text(stamp(wanted, bool(gpu)), encoding="utf-8")
    say("Set-up is complete.")


def is_ready(checkout: Path, parts: tuple[Part, ...], gpu: str) -> bool:
    """Whether the virtual environment holds what `parts` ask for."""
    return not _missing(checkout, parts, gpu)


def _missing(checkout: Path, parts: tuple[Part, ...], gpu: str) -> tuple[Part, ...]:
    if not os.access(venv_python(checkout), os.X_OK):
        return parts
    return tuple(part for part in parts if not _stamped(checkout, part, gpu))


def _stamped(checkout: Path, part: Part, gpu: str) -> bool:
    try:
        found = _stamp_file(checkout, part).read_text(encoding="utf-8")
    except OSError:
        return False
    return found == stamp(_requirements(checkout, part, gpu), bool(gpu))


def _stamp_file(checkout: Path, part: Part) -> Path:
    return checkout / ".venv" / f"stamp-{part.name}"


def _requirements(checkout: Path, part: Part, gpu: str) -> str:
    text = (checkout / part.requirements).read_text(encoding="utf-8")
    return text if gpu else without_torch(text)


def _usable(python: Path) -> bool:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    check = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([str(python), "-c", check], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version


@contextlib.contextmanager
def _alone(venv: Path, say: Say) -> Iterator[None]:
    try:
        venv.mkdir(exist_ok=True)
        lock = _lock_file(venv).open("a")
    except OSError as error:
        raise StudioError("venv_unwritable", path=venv, reason=(error.strerror or str(error)).lower()) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another command is setting up .venv; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock_file(venv: Path) -> Path:
    return venv / "setup.lock"


def _clear(venv: Path) -> None:
    for entry in venv.iterdir():
        if entry == _lock_file(venv):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _run(command: list[str], step: str, log: Path, say: Say) -> None:
    """Run a command with its output in the log; where it fails, say its last lines."""
    # A user-wide "install into the home folder" setting makes pip refuse a virtual environment.
    if commands.run(command, log, {**os.environ, "PIP_USER": "0"}) != 0:
        for line in last_lines(log):
            say(f"  {line}")
        raise StudioError("setup_failed", step=step, log=log)
