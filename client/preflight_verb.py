"""`python -m client preflight`: what a server can make, and what it lacks."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from client import preflight
from client.preflight import ModeCheck, Preflight
from client.transport import Server, Unreachable
from workflows.errors import StudioError
from workflows.server import tls


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser("preflight", help="say what an engine can make, and what it lacks")
    verb.add_argument("--server", metavar="URL", help="the engine; the studio's own one by default")
    verb.add_argument("--json", action="store_true", help="print one JSON object")


def run(server: Server, data: Path, as_json: bool) -> int:
    """Ask and report. Exit code: 0 every mode is ready, 1 something is missing.

    Raises StudioError `engine_unreachable`, `ca_unusable` and as `Server`.
    """
    tls(server.access.ca)
    try:
        found = preflight.ask(server, data)
    except Unreachable as error:
        raise StudioError("engine_unreachable", server=server.url, reason=error) from error
    finally:
        server.close()
    print(json.dumps(found.as_dict(), indent=2) if as_json else "\n".join(report(found)))
    return 0 if found.ready else 1


def report(found: Preflight) -> list[str]:
    """The lines for a person."""
    lines = [f"ComfyUI {found.version or 'of an unknown version'} at {found.url}"]
    for mode in found.modes:
        lines.append(f"  {mode.title}: {_state(mode)}")
        lines.extend(f"    {line}" for line in mode.gap.lines())
        for choice in mode.choices:
            lines.extend(f"    {choice.name} lacks {line}" for line in choice.gap.lines())
    files = found.files
    if files:
        lines.append("Files that are missing:")
        width = max(len(file.file) for file in files)
        for file in files:
            found_in = f"  (it lies in {file.elsewhere})" if file.elsewhere else ""
            row = f"  {file.file:<{width}}  {preflight.size(file.bytes):>12}  {file.folder:<21}  {file.url}{found_in}"
            lines.append(row.rstrip())
    return lines


def _state(mode: ModeCheck) -> str:
    if mode.ready:
        return "ready"
    if mode.needs:
        return mode.sentence().removeprefix(f"{mode.title} ")
    running = ", ".join(preset.name for preset in mode.presets if preset.gap.empty)
    return f"only {running} can run; the others lack" if running else "can't run; the server lacks"
