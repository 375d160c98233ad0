"""The choice of engine, and how the chosen one is started."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from client.comfy_home import ComfyHome, comfyui
from client.settings import Settings
from workflows.access import Access
from workflows.errors import StudioError

KNOWN = ("auto", "draft", "managed", "external")


@dataclass(frozen=True)
class Draft:
    """The built-in CPU engine on a port of 127.0.0.1."""

    port: int
    base: Path
    max_upload_mb: int


@dataclass(frozen=True)
class Managed:
    """ComfyUI on a port of 127.0.0.1, installed by the studio and lying in `home`."""

    port: int
    home: ComfyHome


@dataclass(frozen=True)
class External:
    """A ComfyUI server that already runs; nothing of it is started, stopped or installed here."""

    url: str
    access: Access = field(default_factory=Access)


Engine = Draft | Managed | External


def choose(settings: Settings, gpu: str) -> Engine:
    """The engine these settings ask for on a machine with this kind of GPU ("" = none).

    A device named with --device asks for ComfyUI as a GPU does. Raises StudioError `engine_unknown` or
    `engine_url_missing`.
    """
    wanted, url = settings.engine, settings.comfyui_url
    if wanted not in KNOWN:
        raise StudioError("engine_unknown", value=wanted, known=", ".join(KNOWN))
    if wanted == "external" or (wanted == "auto" and url):
        if not url:
            raise StudioError("engine_url_missing")
        return External(url, settings.comfyui_access)
    if wanted == "managed" or (wanted == "auto" and (gpu or settings.device != "auto")):
        return Managed(settings.engine_port, comfyui(settings))
    return Draft(settings.engine_port, settings.data / "engine", settings.max_upload_mb)


def kind(engine: Engine) -> str:
    """The engine's name as --engine takes it."""
    if isinstance(engine, External):
        return "external"
    return "managed" if isinstance(engine, Managed) else "draft"


def start_seconds(engine: Engine) -> int:
    """How long an engine must run before its start counts as done, for supervisor's startsecs.

    ComfyUI finds out after about 12 s that its port is taken, longer on a slow disk.
    """
    return 30 if isinstance(engine, Managed) else 10


def command(engine: Draft) -> list[str]:
    """Arguments for the Python interpreter that start the engine. It listens on 127.0.0.1 only."""
    return [
        "-m",
        "bootstrap.draft",
        "--listen",
        "127.0.0.1",
        "--port",
        str(engine.port),
        "--base-directory",
        str(engine.base),
        "--max-upload-size",
        str(engine.max_upload_mb),
    ]
