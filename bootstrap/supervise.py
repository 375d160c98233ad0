"""One studio per data folder: started under supervisord, found again from any shell, watched and stopped."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bootstrap import engines, orphans
from bootstrap.engines import Engine, External
from bootstrap.layout import CHECKOUT, log_folder, run_folder, supervisor_pid_file, venv_python
from bootstrap.lifeline import noted_pid
from client import settings as configuration
from client import supervisor
from client.settings import Settings
from workflows.errors import StudioError

# supervisor binds `<path>.<pid>` first; AF_UNIX takes 108 bytes on Linux and 104 on macOS.
_LONGEST_SOCKET = 90
_STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Studio:
    """What was started on a data folder: the settings in force, with the engine's kind resolved, and its socket."""

    settings: Settings
    socket: str


def supervisor_output(data: Path) -> Path:
    """What supervisord itself says, apart from its log: mostly nothing, or why it refused its configuration."""
    return log_folder(data) / "supervisord.out"


def find(data: Path) -> Studio | None:
    """The studio that runs on a data folder, without credentials; None where none does.

    One whose supervisor says nothing counts as running. Raises StudioError `data_unreadable` where this user may not
    look, so that nothing is known.
    """
    try:
        record = json.loads(_record(data).read_text(encoding="utf-8"))
        studio = Studio(configuration.read(record["environment"]), record["socket"])
        return studio if supervisor.listening(studio.socket) else None
    except PermissionError as error:
        raise StudioError("data_unreadable", path=data, reason=(error.strerror or str(error)).lower()) from None
    except (OSError, ValueError, KeyError, TypeError, StudioError):
        return None


@contextlib.contextmanager
def starting(data: Path) -> Iterator[None]:
    """Held while a studio is being started on a data folder. Raises StudioError `studio_starting`."""
    with (run_folder(data) / "starting.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StudioError("studio_starting", path=data) from None
        yield


def start(settings: Settings, engine: Engine) -> tuple[Studio, subprocess.Popen[bytes]]:
    """Start supervisord with the programs this engine needs; returns at once. The data folder has been checked.

    The supervisor gets a session of its own, so that Ctrl-C reaches only the command that knows how to stop it.
    Raises StudioError `socket_unsafe`.
    """
    studio = Studio(settings, _socket_path(settings.data))
    supervisor_pid_file(settings.data).unlink(missing_ok=True)
    stored = configuration.environment(configuration.without_credentials(settings))
    record = {"environment": stored, "socket": studio.socket}
    _record(settings.data).write_text(json.dumps(record, indent=2), encoding="utf-8")
    with supervisor_output(settings.data).open("wb") as out:
        process = subprocess.Popen(
            [venv_python(), "-m", "supervisor.supervisord", "-c", str(CHECKOUT / "supervisord.conf")],
            cwd=CHECKOUT,
            env=_environment(os.environ, studio, engine),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    return studio, process


def stop(studio: Studio, process: subprocess.Popen[bytes] | None = None) -> bool:
    """Stop the programs and the supervisor, and wait until they are gone.

    `process` is the supervisor where it is a child of this one. False where it had to be killed.
    """
    programs = states(studio)
    deadline = time.monotonic() + _STOP_SECONDS
    pid = _supervisor_pid(studio, process)
    _signal(pid, signal.SIGTERM)
    # One that was stopped (Ctrl-Z, a debugger) hears nothing until it goes on.
    _signal(pid, signal.SIGCONT)
    while not _gone(studio, process) and time.monotonic() < deadline:
        time.sleep(0.05)
    in_time = _gone(studio, process)
    if not in_time:
        _signal(pid, signal.SIGKILL)
        kill_programs(programs)
    orphans.end(studio.settings.data, studio.socket)
    orphans.forget(studio.settings.data)
    _record(studio.settings.data).unlink(missing_ok=True)
    return in_time


def states(studio: Studio) -> dict[str, supervisor.Program]:
    """The programs by name; none where the supervisor does not answer."""
    try:
        return supervisor.states(studio.socket)
    except OSError:
        return {}


def kill_programs(programs: Mapping[str, supervisor.Program]) -> None:
    """Kill the process groups of programs whose supervisor is gone. Each program leads its own group."""
    for program in programs.values():
        if program.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(program.pid, signal.SIGKILL)


def _environment(inherited: Mapping[str, str], studio: Studio, engine: Engine) -> dict[str, str]:
    python = venv_python()
    return {
        **inherited,
        **configuration.environment(studio.settings),
        "PATH": os.pathsep.join((str(python.parent), inherited.get("PATH", os.defpath))),
        "PYTHONUNBUFFERED": "1",
        "UP_SOCKET": studio.socket,
        "UP_LOGS": str(log_folder(studio.settings.data)).replace("%", "%%"),
        "UP_ENGINE": "false" if isinstance(engine, External) else "true",
        "UP_ENGINE_SECONDS": str(engines.start_seconds(engine)),
    }


def _record(data: Path) -> Path:
    return run_folder(data) / "studio.json"


def _supervisor_pid(studio: Studio, process: subprocess.Popen[bytes] | None) -> int:
    """0 where it is gone."""
    if process is not None:
        return process.pid if process.poll() is None else 0
    try:
        return supervisor.supervisor_pid(studio.socket)
    except TimeoutError:
        # It listens, so that what it noted about itself is not about an earlier one.
        return noted_pid(studio.settings.data)
    except OSError:
        return 0


def _signal(pid: int, number: signal.Signals) -> None:
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _gone(studio: Studio, process: subprocess.Popen[bytes] | None) -> bool:
    if process is not None:
        return process.poll() is not None
    # Removing these two is the last thing supervisord does; its pid may live on as somebody's zombie.
    return not supervisor_pid_file(studio.settings.data).exists() and not supervisor.listening(studio.socket)


def _socket_path(data: Path) -> str:
    """The control socket: in the data folder where a socket can lie there, in a private temporary folder elsewhere."""
    path = run_folder(data) / "supervisor.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET and _takes_sockets(path.parent):
        return str(path)
    folder = Path(tempfile.gettempdir()) / f"ltx-studio-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise StudioError("socket_unsafe", path=folder)
    return str(folder / f"{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}.sock")


def _takes_sockets(folder: Path) -> bool:
    # supervisor binds a socket and hard-links it; shared and exFAT volumes refuse one or the other.
    name, link = folder / f"probe.{os.getpid()}", folder / f"probe.{os.getpid()}.link"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.bind(str(name))
            os.link(name, link)
    except OSError:
        return False
    finally:
        name.unlink(missing_ok=True)
        link.unlink(missing_ok=True)
    return True
