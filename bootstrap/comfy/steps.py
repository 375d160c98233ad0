"""The steps that make an install, each done once: source, environment, torch, ComfyUI's packages, packs.

`steps.json` lists the ones that are done, so that an installation that was cut short goes on where it stopped.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bootstrap.comfy import cpu_wheels, damage, devices, packages, packs, percent, source
from bootstrap.comfy.packages import Venv, environment
from bootstrap.comfy.packs import Pack
from bootstrap.terminal import Say
from client import installs as state
from client.settings import Settings
from workflows import address
from workflows.errors import StudioError

__all__ = ["RECIPE", "Built", "build", "environment", "free_bytes"]

RECIPE = [devices.PINS, devices.INDEXES]
"""What of the steps decides the content of an install, beside the commit, the device and the packs."""
_PACKS_GIGABYTES = 2


@dataclass(frozen=True)
class Built:
    """A complete install that has not been started yet."""

    torch: str


def free_bytes(folder: Path) -> int:
    """Free space on the disk of a folder."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True)
class _Work:
    """What every step needs to know."""

    folder: Path
    settings: Settings
    device: str
    log: Path
    say: Say

    @property
    def constraints(self) -> Path:
        return self.folder / "constraints.txt"

    def done(self) -> list[str]:
        return list(state.read_json(self.folder / "steps.json").get("done", []))

    def is_done(self, step: str) -> bool:
        return step in self.done()

    def note(self, step: str) -> None:
        state.write_json(self.folder / "steps.json", {"done": [*self.done(), step]})


def build(
    folder: Path,
    settings: Settings,
    commit: str,
    device: str,
    wanted: tuple[Pack, ...],
    log: Path,
    say: Say,
    free: Callable[[Path], int],
) -> Built:
    """Have everything in `folder` that a start needs. The next call builds on what was done.

    Raises StudioError `disk_too_small`, `not_comfyui`, `torch_not_importable`, `device_unusable`, `torch_replaced`, and
    those of `source.check_out`, `packages.make` and `packages.install`.
    """
    work = _Work(folder, settings, device, log, say)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "stamp.json").exists():
        _distrust(work, commit)
    if not work.is_done("torch"):
        _disk(folder, device, wanted, free)
    _source(work, commit)
    venv = _environment(work)
    if not work.is_done("torch"):
        _torch(work, venv)
        work.note("torch")
    if not work.is_done("device"):
        _device(work, venv)
        work.note("device")
    if not work.is_done("comfyui"):
        say("Installing ComfyUI's packages…")
        listing = folder / "source" / "requirements.txt"
        packages.install(venv, ["-r", str(listing)], work.constraints, "ComfyUI's packages", say)
        _unchanged(work, venv, "ComfyUI")
        work.note("comfyui")
    for pack in wanted:
        if not work.is_done(pack.repository):
            _pack(work, venv, pack)
            work.note(pack.repository)
    percent.mend(folder, packages.site_packages(venv))
    return Built(packages.versions(venv, ["torch"])["torch"])


def _distrust(work: _Work, commit: str) -> None:
    """It was complete and is broken: only what proves whole is believed. The stamp goes last: a cut is seen again."""
    stamp, done = work.folder / "stamp.json", []
    damaged = state.read_json(stamp).get("state") == "ready"
    if damaged and source.mend(work.folder / "source", commit, work.log):
        done.append("source")
    flaw = damage.of_packages(work.folder) or damage.of_torch(work.folder, work.device)
    if flaw:
        work.say(f"Its packages are installed anew: {flaw}.")
        shutil.rmtree(work.folder / "venv", ignore_errors=True)
    elif damaged:
        done.extend(("environment", "torch", "device", "comfyui"))
    damage.forget_stock(work.folder)
    state.write_json(work.folder / "steps.json", {"done": done})
    stamp.unlink()


def _disk(folder: Path, device: str, wanted: tuple[Pack, ...], free: Callable[[Path], int]) -> None:
    needed = devices.GIGABYTES[device] + (_PACKS_GIGABYTES if wanted else 0)
    found = free(folder) / 1e9
    if found < needed:
        raise StudioError("disk_too_small", device=device, needed=needed, free=found, path=folder.parent)


def _source(work: _Work, commit: str) -> None:
    tree = work.folder / "source"
    if not work.is_done("source"):
        shutil.rmtree(tree, ignore_errors=True)
        work.say(f"Fetching ComfyUI {commit[:12]} from {address.public(work.settings.comfyui_source)}…")
        source.check_out(work.settings.comfyui_source, commit, tree, work.log, "ComfyUI")
        missing = [name for name in ("main.py", "comfyui_version.py", "requirements.txt") if not (tree / name).exists()]
        if missing:
            shown = address.public(work.settings.comfyui_source)
            raise StudioError("not_comfyui", source=shown, commit=commit, missing=missing[0])
        work.note("source")


def _environment(work: _Work) -> Venv:
    """The virtual environment; where a new one had to be made, what was installed is to be installed again."""
    flaw = damage.of_packages(work.folder) if (work.folder / "venv").exists() else ""
    if flaw:
        # pip takes a package that was unpacked in part for one that is there.
        shutil.rmtree(work.folder / "venv", ignore_errors=True)
    if not work.is_done("environment"):
        work.say("Making a virtual environment…")
    venv = packages.make(work.folder / "venv", work.log)
    if not work.is_done("environment"):
        work.say(f"{'uv' if venv.uv else 'pip'} installs into it.")
        work.note("environment")
    elif not packages.versions(venv, ["torch"]):
        state.write_json(work.folder / "steps.json", {"done": ["source", "environment"]})
    return venv


def _torch(work: _Work, venv: Venv) -> None:
    pins = [f"{name}=={version}" for name, version in devices.PINS.items()]
    work.constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
    index = "" if packages.no_index(venv) else devices.INDEXES[work.device]
    failure = devices.index_failure(index) if index else ""
    if failure:
        work.say(f"{index} does not answer ({failure}), so torch comes from the default index.")
        index = ""
    work.say(f"Installing torch {devices.PINS['torch']} for {work.device}…")
    packages.install(venv, pins, work.constraints, "torch", work.say, index)
    # With what was really taken, a build for this device stays that build (2.13.0+cu130).
    found = packages.versions(venv, list(devices.PINS))
    work.constraints.write_text("".join(f"{name}=={found[name]}\n" for name in devices.PINS), encoding="utf-8")


def _device(work: _Work, venv: Venv) -> None:
    answer = devices.check(venv.python, work.device, environment())
    if isinstance(answer, devices.Unimportable) and work.device == "cpu" and cpu_wheels.helps(answer.traceback):
        work.say("torchvision and torchaudio of this index are built for CUDA; the environment gets a hook that lets")
        work.say("them be imported without it (bootstrap/comfy/cpu_wheels.py).")
        cpu_wheels.mend(packages.site_packages(venv))
        answer = devices.check(venv.python, work.device, environment())
    if isinstance(answer, devices.Unimportable):
        raise StudioError("torch_not_importable", reason=answer.reason)
    if isinstance(answer, devices.Unusable):
        raise StudioError("device_unusable", device=work.device, reason=answer.reason)


def _pack(work: _Work, venv: Venv, pack: Pack) -> None:
    work.say(f"Installing the pack {pack.repository}: {pack.purpose}.")
    tree = work.folder / "packs" / pack.folder
    tree.parent.mkdir(exist_ok=True)
    if not source.mend(tree, pack.commit, work.log):
        shutil.rmtree(tree, ignore_errors=True)
        where = f"{work.settings.packs_source.rstrip('/')}/{pack.repository}"
        source.check_out(where, pack.commit, tree, work.log, pack.repository)
    wanted = list(pack.extras)
    listing = tree / "requirements.txt"
    if listing.exists():
        # A copy beside the packs, as relative paths and a changed tree would be trouble later.
        kept = packs.requirements(listing.read_text(encoding="utf-8", errors="replace"), pack.leave_out)
        copy = work.folder / f"requirements-{pack.folder}.txt"
        copy.write_text(kept, encoding="utf-8")
        wanted = ["-r", str(copy), *wanted]
    if wanted:
        packages.install(venv, wanted, work.constraints, f"the packages of {pack.repository}", work.say)
        _unchanged(work, venv, pack.repository)


def _unchanged(work: _Work, venv: Venv, who: str) -> None:
    """What the constraints pin is still what they pin."""
    found = packages.versions(venv, list(devices.PINS))
    for line in work.constraints.read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("==")
        if found.get(name) != version:
            raise StudioError("torch_replaced", who=who, name=name, version=version, found=found.get(name, "nothing"))
