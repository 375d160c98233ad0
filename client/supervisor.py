"""The supervised programs, over supervisord's XML-RPC on its unix socket; the standard library is all it needs.

Every function takes the path of the socket; whatever supervisord started has it from `socket_path`. It raises OSError
where no supervisor listens on it: TimeoutError among those where one does and says nothing, ChildProcessError where it
will not do as asked. A connection serves one call, so that any thread may call the functions.
"""

from __future__ import annotations

import http.client
import os
import socket
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

_ASK_SECONDS = 2.0
# Longer than stopwaitsecs in supervisord.conf: stopping a program answers only once it is gone.
_STOP_SECONDS = 30.0
# supervisor.xmlrpc.Faults
_SHUTDOWN_STATE = 6
_ALREADY_STARTED = 60
_NOT_RUNNING = 70


@dataclass(frozen=True)
class Program:
    """A supervised program: supervisor's name of its state, its pid (0 = none) and the seconds it has run."""

    name: str
    state: str
    pid: int
    uptime: float


def socket_path() -> str:
    """The socket of the supervisor that started this process, from UP_SOCKET; "" where none did."""
    return os.environ.get("UP_SOCKET", "")


def available() -> bool:
    """Whether this process is supervised and its supervisor may be asked, even if it is busy just now."""
    path = socket_path()
    try:
        return bool(path) and listening(path)
    except PermissionError:
        return False


def listening(path: str) -> bool:
    """Whether there is a supervisor, even one that says nothing because it is busy or stopped.

    Raises PermissionError where this user may not ask.
    """
    try:
        supervisor_pid(path)
    except TimeoutError:
        return True
    except PermissionError:
        raise
    except OSError:
        return False
    return True


def supervisor_pid(path: str) -> int:
    """The supervisor's own process id."""
    with _supervisor(path) as supervisor:
        return cast(int, supervisor.getPID())


def states(path: str) -> dict[str, Program]:
    """All programs by name."""
    with _supervisor(path) as supervisor:
        rows = cast("list[dict[str, object]]", supervisor.getAllProcessInfo())
    return {program.name: program for program in map(_program, rows)}


def restart(path: str, name: str) -> None:
    """Stop a program, whatever its state, and start it; returns once it is spawned, not once it is ready."""
    stop(path, name)
    start(path, name)


def start(path: str, name: str) -> None:
    """Start a program, one that was given up too; returns once it is spawned. Nothing happens where it runs."""
    with _supervisor(path) as supervisor, _unless(_ALREADY_STARTED):
        supervisor.startProcess(name, False)


def stop(path: str, name: str) -> None:
    """Stop a program and wait until it is gone. Nothing happens where it does not run."""
    with _supervisor(path, _STOP_SECONDS) as supervisor, _unless(_NOT_RUNNING):
        supervisor.stopProcess(name)


def tail(path: str, name: str, size: int = 4000, data: Path | None = None) -> str:
    """The last `size` bytes of a program's log.

    With the data folder they come from the file itself where the supervisor does not answer: "" where there is none.
    """
    try:
        with _supervisor(path) as supervisor:
            text, _, _ = cast("tuple[str, int, bool]", supervisor.tailProcessStdoutLog(name, 0, size))
        return text
    except OSError:
        if data is None:
            raise
    try:
        with (data / "logs" / f"{name}.log").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read(size).decode(errors="replace")
    except OSError:
        return ""


def _program(row: dict[str, object]) -> Program:
    pid = cast(int, row["pid"])
    uptime = cast(int, row["now"]) - cast(int, row["start"]) if pid else 0
    return Program(name=str(row["name"]), state=str(row["statename"]), pid=pid, uptime=float(max(0, uptime)))


@contextmanager
def _supervisor(path: str, timeout: float = _ASK_SECONDS) -> Iterator[xmlrpc.client.ServerProxy]:
    with xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(path, timeout)) as proxy:
        try:
            yield cast(xmlrpc.client.ServerProxy, proxy.supervisor)
        except (http.client.HTTPException, xmlrpc.client.Error) as error:
            if isinstance(error, xmlrpc.client.Fault) and error.faultCode != _SHUTDOWN_STATE:
                raise ChildProcessError(f"the supervisor refuses: {error.faultString}") from error
            # A supervisor on its way out refuses every call, and then accepts connections that it no longer answers.
            raise ConnectionError(f"the supervisor at {path} broke off: {error}") from error


@contextmanager
def _unless(code: int) -> Iterator[None]:
    """Pass over the one refusal that says that nothing needs to be done."""
    try:
        yield
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != code:
            raise


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__()
        self._path = path
        self._timeout = timeout

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        return _UnixConnection(self._path, self._timeout)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except BlockingIOError:
            # So many wait already that the kernel takes no more.
            raise TimeoutError("the supervisor takes no more connections") from None
