"""Having the managed ComfyUI there: absent, partial, ready or broken, and never half replaced.

Every commit, device and choice of packs is an install of its own, in a folder named after them. An install is built
beside the one in use, started once, and only when it has answered does `current.json` name it and does the old one go.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap.comfy import damage, packs, steps, trial
from bootstrap.comfy.packs import Pack
from bootstrap.layout import install_log
from bootstrap.terminal import Say, sentence
from client import accelerator
from client import installs as state
from client.comfy_home import ComfyHome, comfyui
from client.installs import Absent, Broken, Install, Partial, Ready, State
from client.settings import Settings
from workflows.errors import StudioError

__all__ = ["Absent", "Broken", "Install", "Partial", "Ready", "State", "ensure", "look", "wanted"]


@dataclass(frozen=True)
class Wanted:
    """What these settings ask to have installed."""

    commit: str
    device: str
    profile: str
    packs: tuple[Pack, ...]

    @property
    def name(self) -> str:
        """Its folder's name: the same for the same content, wherever that is fetched from."""
        pinned = [[pack.repository, pack.commit, pack.extras, pack.leave_out] for pack in self.packs]
        recipe = json.dumps([self.commit, self.device, pinned, steps.RECIPE])
        return f"{self.commit[:12]}-{self.device}-{self.profile}-{hashlib.sha256(recipe.encode()).hexdigest()[:8]}"


def wanted(settings: Settings, table: Path = packs.TABLE) -> Wanted:
    """What these settings ask for on this machine."""
    device = settings.device if settings.device != "auto" else accelerator.detect() or "cpu"
    profile = settings.comfyui_packs
    return Wanted(settings.comfyui_commit, device, profile, packs.of(profile, table))


def look(settings: Settings, table: Path = packs.TABLE, *, thorough: bool = False) -> State:
    """The state of the install that these settings ask for; `state.current` tells which one is in use.

    Unlike `state.look` it finds damage to files, with `thorough` also to what torch needs, and calls it broken.
    """
    found = state.look(comfyui(settings), wanted(settings, table).name)
    flaw = damage.find(found.install, thorough=thorough) if isinstance(found, Ready) else ""
    return Broken(found.install.name, flaw, ()) if isinstance(found, Ready) and flaw else found


def ensure(
    settings: Settings,
    say: Say,
    *,
    again: bool = False,
    table: Path = packs.TABLE,
    free_bytes: Callable[[Path], int] = steps.free_bytes,
    answer_seconds: float = trial.ANSWER_SECONDS,
) -> Install:
    """The install in use, after everything was done to have it be the one that these settings ask for.

    Where an upgrade fails and an older install works, that one stays in use, which is said; a later call tries again,
    but what has proven broken only with `again`, which also looks harder for damage. A damaged install is repaired.
    Raises StudioError where there is nothing to use: those of `steps.build`, `comfyui_silent`, `comfyui_unwritable`
    and `comfyui_held`.
    """
    home, asked = comfyui(settings), wanted(settings, table)
    in_use, found = state.current(home), look(settings, table, thorough=again)
    if isinstance(found, Ready) and in_use == found.install and not _superseded(home, found.install):
        return found.install
    with _locked(home, say):
        # Another command may have finished it while this one waited.
        in_use, found = state.current(home), look(settings, table, thorough=again)
        if isinstance(found, Broken) and in_use is not None and in_use.name == asked.name:
            if state.held(in_use.folder):
                raise StudioError("comfyui_held", version=in_use.version, reason=found.reason)
            say(f"ComfyUI {in_use.version} is damaged and will be repaired: {found.reason}.")
            in_use = None
        if isinstance(found, Broken) and in_use is not None and not again:
            say(f"The upgrade to ComfyUI {asked.commit[:12]} failed before: {found.reason}.")
            say(f"ComfyUI {in_use.version} stays in use. `python3 -m bootstrap install` tries the upgrade again.")
            _warn(in_use, say)
            return in_use
        try:
            new = found.install if isinstance(found, Ready) else _make(settings, asked, say, free_bytes, answer_seconds)
        except StudioError as error:
            if in_use is None:
                raise
            say(sentence(error))
            say(f"Rolled back: ComfyUI {in_use.version} ({in_use.name}) stays in use.")
            _warn(in_use, say)
            return in_use
        if in_use is None or in_use.name != new.name:
            state.write_json(home.current, {"name": new.name, "before": in_use.name if in_use else None})
            others = [path for path in home.installs.iterdir() if path.name != new.name]
        else:
            others = _superseded(home, new)
        _remove(others, say)
    return new


def _make(
    settings: Settings, asked: Wanted, say: Say, free_bytes: Callable[[Path], int], answer_seconds: float
) -> Install:
    """Build an install and start it once. Raises those of `steps.build`, and `comfyui_silent`."""
    folder = comfyui(settings).installs / asked.name
    log = install_log(settings.data)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    if isinstance(state.look(comfyui(settings), asked.name), Partial | Broken):
        say("Continuing an installation that was cut short or did not work.")
    built = steps.build(folder, settings, asked.commit, asked.device, asked.packs, log, say, free_bytes)
    say("Starting it once…")
    answer = trial.run(folder, asked.packs, asked.device, steps.environment(), answer_seconds)
    if isinstance(answer, trial.Silent):
        state.mark_broken(folder, answer.reason, answer.log)
        for line in answer.log:
            say(f"  {line}")
        raise StudioError("comfyui_silent", reason=answer.reason, log=folder / "trial.log")
    failed = dict(answer.failed)
    for name, reason in failed.items():
        say(f"The pack {name} can't be imported and is left out: {reason}.")
    install = Install(
        name=asked.name,
        commit=asked.commit,
        version=answer.version,
        device=asked.device,
        profile=asked.profile,
        packs=tuple(pack.folder for pack in asked.packs if pack.folder not in failed),
        failed_packs=answer.failed,
        torch=built.torch,
        folder=folder,
    )
    damage.take_stock(folder)
    state.mark_ready(install)
    say(f"ComfyUI {install.version} is installed for {install.device}, with torch {install.torch}.")
    return install


def _warn(kept: Install, say: Say) -> None:
    """Say what is wrong with an install that stays in use because the one that was asked for can't be had."""
    flaw = damage.find(kept)
    if flaw:
        say(f"That one is damaged: {flaw}. {repair(kept)}")


def repair(kept: Install) -> str:
    """What a person does to have an install repaired that the settings no longer ask for."""
    asked = f"STUDIO_COMFYUI_COMMIT={kept.commit}, --device {kept.device} and --packs {kept.profile}"
    return f"`python3 -m bootstrap install` with {asked} repairs it."


def _superseded(home: ComfyHome, in_use: Install) -> list[Path]:
    """Complete installs beside the one in use: an engine still ran from them when they were replaced."""
    others = [path for path in home.installs.iterdir() if path.name != in_use.name]
    return [path for path in others if isinstance(state.look(home, path.name), Ready)]


def _remove(folders: list[Path], say: Say) -> None:
    """Remove installs, less those that an engine still runs from."""
    for folder in sorted(folders):
        if state.held(folder):
            say(f"The engine that runs still uses {folder.name}; it is removed after the next start.")
        else:
            # The stamp goes first, so that what a cut leaves does not pass for an install.
            (folder / "stamp.json").unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(home: ComfyHome, say: Say) -> Iterator[None]:
    """Held while something is installed. Raises StudioError `comfyui_unwritable`."""
    try:
        home.installs.mkdir(parents=True, exist_ok=True)
        lock = home.lock.open("a")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StudioError("comfyui_unwritable", path=home.folder, reason=reason) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another command is installing ComfyUI; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
