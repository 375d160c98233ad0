"""A studio's life: started, looked at, found again, stopped; and what happens when something dies."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import socketserver
import stat
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xmlrpc.server import SimpleXMLRPCDispatcher, SimpleXMLRPCRequestHandler

import pytest

from bootstrap import checks, supervise, up
from bootstrap.probe import engine_failure, studio_failure
from bootstrap.supervise import Studio
from client import settings, supervisor
from tests.bootstrap.conftest import Running
from tests.support.commands import CHECKOUT, alive, bootstrap, eventually, spawn, wait_for_line
from tests.support.ports import free_ports


def report(data: Path) -> tuple[int, Any]:
    """Exit code and answer of `status --json`."""
    ended = bootstrap("status", "--json", "--data", data)
    return ended.returncode, json.loads(ended.stdout)


def test_a_detached_studio_says_where_it_is_and_how_to_stop_it(running: Running) -> None:
    assert running.url in running.printed
    assert f"down --data '{running.data}'" in running.printed
    assert not engine_failure(running.engine_url)
    assert not studio_failure(running.url)


def test_status_reports_both_programs(running: Running) -> None:
    code, found = report(running.data)
    assert code == 0
    assert {key: found[key] for key in ("running", "healthy", "engine", "url", "engine_url", "data")} == {
        "running": True,
        "healthy": True,
        "engine": "draft",
        "url": running.url,
        "engine_url": running.engine_url,
        "data": str(running.data),
    }
    for name, url in (("engine", running.engine_url), ("studio", running.url)):
        program = found["programs"][name]
        assert (program["state"], program["healthy"], program["url"]) == ("running", True, url)
        assert alive(program["pid"])
        assert program["uptime_seconds"] >= 0


def test_status_in_words_names_both_addresses(running: Running) -> None:
    ended = bootstrap("status", "--data", running.data)
    assert ended.returncode == 0
    assert f"engine: well, {running.engine_url}" in ended.stdout
    assert f"studio: well, {running.url}" in ended.stdout


def test_a_second_detached_start_is_content_with_the_first(running: Running) -> None:
    before = supervisor.states(running.socket)
    again = bootstrap("up", "--detach", *running.flags)
    assert again.returncode == 0, again.stderr
    assert f"already runs: {running.url}" in again.stdout
    assert {name: program.pid for name, program in supervisor.states(running.socket).items()} == {
        name: program.pid for name, program in before.items()
    }


@pytest.mark.parametrize("arguments", [(), ("--detach", "--port", "9")])
def test_a_second_start_that_asks_for_something_else_is_refused(arguments: tuple[str, ...], running: Running) -> None:
    again = bootstrap("up", *running.flags, *arguments)
    assert again.returncode == 2
    (line,) = again.stderr.splitlines()
    assert f"already runs on the data folder {running.data}: {running.url}" in line


def test_the_control_socket_is_private_and_there_is_no_other(running: Running) -> None:
    found = Path(running.socket).stat()
    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert stat.S_IMODE(Path(running.socket).parent.stat().st_mode) == 0o700
    configuration = (CHECKOUT / "supervisord.conf").read_text()
    assert "inet_http_server" not in configuration


def test_each_program_leads_its_own_process_group(running: Running) -> None:
    pids = {program.pid for program in supervisor.states(running.socket).values()}
    assert {os.getpgid(pid) for pid in pids} == pids


def test_programs_are_stopped_restarted_and_read_over_the_socket(running: Running) -> None:
    first = supervisor.states(running.socket)["engine"]
    supervisor.stop(running.socket, "engine")
    supervisor.stop(running.socket, "engine")
    assert supervisor.states(running.socket)["engine"] == replace(first, state="STOPPED", pid=0, uptime=0.0)
    code, found = report(running.data)
    assert (code, found["healthy"], found["programs"]["engine"]["reason"]) == (1, False, "stopped")
    assert found["programs"]["studio"]["healthy"]
    supervisor.restart(running.socket, "engine")
    supervisor.start(running.socket, "engine")
    with pytest.raises(ChildProcessError, match="BAD_NAME"):
        supervisor.start(running.socket, "nobody")
    assert eventually(lambda: not engine_failure(running.engine_url))
    assert supervisor.states(running.socket)["engine"].pid != first.pid
    log = running.data / "logs" / "engine.log"
    assert supervisor.tail(running.socket, "engine", 20) == log.read_bytes()[-20:].decode()


def test_a_killed_program_is_started_again(running: Running) -> None:
    pid = supervisor.states(running.socket)["studio"].pid
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: supervisor.states(running.socket)["studio"].pid not in (0, pid))
    assert eventually(lambda: not studio_failure(running.url))


def test_nothing_runs_on_another_folder(tmp_path: Path) -> None:
    assert report(tmp_path / "none") == (3, {"running": False, "healthy": False, "data": str(tmp_path / "none")})
    stopped = bootstrap("down", "--data", tmp_path / "none")
    assert stopped.returncode == 0
    assert "No studio runs" in stopped.stdout
    assert not (tmp_path / "none").exists()
    with pytest.raises(OSError, match="No such file"):
        supervisor.states(str(tmp_path / "none.sock"))


@contextlib.contextmanager
def foreground(data: Path, *, ready: bool = True, checkout: Path = CHECKOUT) -> Iterator[subprocess.Popen[str]]:
    """`up` as a person runs it. Nothing of it is left when the test ends, passed or not."""
    port, engine_port = free_ports(2)
    flags = ("--data", data, "--port", port, "--engine-port", engine_port, "--engine", "draft")
    with spawn("up", *flags, checkout=checkout) as process:
        try:
            if ready:
                wait_for_line(process, "LTX Studio is ready")
            yield process
        finally:
            bootstrap("down", "--data", data)
            process.kill()


def pids(socket_path: str) -> list[int]:
    return [
        supervisor.supervisor_pid(socket_path),
        *(program.pid for program in supervisor.states(socket_path).values()),
    ]


def test_ctrl_c_leaves_nothing_behind_however_long_the_path(tmp_path: Path) -> None:
    data = tmp_path / ("long" * 25)
    with foreground(data) as process:
        studio = supervise.find(data)
        assert studio is not None
        assert not Path(studio.socket).is_relative_to(data)
        assert stat.S_IMODE(Path(studio.socket).parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(Path(studio.socket).stat().st_mode) == 0o600
        running = pids(studio.socket)
        assert all(map(alive, running))
        # A browser that keeps its websocket open.
        with socket.create_connection(("127.0.0.1", studio.settings.port)) as browser:
            browser.sendall(websocket_request(studio.settings.port))
            assert b"101 Switching Protocols" in browser.recv(4096)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines() == ["Stopping…", "Stopped."]
    assert not any(map(alive, running))
    assert not Path(studio.socket).exists()
    assert sorted(path.name for path in (data / "run").iterdir()) == ["starting.lock"]
    for port in (studio.settings.port, studio.settings.engine_port):
        socket.create_server(("127.0.0.1", port)).close()


def websocket_request(port: int) -> bytes:
    lines = (
        "GET /_stcore/stream HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: streamlit",
    )
    return "\r\n".join((*lines, "", "")).encode()


def test_the_foreground_command_tells_of_a_restart_and_ends_with_down(tmp_path: Path) -> None:
    with foreground(tmp_path) as process:
        studio = supervise.find(tmp_path)
        assert studio is not None
        os.kill(supervisor.states(studio.socket)["engine"].pid, signal.SIGKILL)
        assert str(tmp_path / "logs" / "engine.log") in wait_for_line(process, "The engine ended and was started again")
        assert bootstrap("down", "--data", tmp_path).returncode == 0
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines() == ["Stopped."]


def test_a_supervisor_that_was_too_busy_at_first_is_no_trouble_for_the_foreground_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, answers = tmp_path / "supervisor.sock", list[int]()

    class Handler(SimpleXMLRPCRequestHandler):
        disable_nagle_algorithm = False

        def address_string(self) -> str:
            return ""

    class Server(socketserver.UnixStreamServer, SimpleXMLRPCDispatcher):
        logRequests = False

    def rows() -> list[dict[str, Any]]:
        answers.append(1)
        return [{"name": "engine", "statename": "RUNNING", "pid": 10**7 + len(answers), "now": 2, "start": 1}]

    def interrupted() -> bool:
        if not path.exists():
            server = Server(str(path), Handler)
            SimpleXMLRPCDispatcher.__init__(server)
            server.register_function(rows, "supervisor.getAllProcessInfo")
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return len(answers) > 1

    monkeypatch.setattr(up, "_WATCH_SECONDS", 0.0)
    checks.data_folder(tmp_path)
    studio = Studio(settings.read({"STUDIO_DATA": str(tmp_path)}), str(path))
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        assert up._stay(studio, process, interrupted) == 0
    assert "The engine ended and was started again" in capsys.readouterr().out


def test_no_program_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with foreground(tmp_path) as process:
        studio = supervise.find(tmp_path)
        assert studio is not None
        running = pids(studio.socket)
        os.kill(running[0], signal.SIGKILL)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The supervisor ended by itself" in err
    assert eventually(lambda: not any(map(alive, running)))


def checkout_with_engine(folder: Path, program: str) -> Path:
    """A checkout whose draft engine is this program, with the environment of this one.

    The real one's program is its module `bootstrap.draft.started`.
    """
    checkout = folder / "checkout"
    for room in ("bootstrap", "client", "workflows", "pages"):
        shutil.copytree(CHECKOUT / room, checkout / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("Home.py", "supervisord.conf", "requirements.txt"):
        shutil.copy(CHECKOUT / file, checkout / file)
    draft = checkout / "bootstrap" / "draft"
    (draft / "__main__.py").rename(draft / "started.py")
    (draft / "__main__.py").write_text(program)
    (checkout / ".venv").symlink_to(CHECKOUT / ".venv")
    return checkout


def test_a_signal_while_starting_leaves_nothing_behind(running: Running, tmp_path: Path) -> None:
    checkout = checkout_with_engine(tmp_path, "import time; time.sleep(1000)")
    data = tmp_path / "data"
    with foreground(data, ready=False, checkout=checkout) as process:
        assert eventually(lambda: supervise.find(data) is not None)
        studio = supervise.find(data)
        assert studio is not None
        started = pids(studio.socket)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out.splitlines()[-1:], err) == (130, ["Interrupted; nothing is left running."], "")
    assert not any(alive(pid) for pid in started if pid)


def test_a_program_that_cannot_start_is_quoted_and_nothing_stays(running: Running, tmp_path: Path) -> None:
    checkout = checkout_with_engine(tmp_path, "raise SystemExit('the paint has run dry')")
    port, engine_port = free_ports(2)
    flags = ("--data", tmp_path / "data", "--port", port, "--engine-port", engine_port, "--engine", "draft")
    ended = bootstrap("up", "--detach", *flags, checkout=checkout)
    assert ended.returncode == 1
    said = ended.stderr.splitlines()
    assert said[-2].strip() == "the paint has run dry"
    assert said[-1].startswith("The engine does not start; its log is ")
    assert supervise.find(tmp_path / "data") is None
    assert studio_failure(f"http://127.0.0.1:{port}")


def test_an_engine_that_ends_after_its_start_counted_as_done_is_told_at_its_first_end(
    running: Running, tmp_path: Path
) -> None:
    program = "import time; print('mixing', flush=True); time.sleep(2); raise SystemExit('the paint has run dry')"
    checkout = checkout_with_engine(tmp_path, program)
    configuration = checkout / "supervisord.conf"
    configuration.write_text(configuration.read_text().replace("%(ENV_UP_ENGINE_SECONDS)s", "1"))
    port, engine_port = free_ports(2)
    flags = ("--data", tmp_path / "data", "--port", port, "--engine-port", engine_port, "--engine", "draft")
    ended = bootstrap("up", "--detach", *flags, checkout=checkout)
    assert ended.returncode == 1
    said = ended.stderr.splitlines()
    assert [line.strip() for line in said[-3:-1]] == ["mixing", "the paint has run dry"]
    assert said[-1].startswith("The engine does not start; its log is ")


def test_an_external_engine_is_used_and_left_alone(running: Running, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    env = {"STUDIO_COMFYUI_URL": running.engine_url}
    started = bootstrap("up", "--detach", "--data", tmp_path, "--port", port, env=env)
    assert started.returncode == 0, started.stderr
    assert "(external engine)" in started.stdout
    code, found = report(tmp_path)
    assert (code, found["engine"], found["engine_url"]) == (0, "external", running.engine_url)
    assert (found["programs"]["engine"]["state"], found["programs"]["engine"]["pid"]) == ("external", None)
    studio = supervise.find(tmp_path)
    assert studio is not None
    assert {name: program.pid for name, program in supervisor.states(studio.socket).items() if name != "studio"} == {
        "engine": 0,
        "watchdog": 0,
    }
    assert bootstrap("down", "--data", tmp_path).returncode == 0
    assert not engine_failure(running.engine_url)
