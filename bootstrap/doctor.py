"""The verb `doctor`: what keeps the studio from working here, each with the one thing to do.

Standard library only: what needs the studio's packages is asked of the interpreter of `.venv`, where that is there.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bootstrap import doctor_checks, engines, probe
from bootstrap.doctor_checks import Case
from bootstrap.doctor_line import Line, as_dict, from_dict, guarded, of_error
from bootstrap.engines import Draft, Engine, External
from bootstrap.layout import CHECKOUT, venv_python
from bootstrap.terminal import say
from client import accelerator
from client import settings as configuration
from client.settings import Settings
from workflows.errors import StudioError

_DEEP_SECONDS = 180.0
_SERVER_SECONDS = 10.0
# Hiding what is shorter ("1", as the value of some header) would hide a part of every line and no secret.
_LEAST_SECRET = 4
# The verbs that take --data.
_VERB = re.compile(r"python3 -m bootstrap (up|install|down|status|models (plan|pull))\b")


def doctor(flags: Mapping[str, str], as_json: bool, checkout: Path = CHECKOUT) -> int:
    """Look, and say what was found. Exit code: 1 where something blocks the chosen engine, else 0."""
    gpu = accelerator.detect()
    lines = [doctor_checks.python(), *guarded("Set-up", doctor_checks.set_up, gpu, checkout)]
    kind, secrets = "", []
    try:
        settings = configuration.read(flags=flags)
        secrets = _secrets(settings)
        engine = engines.choose(settings, gpu)
        kind = engines.kind(engine)
        case, set_up = Case(_resolved(settings, engine), engine, gpu), lines[1].level == "ok"
        lines.extend(guarded("Engine", _found, case, set_up, checkout))
    except StudioError as error:
        lines.append(of_error("Settings", error))
    lines = [_masked(_with_data(line, flags.get("STUDIO_DATA", "")), secrets) for line in lines]
    blocked = any(line.level == "problem" for line in lines)
    if as_json:
        say(
            json.dumps(
                {"engine": kind or None, "blocked": blocked, "checks": [as_dict(line) for line in lines]}, indent=2
            )
        )
    else:
        _show(lines, kind, blocked)
    return 1 if blocked else 0


def _found(case: Case, set_up: bool, checkout: Path) -> Iterator[Line]:
    yield from doctor_checks.before_set_up(case)
    if isinstance(case.engine, Draft):
        yield Line("Models", "ok", "the draft engine needs none")
    elif set_up:
        yield from _deep(case, checkout)
    else:
        if isinstance(case.engine, External):
            yield _server(case.engine)
        yield Line("Models", "warning", "Not looked at: that needs .venv.", "Run `python3 -m bootstrap up` first.")


def _deep(case: Case, checkout: Path) -> Iterator[Line]:
    """What the interpreter of `.venv` finds. The secrets reach it by its environment, never as arguments."""
    try:
        answer = subprocess.run(
            [str(venv_python(checkout)), "-m", "bootstrap.doctor_deep"], cwd=checkout, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=_DEEP_SECONDS, check=False,
            env={**os.environ, **configuration.environment(case.settings)},
        )  # fmt: skip
        yield from [from_dict(found) for found in json.loads(answer.stdout)]
        return
    except subprocess.TimeoutExpired:
        reason = f"no answer within {_DEEP_SECONDS:g} s"
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, TypeError, KeyError, AssertionError):
        reason = next(iter(answer.stderr.strip().splitlines()[-1:]), f"exit code {answer.returncode}")
    if isinstance(case.engine, External):
        yield _server(case.engine)
    # Nobody knows whether the engine can work, which is no reason to say that it can.
    text = f"They could not be looked at: {reason.rstrip('.')}."
    yield Line(
        "Models", "problem", text, "Delete the folder .venv and run `python3 -m bootstrap up`, which makes it anew."
    )


def _server(engine: External) -> Line:
    try:
        refusal = probe.engine_refusal(engine.url, _SERVER_SECONDS, engine.access)
    except StudioError as error:
        refusal = error
    return of_error("Server", refusal) if refusal else Line("Server", "ok", f"{engine.url} answers")


def _resolved(settings: Settings, engine: Engine) -> Settings:
    url = engine.url if isinstance(engine, External) else None
    return replace(settings, engine=engines.kind(engine), comfyui_url=url)


def _secrets(settings: Settings) -> list[str]:
    access = settings.comfyui_access
    found = [access.token, *(value for _, value in access.extra), *access.headers.values()]
    given = (*found, access.credentials.password if access.credentials else "")
    return [secret for secret in given if len(secret) >= _LEAST_SECRET]


def _masked(line: Line, secrets: list[str]) -> Line:
    """A last look: whatever a server or a program has said back, no secret is shown."""
    for secret in secrets:
        line = replace(line, text=line.text.replace(secret, "…"), do=line.do.replace(secret, "…"))
    return line


def _with_data(line: Line, data: str) -> Line:
    """The commands to run are for the data folder that was looked at."""
    if not data:
        return line
    return replace(line, do=_VERB.sub(lambda found: f"{found[0]} --data {shlex.quote(data)}", line.do))


def _show(lines: list[Line], kind: str, blocked: bool) -> None:
    width = max(len(line.name) for line in lines)
    for line in lines:
        say(f"{line.level:<8} {line.name:<{width}}  {line.text}")
        if line.do:
            say(f"{'':<8} {'':<{width}}  {line.do}")
    named = f"The {kind} engine" if kind else "The studio"
    say(f"{named} can't work as it is." if blocked else f"Nothing keeps the {kind} engine from working.")
