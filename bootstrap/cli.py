"""The verbs of `python3 -m bootstrap`: up, install, models, down, status, doctor, test; standard library only."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from bootstrap import checks, chromium, environment, health, models_options, supervise
from bootstrap.comfy import verb
from bootstrap.doctor import doctor
from bootstrap.layout import CHECKOUT, setup_log, venv_python
from bootstrap.terminal import complain, duration, say, sentence
from bootstrap.up import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, exit_code, up
from client import accelerator, origins
from client import settings as configuration
from client.models import mirror, variables
from client.settings import SETTINGS
from workflows.errors import StudioError

EXIT_NOT_RUNNING = 3


def main(arguments: list[str]) -> int:
    """Run one verb. Exit code: 2 where what was asked for can't be done as asked, else the verb's own."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.verb != "test":
        parser.error(f"unknown argument {rest[0]}; `python3 -m bootstrap {options.verb} --help` lists them")
    flags = {setting.env: value for setting in SETTINGS if (value := getattr(options, setting.env, None))}
    try:
        if options.verb == "up":
            settings = configuration.read(flags=flags)
            variables.prepare(os.environ)
            mirror.ensure(os.environ, settings.data, say)
            os.environ[origins.HANDED_ON] = origins.note(os.environ, flags)
            return up(settings, options.detach)
        if options.verb == "install":
            return verb.install(configuration.read(flags=flags), say)
        if options.verb == "doctor":
            return doctor(flags, options.json)
        data = configuration.data_folder(flags=flags)
        if options.verb == "models":
            return models(data, arguments[1:])
        if options.verb == "down":
            return down(data)
        if options.verb == "status":
            return status(data, options.json)
        return test(data, options.setup_only, rest)
    except StudioError as error:
        complain(sentence(error))
        return exit_code(error)
    except KeyboardInterrupt:
        complain("Interrupted. Running the command again continues where this one stopped.")
        return EXIT_INTERRUPTED


def down(data: Path) -> int:
    """Stop the studio on this data folder and wait until it is gone. Done too where none runs."""
    studio = supervise.find(data)
    if studio is None:
        say(f"No studio runs on the data folder {data}.")
        return EXIT_DONE
    say("Stopping…")
    if not supervise.stop(studio):
        say("It did not stop in time and was killed.")
    say("Stopped.")
    return EXIT_DONE


def status(data: Path, as_json: bool) -> int:
    """Report on the studio on this data folder. Exit code: 0 well, 1 unwell, 3 not running."""
    studio = supervise.find(data)
    if studio is None:
        if as_json:
            say(json.dumps({"running": False, "healthy": False, "data": str(data)}))
        else:
            say(f"No studio runs on the data folder {data}.")
        return EXIT_NOT_RUNNING
    programs = health.look(studio)
    healthy = not any(program.failure for program in programs)
    if as_json:
        say(json.dumps(_report(studio, programs, healthy), indent=2))
    else:
        say(f"LTX Studio runs: {studio.settings.studio_url} ({studio.settings.engine} engine, data in {data})")
        for program in programs:
            say(f"  {_line(program)}")
    return EXIT_DONE if healthy else EXIT_FAILED


def test(data: Path, setup_only: bool, arguments: list[str]) -> int:
    """Set up what the tests need and become pytest; with `setup_only` stop before that."""
    checks.data_folder(data)
    log = setup_log(data)
    parts = (environment.STUDIO, environment.TESTS)
    environment.prepare(CHECKOUT, parts, accelerator.detect(), log, say)
    browser = chromium.provide(os.environ, log, say)
    if isinstance(browser, chromium.Absent):
        say(f"The browser tests are skipped: {browser.reason}.")
    if setup_only:
        return EXIT_DONE
    os.chdir(CHECKOUT)
    sys.stdout.flush()
    python = str(venv_python())
    os.execve(python, [python, "-m", "pytest", *arguments], {**os.environ, **chromium.variables(browser)})


def models(data: Path, arguments: list[str]) -> int:
    """Set up what the studio needs and become the interpreter that plans or pulls models."""
    checks.data_folder(data)
    variables.prepare(os.environ)
    mirror.ensure(os.environ, data, complain)
    environment.prepare(CHECKOUT, (environment.STUDIO,), accelerator.detect(), setup_log(data), complain)
    sys.stdout.flush()
    python = str(venv_python())
    os.execve(python, [python, "-m", "bootstrap.models_cli", *arguments], dict(os.environ))


def _line(program: health.Health) -> str:
    process = f", pid {program.pid}, up {duration(program.uptime)}" if program.pid else ""
    condition = f"unwell ({program.failure})" if program.failure else "well"
    return f"{program.program}: {condition}, {program.url}{process}"


def _report(studio: supervise.Studio, programs: tuple[health.Health, ...], healthy: bool) -> dict[str, object]:
    return {
        "running": True,
        "healthy": healthy,
        "engine": studio.settings.engine,
        "url": studio.settings.studio_url,
        "engine_url": studio.settings.server_url,
        "data": str(studio.settings.data),
        "programs": {
            program.program: {
                "state": program.state,
                "pid": program.pid or None,
                "uptime_seconds": program.uptime,
                "url": program.url,
                "healthy": not program.failure,
                "reason": program.failure or None,
            }
            for program in programs
        },
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m bootstrap", description=__doc__, allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    starts = verbs.add_parser("up", help="set up, start engine and studio, print the address", allow_abbrev=False)
    _add_settings(starts, {setting.flag for setting in SETTINGS})
    starts.add_argument("--detach", action="store_true", help="Return once both programs answer; they stay running.")
    installs = verbs.add_parser("install", help="install ComfyUI for the managed engine", allow_abbrev=False)
    _add_settings(installs, {"--data", "--device", "--packs"})
    _add_settings(verbs.add_parser("down", help="stop the studio", allow_abbrev=False), {"--data"})
    reports = verbs.add_parser("status", help="say what runs, and whether it is well", allow_abbrev=False)
    _add_settings(reports, {"--data"})
    reports.add_argument("--json", action="store_true", help="Print one JSON object.")
    looks = verbs.add_parser("doctor", help="say what keeps the studio from working here", allow_abbrev=False)
    _add_settings(looks, {setting.flag for setting in SETTINGS})
    looks.add_argument("--json", action="store_true", help="Print one JSON object.")
    models_options.add(verbs.add_parser("models", help="plan and fetch the model files", allow_abbrev=False))
    tests = verbs.add_parser(
        "test", help="set up what the tests need and run them; further arguments go to pytest", allow_abbrev=False
    )
    tests.add_argument("--setup-only", action="store_true", help="Set up and run nothing.")
    return parser


def _add_settings(parser: argparse.ArgumentParser, flags: set[str]) -> None:
    for setting in SETTINGS:
        if setting.flag and setting.flag in flags:
            about = f"{setting.meaning} Default: {setting.default}. Variable: {setting.env}."
            parser.add_argument(setting.flag, dest=setting.env, metavar="VALUE", help=about)
