"""What can be set from outside, in one table, and the values in force.

Each setting has an environment variable; those a person changes often are flags of `python3 -m bootstrap up` too.
The README's table is checked against `SETTINGS` by a test. Standard library only: the first stage of set-up reads it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workflows.errors import StudioError


@dataclass(frozen=True)
class Setting:
    """One row of the table: the variable, its flag ("" where there is none), its default as text, what it means."""

    env: str
    flag: str
    default: str
    meaning: str


SETTINGS: tuple[Setting, ...] = (
    Setting("STUDIO_ENGINE", "--engine", "auto", "Engine: auto, draft, managed or external."),
    Setting("STUDIO_COMFYUI_URL", "", "", "Address of a ComfyUI server that already runs; makes it the engine."),
    Setting("STUDIO_HOST", "--host", "127.0.0.1", "Address the studio listens on."),
    Setting("STUDIO_PORT", "--port", "8501", "Port of the studio."),
    Setting("STUDIO_ENGINE_PORT", "--engine-port", "8188", "Port of the engine on 127.0.0.1."),
    Setting("STUDIO_DATA", "--data", "./data", "Folder for the database, the library, logs and run files."),
    Setting("STUDIO_MAX_UPLOAD_MB", "", "200", "Largest file that may be uploaded, in MB."),
    Setting("STUDIO_TEST_CHROMIUM", "", "", "Chromium for the browser tests; where empty it is found or installed."),
)


@dataclass(frozen=True)
class Settings:
    """The settings in force. Paths are absolute; `comfyui_url` is None where no external server is named."""

    engine: str
    comfyui_url: str | None
    host: str
    port: int
    engine_port: int
    data: Path
    max_upload_mb: int

    @property
    def server_url(self) -> str:
        """Where the engine answers: the external server, or the local engine's port on loopback."""
        return self.comfyui_url or f"http://127.0.0.1:{self.engine_port}"

    @property
    def studio_url(self) -> str:
        """Where a browser on this machine finds the studio."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from environment variables, defaults elsewhere.

    Raises StudioError `value_type` or `value_out_of_range` where a number is not one or is out of range.
    """
    environ = os.environ if environ is None else environ
    value = {s.env: environ.get(s.env) or s.default for s in SETTINGS}
    return Settings(
        engine=value["STUDIO_ENGINE"],
        comfyui_url=value["STUDIO_COMFYUI_URL"].rstrip("/") or None,
        host=value["STUDIO_HOST"],
        port=_whole("--port", value["STUDIO_PORT"], 1, 65535),
        engine_port=_whole("--engine-port", value["STUDIO_ENGINE_PORT"], 1, 65535),
        data=Path(value["STUDIO_DATA"]).expanduser().resolve(),
        max_upload_mb=_whole("STUDIO_MAX_UPLOAD_MB", value["STUDIO_MAX_UPLOAD_MB"], 1, 100_000),
    )


def environment(settings: Settings) -> dict[str, str]:
    """The variables that make `read` give these settings again, for the programs started with them."""
    return {
        "STUDIO_ENGINE": settings.engine,
        "STUDIO_COMFYUI_URL": settings.comfyui_url or "",
        "STUDIO_HOST": settings.host,
        "STUDIO_PORT": str(settings.port),
        "STUDIO_ENGINE_PORT": str(settings.engine_port),
        "STUDIO_DATA": str(settings.data),
        "STUDIO_MAX_UPLOAD_MB": str(settings.max_upload_mb),
    }


def _whole(title: str, text: str, low: int, high: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise StudioError("value_type", title=title, expected="a whole number", value=text) from None
    if not low <= value <= high:
        raise StudioError("value_out_of_range", title=title, low=low, high=high, unit="", value=value)
    return value
