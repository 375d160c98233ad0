"""The first start of an install: on a free port, in a folder that is thrown away, before anybody relies on it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootstrap import lifeline, probe
from bootstrap.comfy.packs import Pack
from bootstrap.layout import last_lines

ANSWER_SECONDS = 600.0
"""The first start compiles every module and may load a GPU's libraries from a slow disk."""
_END_SECONDS = 20.0
_POLL_SECONDS = 0.1
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_FAILED = re.compile(r"\(IMPORT FAILED\): (.+)$", re.MULTILINE)
_WHY = re.compile(r"Cannot import (.+?) module for custom nodes: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Answered:
    """It answered /system_stats; `failed` pairs the folder of each pack that did not import with the reason."""

    version: str
    failed: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Silent:
    """It ended, or did not answer in time; with the last lines that it wrote."""

    reason: str
    log: list[str]


def run(
    folder: Path, packs: tuple[Pack, ...], device: str, environment: Mapping[str, str], seconds: float = ANSWER_SECONDS
) -> Answered | Silent:
    """Start the install in `folder` once and end it. Its output stays in `trial.log` there."""
    base, log = folder / "trial", folder / "trial.log"
    shutil.rmtree(base, ignore_errors=True)
    (base / "custom_nodes").mkdir(parents=True)
    for pack in packs:
        (base / "custom_nodes" / pack.folder).symlink_to(folder / "packs" / pack.folder)
    port = _free_port()
    with log.open("wb") as out:
        process = subprocess.Popen(
            _command(folder, base, port, packs, device),
            cwd=folder / "source",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=lifeline.bound(),
        )
        try:
            reason = _await(process, port, seconds)
            if reason:
                return Silent(reason, last_lines(log, 20))
            server = f"http://127.0.0.1:{port}"
            version = str(_get(f"{server}/system_stats")["system"]["comfyui_version"])
            classes = _get(f"{server}/object_info") if packs else {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            return Silent(f"its answer can't be read ({error})", last_lines(log, 20))
        finally:
            _end(process)
            shutil.rmtree(base, ignore_errors=True)
    return Answered(version, failures(log.read_text(encoding="utf-8", errors="replace"), packs, classes))


def failures(log: str, packs: tuple[Pack, ...], classes: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """The packs that did not import, with the reason: seen in ComfyUI's log, or by a class that nobody registered.

    Over HTTP such a pack only shows in what is missing (ComfyUI 0.27, nodes.py, load_custom_node).
    """
    text = _ANSI.sub("", log)
    failed = {Path(path.strip()).name for path in _FAILED.findall(text)}
    why = {Path(path.strip()).name: reason.strip() for path, reason in _WHY.findall(text)}
    found = []
    for pack in packs:
        if pack.folder in failed | why.keys():
            found.append((pack.folder, why.get(pack.folder, "its import failed")))
        elif pack.node not in classes:
            found.append((pack.folder, f"it gives no node {pack.node}"))
    return tuple(found)


def _command(folder: Path, base: Path, port: int, packs: tuple[Pack, ...], device: str) -> list[str]:
    names = [pack.folder for pack in packs]
    return [
        str(folder / "venv" / "bin" / "python"),
        "main.py",
        *("--listen", "127.0.0.1", "--port", str(port)),
        *("--base-directory", str(base), "--database-url", f"sqlite:///{base / 'comfyui.db'}"),
        *("--disable-auto-launch", "--disable-api-nodes", "--disable-all-custom-nodes"),
        *(("--whitelist-custom-nodes", *names) if names else ()),
        *(("--cpu",) if device == "cpu" else ()),
    ]


def _await(process: subprocess.Popen[bytes], port: int, seconds: float) -> str:
    """Why it can't be spoken to, "" as soon as it answers."""
    deadline = time.monotonic() + seconds
    while probe.engine_failure(f"http://127.0.0.1:{port}"):
        if process.poll() is not None:
            return f"it ended with exit code {process.returncode}"
        if time.monotonic() > deadline:
            return f"it did not answer within {seconds:g} s"
        time.sleep(_POLL_SECONDS)
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGINT is how ComfyUI is asked to end; whatever of its group is left then is killed."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _get(url: str) -> dict[str, dict[str, object]]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as answer:
        found = json.load(answer)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def _free_port() -> int:
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        return int(probe_socket.getsockname()[1])
