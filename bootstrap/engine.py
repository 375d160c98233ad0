"""The supervised program `engine`: becomes the engine that the settings in the environment name."""

from __future__ import annotations

import os
import sys

from bootstrap import engines
from bootstrap.lifeline import die_with_supervisor
from client import settings
from workflows.errors import StudioError


def main() -> int:
    """Replace this process by the engine; returns only where there is none to start."""
    try:
        configured = settings.read()
        engine = engines.choose(configured, gpu="")
    except StudioError as error:
        print(error, error.hint, file=sys.stderr)
        return 2
    if isinstance(engine, engines.External):
        print("The engine is external: there is nothing to start here.", file=sys.stderr)
        return 2
    engine.base.mkdir(parents=True, exist_ok=True)
    die_with_supervisor(configured.data)
    os.execv(sys.executable, [sys.executable, *engines.command(engine)])


if __name__ == "__main__":
    sys.exit(main())
