"""The doctor's checks that need nothing but the standard library, so that they work before anything is set up."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap import checks, engines, environment, health, layout, supervise
from bootstrap.comfy import damage, devices, install, launch
from bootstrap.doctor_line import Level, Line, guarded, of_error
from bootstrap.engines import Engine, External, Managed
from bootstrap.layout import CHECKOUT
from client import card
from client import installs as state
from client.installs import Broken, Install, Partial
from client.settings import Settings
from workflows.errors import StudioError

LEAST_GB, PLENTY_GB = 1.0, 10.0
"""Free disk for videos and logs: less than the first is a problem, less than the second worth saying."""
_PROBE_SECONDS = 10.0


@dataclass(frozen=True)
class Case:
    """What is looked at: the settings, the engine they choose, and the kind of GPU that was found ("" = none)."""

    settings: Settings
    engine: Engine
    gpu: str

    @property
    def device(self) -> str:
        """What a managed engine computes on."""
        return self.gpu or "cpu" if self.settings.device == "auto" else self.settings.device


def python() -> Line:
    """The interpreter that runs this; one that is too old gets no further than `__main__`."""
    return Line("Python", "ok", f"{platform.python_version()}, {sys.executable}")


def set_up(gpu: str, checkout: Path = CHECKOUT) -> Iterator[Line]:
    """Whether the studio's own packages are installed."""
    if environment.is_ready(checkout, (environment.STUDIO,), gpu):
        yield Line("Set-up", "ok", f"complete, {checkout / '.venv'}")
        return
    text = "The environment .venv is not set up, or older than requirements.txt."
    yield Line("Set-up", "warning", text, "`python3 -m bootstrap up` sets it up by itself.")


def before_set_up(case: Case) -> Iterator[Line]:
    """All lines but those that need the studio's packages."""
    yield Line("Engine", "ok", f"{engines.kind(case.engine)}, at {case.settings.server_url}")
    yield from guarded("Data", _data, case.settings.data)
    yield from guarded("Disk", _disk, case)
    yield from guarded("GPU", _gpu, case)
    yield from guarded("Supervisor", _studio, case)
    if isinstance(case.engine, Managed):
        yield from guarded("ComfyUI", _comfyui, case)
        yield from guarded("Custom nodes", _custom_nodes, case)


def _data(data: Path) -> Iterator[Line]:
    reason = _unwritable(data)
    if reason:
        yield of_error("Data", StudioError("data_unwritable", path=data, reason=reason))
    else:
        yield Line("Data", "ok", f"{data}" if data.exists() else f"{data}, which is made at the first start")


def _disk(case: Case) -> Iterator[Line]:
    free = shutil.disk_usage(_existing(case.settings.data)).free / 1e9
    level = "problem" if free < LEAST_GB else "warning" if free < PLENTY_GB else "ok"
    do = "" if level == "ok" else "Make room, or choose a folder on another disk with --data."
    yield Line("Disk", level, f"{free:.1f} GB free in {case.settings.data}", do)  # type: ignore[arg-type]
    if isinstance(case.engine, Managed) and state.current(case.engine.home) is None:
        room = shutil.disk_usage(_existing(case.engine.home.folder)).free / 1e9
        needed = devices.GIGABYTES[case.device]
        if room < needed:
            text = f"ComfyUI for {case.device} needs {needed} GB in {case.engine.home.folder}; {room:.1f} GB are free."
            yield Line("Disk", "problem", text, "Make room, or choose another folder with STUDIO_COMFYUI_DIR.")


def _gpu(case: Case) -> Iterator[Line]:
    wanted = case.settings.device if isinstance(case.engine, Managed) else "auto"
    if wanted not in ("auto", "cpu", case.gpu):
        text = f"No {wanted} device is found, and --device asks for one."
        yield Line("GPU", "problem", text, "Mend the GPU's driver, or leave --device out.")
        return
    if not case.gpu:
        if isinstance(case.engine, Managed):
            text = "none is found: ComfyUI computes on the CPU, which takes hours for a video"
            yield Line("GPU", "warning", text, "Use --engine draft, or a server with a GPU in STUDIO_COMFYUI_URL.")
            return
        yield Line("GPU", "ok", f"none, and the {engines.kind(case.engine)} engine needs none here")
        return
    found = card.first() if case.gpu == "cuda" else None
    if found is None:
        if case.gpu == "cuda":
            level = "problem" if isinstance(case.engine, Managed) else "warning"
            text = "There is an NVIDIA device, and nvidia-smi does not answer."
            yield Line("GPU", level, text, "Install or mend the NVIDIA driver.")  # type: ignore[arg-type]
            return
        yield Line("GPU", "ok", case.gpu)
        return
    yield Line("GPU", "ok", f"{found.name}, {found.memory_gb:.0f} GB, driver {_driver() or 'of an unknown version'}")


def _driver() -> str:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.split("\n")[0].strip() if answer.returncode == 0 else ""


def _studio(case: Case) -> Iterator[Line]:
    """The studio that runs on the data folder; where none does, whether the ports are free for one."""
    try:
        running = supervise.find(case.settings.data)
        if running is None:
            yield Line("Supervisor", "ok", f"no studio runs on {case.settings.data}")
            checks.ports(case.settings, case.engine)
            local = "" if isinstance(case.engine, External) else f" and {case.settings.engine_port}"
            yield Line(
                "Ports", "ok", f"{case.settings.port}{local} are free" if local else f"{case.settings.port} is free"
            )
            return
    except StudioError as error:
        yield of_error("Supervisor" if error.code == "data_unreadable" else "Ports", error)
        return
    yield Line("Ports", "ok", f"in use by the studio that runs: {running.settings.studio_url}")
    for program in health.look(running):
        name = f"Supervisor, {program.program}"
        if program.failure:
            log = layout.program_log(case.settings.data, program.program)
            yield Line(name, "problem", f"{program.state}: {program.failure}", f"Look into {log}.")
        else:
            yield Line(name, "ok", f"{program.state}, {program.url}")


def _comfyui(case: Case) -> Iterator[Line]:
    assert isinstance(case.engine, Managed)
    reason = _unwritable(case.engine.home.folder)
    if reason:
        yield of_error("ComfyUI", StudioError("comfyui_unwritable", path=case.engine.home.folder, reason=reason))
        return
    used, asked = state.current(case.engine.home), install.look(case.settings)
    unusable = used is None or (isinstance(asked, Broken) and used.name == asked.name)
    if isinstance(asked, Broken):
        do = "`python3 -m bootstrap install` makes it anew."
        yield Line("ComfyUI", "problem" if unusable else "warning", f"broken: {asked.reason}", do)
    elif unusable:
        partial = isinstance(asked, Partial)
        left = f"cut short after {', '.join(asked.done) or 'nothing'}" if isinstance(asked, Partial) else "absent"
        do = f"`python3 -m bootstrap install` {'finishes' if partial else 'installs'} it, as `up` does."
        yield Line("ComfyUI", "warning", f"{left}, in {case.engine.home.folder}", do)
    if used is None or unusable:
        if shutil.which("git") is None:
            yield Line("git", "problem", "git is not installed, and ComfyUI is fetched with it.", "Install git.")
        return
    wanted = install.wanted(case.settings)
    text = f"{used.version}, commit {used.commit}, in {used.folder}"
    flaw = "" if used.name == wanted.name else damage.find(used)
    if used.name == wanted.name:
        yield Line("ComfyUI", "ok", text)
    elif flaw:
        # Where the one that is asked for has not failed yet, the next start takes that.
        level: Level = "problem" if isinstance(asked, Broken) else "warning"
        yield Line("ComfyUI", level, f"{text}; it is damaged: {flaw}", install.repair(used))
    else:
        differs = f"commit {wanted.commit} for {wanted.device} with packs {wanted.profile}"
        do = "`python3 -m bootstrap install` installs that beside it and takes over once it has answered."
        yield Line("ComfyUI", "warning", f"{text}; the settings ask for {differs}", do)
    yield _torch(used)
    yield _packs(used)


def _torch(used: Install) -> Line:
    found = devices.check(used.python, used.device, launch.environment(used, os.environ))
    if isinstance(found, devices.Usable):
        return Line("torch", "ok", f"{used.torch}, computes on {used.device}")
    if isinstance(found, devices.Unusable):
        do = "Update the GPU's driver, or choose another device with --device and install again."
        return Line("torch", "problem", f"{used.torch} can't use {used.device}: {found.reason}", do)
    return Line("torch", "problem", f"does not import: {found.reason}", "Run `python3 -m bootstrap install` again.")


def _packs(used: Install) -> Line:
    if used.failed_packs:
        text = "; ".join(f"{name} can't be imported: {reason}" for name, reason in used.failed_packs)
        return Line("Node packs", "warning", text, "Graphs of your own that use them fail; the six modes need none.")
    return Line("Node packs", "ok", ", ".join(used.packs) or "none, and the six modes need none")


def _custom_nodes(case: Case) -> Iterator[Line]:
    if case.settings.comfyui_nodes:
        checks.custom_nodes(case.settings, case.engine)
        yield Line("Custom nodes", "ok", ", ".join(case.settings.comfyui_nodes))


def _unwritable(folder: Path) -> str:
    """Why nothing can be written in a folder that is there or is to be made; "" where it can."""
    at = _existing(folder)
    if not at.is_dir():
        return f"{at} is no folder"
    return "" if os.access(at, os.W_OK | os.X_OK) else f"no right to write to {at}"


def _existing(path: Path) -> Path:
    """The folder itself, or the nearest one above it that is there as far as this user may see."""
    return next(folder for folder in (path, *path.parents) if _exists(folder))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
