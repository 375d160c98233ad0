"""The doctor's checks that need the studio's packages: models of the managed engine, modes of an external server.

Run by the interpreter of `.venv` with the settings in its environment; prints the lines as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from bootstrap.doctor_line import Level, Line, as_dict, guarded, of_error
from client import preflight
from client import settings as configuration
from client.comfy_home import comfyui
from client.models import place
from client.preflight import Preflight
from client.settings import Settings
from client.transport import Server, Unreachable
from workflows import manifest, needs
from workflows.errors import StudioError
from workflows.needs import Need
from workflows.server import tls


def main() -> int:
    """Print the lines; the doctor reads them."""
    settings = configuration.read()
    managed = settings.engine == "managed"
    found = guarded("Models" if managed else "Server", models if managed else server, settings)
    print(json.dumps([as_dict(line) for line in found]))
    return 0


def models(settings: Settings) -> Iterator[Line]:
    """For each mode whether its files lie in the managed engine's models folder, under `fast` and `balanced`."""
    folder = comfyui(settings).models
    lacking: dict[str, list[Need] | StudioError] = {}
    for mode in manifest.modes():
        try:
            found = needs.of_modes([mode.name], data=settings.data)
        except StudioError as error:
            lacking[mode.name] = error
            continue
        lacking[mode.name] = [
            need for need in found if not any(place.find(folder, within, file) for within, file in _places(need))
        ]
    level: Level = "warning" if any(missing == [] for missing in lacking.values()) else "problem"
    for mode in manifest.modes():
        missing = lacking[mode.name]
        name = f"Models, {mode.title}"
        if isinstance(missing, StudioError):
            yield of_error(name, missing, level)
        elif missing:
            do = f"`python3 -m bootstrap models pull --mode {mode.name}` fetches what is missing."
            yield Line(name, level, f"{_missing(missing)}, in {folder}", do)
        else:
            yield Line(name, "ok", "every file is there")


def server(settings: Settings) -> Iterator[Line]:
    """What an external server can make."""
    asked = Server(settings.server_url, settings.comfyui_access)
    try:
        tls(settings.comfyui_access.ca)
        found = preflight.ask(asked, settings.data)
    except Unreachable as error:
        yield of_error("Server", StudioError("engine_unreachable", server=settings.server_url, reason=error))
        return
    except StudioError as error:
        yield of_error("Server", error)
        return
    finally:
        asked.close()
    yield Line("Server", "ok", f"ComfyUI {found.version or 'of an unknown version'} at {found.url}")
    yield from _uploads(found, settings)
    level: Level = "warning" if any(mode.usable for mode in found.modes) else "problem"
    for mode in found.modes:
        name = f"Server, {mode.title}"
        lacking = [choice.name for choice in mode.choices]
        if not mode.ready:
            do = (
                "Update ComfyUI there."
                if mode.needs
                else "`python -m client preflight` lists every file with its source."
            )
            yield Line(name, level, mode.sentence(), do)
        elif lacking:
            do = "`python -m client preflight` lists every file with its source."
            yield Line(name, "ok", f"ready, but for {', '.join(lacking)}", do)
        else:
            yield Line(name, "ok", "ready")


def _uploads(found: Preflight, settings: Settings) -> Iterator[Line]:
    most = found.max_upload_bytes
    if most is not None and most < settings.max_upload_mb * 1_000_000:
        text = f"The server takes files up to {most / 1e6:.0f} MB, and the studio up to {settings.max_upload_mb} MB."
        do = f"Set STUDIO_MAX_UPLOAD_MB={int(most / 1e6)}, or start ComfyUI with --max-upload-size."
        yield Line("Uploads", "warning", text, do)


def _places(need: Need) -> list[tuple[str, str]]:
    """Folder and name of every file that would do."""
    if need.model is None:
        return [("", need.file)]
    return [(variant.folder, variant.file) for variant in need.model.usable()]


def _missing(missing: list[Need]) -> str:
    sizes = [need.model.variants[0].bytes if need.model else None for need in missing]
    known = preflight.size(sum(size or 0 for size in sizes))
    about = f"about {known}{' and files of unknown size' if None in sizes else ''}"
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"{missing[0].file}{more} missing ({about})"


if __name__ == "__main__":
    sys.exit(main())
