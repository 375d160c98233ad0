"""supervisord's XML-RPC over its unix socket, with the standard library alone.

Every function takes the path of the socket and raises OSError where no supervisor listens on it. A connection serves
one call, so that the functions may be called from any thread.
"""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

# Longer than stopwaitsecs in supervisord.conf: stopping a program answers only once it is gone.
_TIMEOUT_SECONDS = 30.0
_NOT_RUNNING = 70  # supervisor.xmlrpc.Faults.NOT_RUNNING


@dataclass(frozen=True)
class Program:
    """A supervised program: supervisor's name of its state, its pid (0 = none) and the seconds it has run."""

    name: str
    state: str
    pid: int
    uptime: float


def listening(path: str) -> bool:
    """Whether a supervisor answers on the socket."""
    try:
        supervisor_pid(path)
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
    with _supervisor(path) as supervisor:
        supervisor.startProcess(name, False)


def stop(path: str, name: str) -> None:
    """Stop a program and wait until it is gone. Nothing happens where it does not run."""
    with _supervisor(path) as supervisor:
        try:
            supervisor.stopProcess(name)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != _NOT_RUNNING:
                raise


def tail(path: str, name: str, size: int = 4000) -> str:
    """The last `size` bytes of a program's log."""
    with _supervisor(path) as supervisor:
        text, _, _ = cast("tuple[str, int, bool]", supervisor.tailProcessStdoutLog(name, 0, size))
    return text


def _program(row: dict[str, object]) -> Program:
    pid = cast(int, row["pid"])
    uptime = cast(int, row["now"]) - cast(int, row["start"]) if pid else 0
    return Program(name=str(row["name"]), state=str(row["statename"]), pid=pid, uptime=float(max(0, uptime)))


@contextmanager
def _supervisor(path: str) -> Iterator[xmlrpc.client.ServerProxy]:
    with xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(path)) as proxy:
        try:
            yield cast(xmlrpc.client.ServerProxy, proxy.supervisor)
        except (http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            # A supervisor on its way out accepts a connection that it no longer answers.
            raise ConnectionError(f"the supervisor at {path} broke off: {error}") from error


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        return _UnixConnection(self._path)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
