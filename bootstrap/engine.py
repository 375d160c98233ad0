"""The supervised program `engine`: becomes the engine that the settings in the environment name."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from bootstrap import engines, orphans
from bootstrap.comfy import launch
from bootstrap.enginelog import first_line
from bootstrap.engines import Draft, Managed
from bootstrap.lifeline import die_with_supervisor
from client import engine_events
from client import installs as state
from client import settings as configuration
from client.settings import Settings
from workflows.errors import StudioError


def main() -> int:
    """Replace this process by the engine; returns only where there is none to start."""
    try:
        settings = configuration.read()
        engine = engines.choose(settings, gpu="")
    except StudioError as error:
        print(error, error.hint, file=sys.stderr)
        return 2
    if isinstance(engine, engines.External):
        print("The engine is external: there is nothing to start here.", file=sys.stderr)
        return 2
    die_with_supervisor(settings.data)
    _clean_up(settings)
    print(first_line(os.getpid()), flush=True)
    # Whoever started the supervisor may have had SIGINT ignored, as a shell's & does, and exec hands that down.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return _become_draft(engine) if isinstance(engine, Draft) else _become_comfyui(engine, settings)


def _become_draft(engine: Draft) -> int:
    engine.base.mkdir(parents=True, exist_ok=True)
    os.execv(sys.executable, [sys.executable, *engines.command(engine)])


def _become_comfyui(engine: Managed, settings: Settings) -> int:
    install = state.current(engine.home)
    if install is None:
        print(f"No ComfyUI is installed in {engine.home.folder}: run `python3 -m bootstrap install`.", file=sys.stderr)
        return 2
    state.hold(install)
    launch.prepare(engine.home, install)
    os.chdir(install.source)
    arguments = launch.command(engine.home, install, settings)
    os.execve(arguments[0], arguments, launch.environment(install, os.environ))


def _clean_up(settings: Settings) -> None:
    """Have nothing of an earlier engine hold memory when this one starts, and make this one known."""
    left = orphans.end(settings.data, os.environ.get("UP_SOCKET", ""))
    if left:
        with contextlib.suppress(OSError):
            why = f"had left {left} processes behind, which were ended"
            engine_events.append(settings.data, "orphans_ended", why, os.getpid())
    orphans.note(settings.data, os.getpid())


if __name__ == "__main__":
    sys.exit(main())
