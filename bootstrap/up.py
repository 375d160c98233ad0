"""The verb `up`: check, set up, start, wait until both programs answer, stay until asked to stop."""

from __future__ import annotations

import contextlib
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bootstrap import checks, enginelog, engines, environment, health, supervise
from bootstrap.comfy import install
from bootstrap.engines import Engine, External, Managed
from bootstrap.layout import CHECKOUT, last_lines, program_log, setup_log
from bootstrap.supervise import Studio
from bootstrap.terminal import complain, passing, say, sentence
from client import accelerator, engine_events
from client import settings as configuration
from client.settings import Settings
from workflows.access import Access
from workflows.errors import StudioError

_POLL_SECONDS = 0.2
_WATCH_SECONDS = 2.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_TOLD: dict[str, str] = {
    "restarted": "The engine is restarted: {why}.",
    "gave_up": "The engine is given up: it {why}. Mend the cause, then restart the studio.",
}

EXIT_DONE, EXIT_FAILED, EXIT_REFUSED, EXIT_INTERRUPTED = 0, 1, 2, 130
_FAILED_IN_DOING = {
    "setup_failed",
    "source_unreachable",
    "packages_failed",
    "torch_not_importable",
    "device_unusable",
    "torch_replaced",
    "comfyui_silent",
}


def exit_code(error: StudioError) -> int:
    """For an error that ends a verb: 1 where it failed while being done, 2 where it can't be done as asked."""
    return EXIT_FAILED if error.code in _FAILED_IN_DOING else EXIT_REFUSED


def up(settings: Settings, detach: bool) -> int:
    """Exit code: 0 stopped as asked, or started with `detach`; 1 failed while starting or running; 2 refused."""
    gpu = accelerator.detect()
    try:
        engine = engines.choose(settings, gpu)
        asked = _resolved(settings, engine)
        checks.data_folder(asked.data)
        with supervise.starting(asked.data):
            running = supervise.find(asked.data)
            if running is not None:
                return _already(running, asked, detach)
            checks.ports(asked, engine)
            checks.external_server(engine)
            checks.custom_nodes(asked, engine)
            environment.prepare(CHECKOUT, (environment.STUDIO,), gpu, setup_log(asked.data), say)
            if isinstance(engine, Managed):
                install.ensure(asked, say)
                say(f"Starting ComfyUI; this may take minutes on a slow disk. Its log is {_engine_log(asked)}")
            interrupted = _heed_signals()
            studio, supervisor = supervise.start(asked, engine)
            with _none_left_behind(studio, supervisor):
                code = _await(studio, supervisor, interrupted)
    except StudioError as error:
        complain(sentence(error))
        return exit_code(error)
    if code != EXIT_DONE:
        return code
    with _none_left_behind(studio, supervisor):
        say(_ready(asked, detach))
        return EXIT_DONE if detach else _stay(studio, supervisor, interrupted)


def _ready(asked: Settings, detach: bool) -> str:
    down = f"python3 -m bootstrap down --data {shlex.quote(str(asked.data))}"
    way_out = f"Stop it with: {down}" if detach else "Ctrl-C stops everything."
    return f"LTX Studio is ready: {asked.studio_url} ({asked.engine} engine). {way_out}"


@contextlib.contextmanager
def _none_left_behind(studio: Studio, supervisor: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whatever goes wrong in here, the studio that was started does not outlive it."""
    try:
        yield
    except BaseException:
        supervise.stop(studio, supervisor)
        raise


def _resolved(settings: Settings, engine: Engine) -> Settings:
    url, access = (engine.url, engine.access) if isinstance(engine, External) else (None, Access())
    return replace(settings, engine=engines.kind(engine), comfyui_url=url, comfyui_access=access)


def _already(running: Studio, asked: Settings, detach: bool) -> int:
    same = running.settings == configuration.without_credentials(asked)
    if detach and same and health.is_well(replace(running, settings=asked)):
        say(f"LTX Studio already runs: {asked.studio_url} ({asked.engine} engine).")
        return EXIT_DONE
    raise StudioError("studio_running", path=asked.data, url=running.settings.studio_url)


def _await(studio: Studio, supervisor: subprocess.Popen[bytes], interrupted: Callable[[], bool]) -> int:
    """Wait until all is well; otherwise nothing is left running."""
    try:
        well = health.wait(studio, supervisor, interrupted, _show)
        passing("")
        if well:
            return EXIT_DONE
    except StudioError as error:
        passing("")
        supervise.stop(studio, supervisor)
        for line in _explanation(error, studio):
            complain(f"  {line}")
        complain(sentence(error))
        return EXIT_FAILED
    supervise.stop(studio, supervisor)
    say("Interrupted; nothing is left running.")
    return EXIT_INTERRUPTED


def _show(waited: float, studio: Studio) -> None:
    """One passing line on how far a start is: the engine's own last words."""
    line = next(iter(last_lines(_engine_log(studio.settings), 1)), "")
    passing(f"  {waited:.0f} s: {_COLOURS.sub('', line)}")


def _engine_log(settings: Settings) -> Path:
    return program_log(settings.data, "engine")


def _explanation(error: StudioError, studio: Studio) -> list[str]:
    data, program, pid = studio.settings.data, error.facts.get("program"), error.facts.get("pid")
    if not program:
        return last_lines(supervise.supervisor_output(data))
    return enginelog.last_words(program_log(data, str(program)), pid if isinstance(pid, int) else 0)


def _stay(studio: Studio, supervisor: subprocess.Popen[bytes], interrupted: Callable[[], bool]) -> int:
    programs = supervise.states(studio)
    looked, told = time.monotonic(), time.time()
    while supervisor.poll() is None and not interrupted():
        time.sleep(_POLL_SECONDS)
        if time.monotonic() - looked >= _WATCH_SECONDS:
            now = supervise.states(studio)
            for name, program in now.items():
                before = programs.get(name)
                if before and program.pid and program.pid != before.pid:
                    say(f"The {name} ended and was started again; its log is {program_log(studio.settings.data, name)}")
            for event in engine_events.read(studio.settings.data):
                if event.time > told and event.what in _TOLD:
                    say(_TOLD[event.what].format(why=event.why))
                    told = event.time
            programs, looked = now or programs, time.monotonic()
    if supervisor.poll() is None:
        say("Stopping…")
        supervise.stop(studio, supervisor)
    elif supervisor.returncode != 0:
        supervise.kill_programs(programs)
        complain(sentence(StudioError("supervisor_ended", log=supervise.supervisor_output(studio.settings.data))))
        return EXIT_FAILED
    say("Stopped.")
    return EXIT_DONE


def _heed_signals() -> Callable[[], bool]:
    """From here on a signal is remembered instead of raised, so that none falls between a start and its stop."""
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Under nohup a closed terminal is to be ignored. SIGINT counts even where a shell's & switched it off.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda received_number, _: received.append(received_number))
    return lambda: bool(received)
