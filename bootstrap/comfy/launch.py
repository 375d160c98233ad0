"""How the managed ComfyUI is started: its folders, its arguments, its environment.

The flags are those of `python main.py --help` of ComfyUI 0.27.0.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from client.comfy_home import ComfyHome
from client.installs import Install
from client.settings import Settings

_VRAM_FLAGS: dict[str, tuple[str, ...]] = {
    "auto": (),
    "gpu-only": ("--gpu-only",),
    "high": ("--highvram",),
    # Loading by need, ComfyUI's default on Nvidia, would leave these two without effect; --normalvram is gone.
    "normal": ("--disable-dynamic-vram",),
    "low": ("--lowvram", "--disable-dynamic-vram"),
    "none": ("--novram",),
}
# What a person sets for the studio's own Python would lead another one astray; the rest is none of ComfyUI's business.
_NOT_INHERITED = ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")


def command(home: ComfyHome, install: Install, settings: Settings) -> list[str]:
    """The arguments that start this install over this home, the interpreter first. `prepare` makes what they name."""
    packs = (*install.packs, *settings.comfyui_nodes)
    reserve = settings.reserve_vram_gb
    return [
        str(install.python),
        # A package that the user installed for another Python is not to be preferred to the pinned one.
        "-s",
        str(install.source / "main.py"),
        "--listen",
        "127.0.0.1",
        "--port",
        str(settings.engine_port),
        "--base-directory",
        str(home.base),
        "--temp-directory",
        str(home.temp),
        "--database-url",
        f"sqlite:///{home.database}",
        "--disable-auto-launch",
        "--disable-api-nodes",
        "--max-upload-size",
        str(settings.max_upload_mb),
        *_device_flags(install.device, settings.vram),
        *([] if reserve is None else ["--reserve-vram", f"{reserve:g}"]),
        *(["--extra-model-paths-config", str(_pack_paths(home))] if install.packs else []),
        "--disable-all-custom-nodes",
        *(["--whitelist-custom-nodes", *packs] if packs else []),
    ]


def prepare(home: ComfyHome, install: Install) -> None:
    """Make the folders that ComfyUI expects or `command` names, and the file that says where the packs lie."""
    folders = ("models", "input", "output", "user", "custom_nodes")
    for folder in (*(home.base / name for name in folders), home.temp, home.database.parent):
        folder.mkdir(parents=True, exist_ok=True)
    if install.packs:
        # YAML, of which JSON is a part. With --base-directory ComfyUI looks for packs in base/custom_nodes alone.
        text = json.dumps({"studio": {"custom_nodes": str(install.packs_folder)}})
        _pack_paths(home).write_text(text, encoding="utf-8")


def environment(install: Install, inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables of the engine's process: what was inherited, less what is the studio's own."""
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(("STUDIO_", "WATCHDOG_")) and name not in _NOT_INHERITED
    }
    folders = (str(install.python.parent), inherited.get("PATH", os.defpath))
    return {**kept, "PATH": os.pathsep.join(folders), "PYTHONUNBUFFERED": "1"}


def _device_flags(device: str, vram: str) -> tuple[str, ...]:
    # On a CPU the tiers mean nothing, and ComfyUI refuses one beside --cpu. MoGe, in Restyle by depth, computes in the
    # text encoders' type, and a CPU can't convolve in the half precision that is its default.
    return ("--cpu", "--fp32-text-enc") if device == "cpu" else _VRAM_FLAGS[vram]


def _pack_paths(home: ComfyHome) -> Path:
    return home.folder / "pack_paths.yaml"
