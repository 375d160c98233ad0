"""What is left when nobody reads any more, and what is said when a supervisor doesn't answer or may not be asked."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from bootstrap import health, supervise
from bootstrap.probe import studio_failure
from client import supervisor
from tests.bootstrap.conftest import Running
from tests.bootstrap.test_lifecycle import foreground, pids
from tests.support.commands import CHECKOUT, alive, bootstrap, environment, eventually, spawn
from tests.support.ports import free_ports

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
PR_CAPBSET_DROP = 24


def is_well(data: Path) -> bool:
    studio = supervise.find(data)
    return studio is not None and health.is_well(studio)


def pids_of(data: Path) -> list[int]:
    studio = supervise.find(data)
    assert studio is not None
    return pids(studio.socket)


def on_a_terminal() -> None:
    """What a shell in a terminal gives its children, whatever these tests run under (nohup ignores SIGHUP)."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_a_closed_terminal_stops_everything(tmp_path: Path) -> None:
    port, engine_port = free_ports(2)
    flags = ("--data", tmp_path, "--port", port, "--engine-port", engine_port, "--engine", "draft")
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bootstrap", "up", *map(str, flags)],
        cwd=CHECKOUT,
        env=environment(),
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
        preexec_fn=on_a_terminal,
    )
    os.close(inside)
    try:
        said = b""
        while b"LTX Studio is ready" not in said:
            said += os.read(terminal, 4096)
        running = pids_of(tmp_path)
        os.close(terminal)
        assert process.wait(60) == 0
        assert not any(map(alive, running))
    finally:
        bootstrap("down", "--data", tmp_path)
        process.kill()


def test_ctrl_c_stops_everything_when_nobody_reads_the_output(tmp_path: Path) -> None:
    with foreground(tmp_path, ready=False) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert eventually(lambda: is_well(tmp_path), 60)
        with (tmp_path / "run" / "starting.lock").open() as lock:
            # Held until the command, too, has seen that all is well.
            fcntl.flock(lock, fcntl.LOCK_EX)
        running = pids_of(tmp_path)
        process.send_signal(signal.SIGINT)
        err = process.stderr.read()
        assert (process.wait(60), err) == (0, "")
    assert not any(map(alive, running))


def test_a_failed_start_leaves_nothing_behind_when_nobody_reads_the_output(running: Running, tmp_path: Path) -> None:
    port, engine_port = free_ports(2)
    flags = ("--data", tmp_path, "--port", port, "--engine-port", engine_port, "--engine", "draft")
    with spawn("up", *flags) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()
        assert eventually(lambda: supervise.find(tmp_path) is not None)
        started = pids_of(tmp_path)
        os.kill(started[0], signal.SIGKILL)
        assert process.wait(60) == 1
    assert eventually(lambda: not any(alive(pid) for pid in started if pid))
    assert studio_failure(f"http://127.0.0.1:{port}")


def test_status_tells_a_silent_supervisor_from_none(running: Running) -> None:
    pid = supervisor.supervisor_pid(running.socket)
    os.kill(pid, signal.SIGSTOP)
    try:
        ended = bootstrap("status", "--json", "--data", running.data)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert ended.returncode == 1, ended.stderr
    found = json.loads(ended.stdout)
    assert (found["running"], found["healthy"], found["url"]) == (True, False, running.url)
    assert {program["reason"] for program in found["programs"].values()} == {"the supervisor does not answer"}
    assert bootstrap("status", "--data", running.data).returncode == 0


def test_down_stops_a_studio_whose_supervisor_sleeps(tmp_path: Path) -> None:
    with foreground(tmp_path) as process:
        running = pids_of(tmp_path)
        os.kill(running[0], signal.SIGSTOP)
        ended = bootstrap("down", "--data", tmp_path)
        assert (ended.returncode, ended.stdout) == (0, "Stopping…\nStopped.\n")
        assert process.wait(60) == 0
    assert not any(map(alive, running))


def drop_privileges() -> None:
    """Let permissions count for root too, from the next exec on."""
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


@pytest.mark.skipif(os.geteuid() == 0 and sys.platform != "linux", reason="root reads everything here")
@pytest.mark.parametrize("verb", ["status", "down"])
def test_what_may_not_be_looked_at_is_not_said_to_be_absent(verb: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0)
    ended = subprocess.run(
        [sys.executable, "-m", "bootstrap", verb, "--data", str(tmp_path)],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=drop_privileges if os.geteuid() == 0 else None,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"The data folder {tmp_path} can't be read (permission denied)")
