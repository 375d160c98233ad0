"""The choice of engine, and how the chosen one is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from client.settings import Settings
from workflows.address import Credentials
from workflows.errors import StudioError

KNOWN = ("auto", "draft", "managed", "external")


@dataclass(frozen=True)
class Draft:
    """The built-in CPU engine on a port of 127.0.0.1. `note` is a line for the person, empty where all is plain."""

    port: int
    base: Path
    max_upload_mb: int
    note: str = ""


@dataclass(frozen=True)
class External:
    """A ComfyUI server that already runs; nothing of it is started, stopped or installed here."""

    url: str
    auth: Credentials | None = None


Engine = Draft | External


def choose(settings: Settings, gpu: str) -> Engine:
    """The engine these settings ask for on a machine with this kind of GPU ("" = none).

    Raises StudioError `engine_unknown`, `engine_not_built` or `engine_url_missing`.
    """
    wanted, url = settings.engine, settings.comfyui_url
    if wanted not in KNOWN:
        raise StudioError("engine_unknown", value=wanted, known=", ".join(KNOWN))
    if wanted == "managed":
        raise StudioError("engine_not_built")
    if wanted == "external" or (wanted == "auto" and url):
        if not url:
            raise StudioError("engine_url_missing")
        return External(url, settings.comfyui_auth)
    note = f"This machine has a GPU ({gpu}), which the draft engine does not use." if wanted == "auto" and gpu else ""
    return Draft(settings.engine_port, settings.data / "engine", settings.max_upload_mb, note)


def kind(engine: Engine) -> str:
    """The engine's name as --engine takes it."""
    return "external" if isinstance(engine, External) else "draft"


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
