"""What is installed of ComfyUI, read from the files that the installation writes last.

An install without a stamp was cut short; `current.json` names the one in use. Both are replaced atomically.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.comfy_home import ComfyHome

FORMAT = 1


@dataclass(frozen=True)
class Install:
    """A complete install that has answered once.

    `packs` are the folder names inside `packs_folder` of the packs that import; `failed_packs` pairs each of the others
    with the reason that ComfyUI's log gives. `version` is ComfyUI's, `torch` that of torch with its local part.
    """

    name: str
    commit: str
    version: str
    device: str
    profile: str
    packs: tuple[str, ...]
    failed_packs: tuple[tuple[str, str], ...]
    torch: str
    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter of its own virtual environment."""
        return self.folder / "venv" / "bin" / "python"

    @property
    def source(self) -> Path:
        """ComfyUI's tree, where main.py lies."""
        return self.folder / "source"

    @property
    def packs_folder(self) -> Path:
        """The custom node packs, each in a folder of its own."""
        return self.folder / "packs"


@dataclass(frozen=True)
class Absent:
    """Nothing is there."""


@dataclass(frozen=True)
class Partial:
    """Cut short; `done` are the steps that need not be done again."""

    name: str
    done: tuple[str, ...]


@dataclass(frozen=True)
class Ready:
    """Complete, and answered once."""

    install: Install


@dataclass(frozen=True)
class Broken:
    """Complete, but it did not answer or is damaged; `log` are the last lines of its output."""

    name: str
    reason: str
    log: tuple[str, ...]


State = Absent | Partial | Ready | Broken


def look(home: ComfyHome, name: str) -> State:
    """The state of one install, by its name."""
    folder = home.installs / name
    if not folder.is_dir():
        return Absent()
    stamp = read_json(folder / "stamp.json")
    if stamp.get("format") != FORMAT:
        return Partial(name, tuple(read_json(folder / "steps.json").get("done", {})))
    if stamp.get("state") != "ready":
        return Broken(name, str(stamp.get("reason", "")), tuple(stamp.get("log", ())))
    install = _install(folder, stamp)
    gone = [path for path in (install.python, install.source / "main.py") if not path.exists()]
    return Broken(name, f"{gone[0]} is gone", ()) if gone else Ready(install)


def current(home: ComfyHome) -> Install | None:
    """The install in use; None where there is none that could be started."""
    name = read_json(home.current).get("name")
    state = look(home, name) if isinstance(name, str) and name else Absent()
    return state.install if isinstance(state, Ready) else None


def mark_ready(install: Install) -> None:
    """Write the stamp that says an install is complete."""
    stamp = {
        "format": FORMAT,
        "state": "ready",
        "commit": install.commit,
        "version": install.version,
        "device": install.device,
        "profile": install.profile,
        "packs": list(install.packs),
        "failed_packs": [list(pair) for pair in install.failed_packs],
        "torch": install.torch,
    }
    write_json(install.folder / "stamp.json", stamp)


def mark_broken(folder: Path, reason: str, log: list[str]) -> None:
    """Write the stamp that says why an install is not used."""
    write_json(folder / "stamp.json", {"format": FORMAT, "state": "broken", "reason": reason, "log": log})


def hold(install: Install) -> None:
    """Mark an install as used by this process and by the program that it becomes (exec), until that ends."""
    descriptor = os.open(install.folder / "in-use.lock", os.O_RDWR | os.O_CREAT, 0o644)
    os.set_inheritable(descriptor, True)
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def held(folder: Path) -> bool:
    """Whether a process that called `hold` still runs."""
    try:
        with (folder / "in-use.lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file; an empty one where there is no such file or it holds anything else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a file as a whole, so that a cut leaves the old one or the new one."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _install(folder: Path, stamp: dict[str, Any]) -> Install:
    return Install(
        name=folder.name,
        commit=stamp["commit"],
        version=stamp["version"],
        device=stamp["device"],
        profile=stamp["profile"],
        packs=tuple(stamp["packs"]),
        failed_packs=tuple((name, reason) for name, reason in stamp["failed_packs"]),
        torch=stamp["torch"],
        folder=folder,
    )
