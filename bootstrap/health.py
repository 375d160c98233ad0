"""Is a started studio well? One look, or waiting until it is."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from bootstrap import listener, supervise
from bootstrap.layout import program_log, supervisor_pid_file
from bootstrap.probe import REFUSALS, engine_failure, engine_failure_at_second_hand, studio_failure
from bootstrap.supervise import Studio
from client import engine_events, supervisor
from client.settings import Settings
from workflows.errors import StudioError

START_SECONDS = {"draft": 120.0, "external": 120.0, "managed": 900.0}
"""How long `up` waits for both programs, by engine: ComfyUI takes 9 to 15 s, and minutes on a slow disk."""
_POLL_SECONDS = 0.1

_SILENT = supervisor.Program(name="", state="UNKNOWN", pid=0, uptime=0.0)
_EXTERNAL = supervisor.Program(name="", state="EXTERNAL", pid=0, uptime=0.0)


@dataclass(frozen=True)
class Health:
    """One of the two programs: its state, its process (0 = none here), its address, and why it is unwell ("" = well).

    `state` is "running", "external", or supervisor's word for what else it is: "starting" until it answers, "backoff"
    where it ended while starting, "fatal" where it did so or ended too often and stays down, "stopped", "stopping",
    "exited", "unknown".
    """

    program: str
    state: str
    pid: int
    uptime: float
    url: str
    failure: str


def look(studio: Studio) -> tuple[Health, Health]:
    """Engine and studio as they are now."""
    programs = supervise.states(studio)
    engine = _EXTERNAL if studio.settings.engine == "external" else programs.get("engine", _SILENT)
    return _health("engine", engine, studio.settings), _health(
        "studio", programs.get("studio", _SILENT), studio.settings
    )


def is_well(studio: Studio) -> bool:
    """Whether both programs run and answer."""
    return not any(program.failure for program in look(studio))


def wait(
    studio: Studio,
    process: subprocess.Popen[bytes],
    interrupted: Callable[[], bool],
    show: Callable[[float, Studio], None],
) -> bool:
    """Wait until both programs answer: True, or False where `interrupted` said so first.

    `show` is called now and then with the seconds waited so far. Raises StudioError `supervisor_ended`,
    `program_failed` or `program_silent`; stopping is left to the caller.
    """
    data = studio.settings.data
    began, most = time.monotonic(), START_SECONDS[studio.settings.engine]
    first: dict[str, int] = {}
    while not interrupted():
        if process.poll() is not None:
            raise StudioError("supervisor_ended", log=supervise.supervisor_output(data))
        programs = look(studio)
        ill = [program for program in programs if program.failure]
        for program in programs:
            pid = first.setdefault(program.program, program.pid) or program.pid
            first[program.program] = pid
            # Nothing was there to disturb it: what ends on the first attempt ends on the next one too.
            if program.state in ("backoff", "exited", "fatal") or program.pid not in (0, pid):
                log = program_log(data, program.program)
                raise StudioError("program_failed", program=program.program, log=log, pid=pid)
        if not ill:
            return True
        for program in ill:
            log = program_log(data, program.program)
            if time.monotonic() - began > most:
                raise StudioError("program_silent", program=program.program, seconds=most, log=log)
        show(time.monotonic() - began, studio)
        time.sleep(_POLL_SECONDS)
    return False


def _health(name: str, program: supervisor.Program, settings: Settings) -> Health:
    url = settings.server_url if name == "engine" else settings.studio_url
    if program is _SILENT:
        return Health(name, "unknown", 0, 0.0, url, "the supervisor does not answer")
    state = program.state.lower()
    reason = _given_up(settings) if name == "engine" and state in ("stopped", "fatal") else ""
    if reason:
        return Health(name, "fatal", program.pid, program.uptime, url, reason)
    if state not in ("running", "starting", "external"):
        return Health(name, state, program.pid, program.uptime, url, state)
    failure = _engine_failure(settings) if name == "engine" else studio_failure(url)
    if name == "engine" and program.pid and not failure and listener.is_strangers(settings.engine_port, program.pid):
        failure = f"another program answers on its port {settings.engine_port}"
    if state == "starting" and not failure:
        state = "running"
    return Health(name, state, program.pid, program.uptime, url, failure)


def _given_up(settings: Settings) -> str:
    """Why the watchdog lets the engine stay down; "" where it does not. An earlier run's verdict is over with it."""
    last = next(iter(engine_events.read(settings.data, 1)), None)
    try:
        began = supervisor_pid_file(settings.data).stat().st_mtime
    except OSError:
        return ""
    return f"given up: it {last.why}" if last and last.what == "gave_up" and last.time >= began else ""


def _engine_failure(settings: Settings) -> str:
    failure = engine_failure(settings.server_url, access=settings.comfyui_access)
    if failure in REFUSALS and settings.engine == "external" and not settings.comfyui_access.is_secret:
        # What was found on a data folder holds no secrets; only the studio's own process does.
        return engine_failure_at_second_hand(settings.studio_url)
    return failure
