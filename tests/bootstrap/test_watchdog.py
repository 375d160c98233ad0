"""The real watchdog under the real supervisord, over an engine that dies in every way it can."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bootstrap import supervise
from bootstrap.probe import engine_failure
from client import engine_events, supervisor
from client.engine_events import Event
from client.jobs import Job, JobManager
from client.states import Failed, Running, Succeeded
from tests.bootstrap.test_lifecycle import checkout_with_engine, report
from tests.support.commands import CHECKOUT, alive, bootstrap, eventually
from tests.support.ports import free_ports
from workflows.request import parse

# Far below what is sensible, and far above what the draft engine needs; stuck is for an engine that computes.
QUICK = {
    "WATCHDOG_CONFIRM_SECONDS": "4",
    "WATCHDOG_SILENT_SECONDS": "4",
    "WATCHDOG_START_SECONDS": "9",
    "WATCHDOG_STUCK_SECONDS": "600",
    "WATCHDOG_MOST_ENDS": "50",
}
SMALL = {"prompt": "a lighthouse in a storm", "width": 256, "height": 128, "seconds": 1, "seed": 3}
# One tick of the watchdog is five seconds; a wedged engine needs two of them, and then starts again.
LONG_ENOUGH = 60.0


@dataclass
class Watched:
    """A studio whose engine can be told to die."""

    data: Path
    checkout: Path
    engine_url: str
    socket: str

    @property
    def base(self) -> Path:
        return self.data / "engine"

    @property
    def pid(self) -> int:
        return supervisor.states(self.socket)["engine"].pid

    def events(self) -> list[Event]:
        return [*engine_events.read(self.data)]

    def tell(self, name: str) -> None:
        (self.base / name).touch()

    def kill(self) -> int:
        """SIGKILL for the engine, as the kernel sends it when memory runs out; returns the process it was."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: self.pid != pid)
        return pid

    def answers_again(self, pid: int) -> bool:
        """Whether another process than this one answers, in a while."""
        return eventually(lambda: self.pid not in (0, pid) and not engine_failure(self.engine_url), LONG_ENOUGH)


@contextlib.contextmanager
def watched(folder: Path, **environment: str) -> Iterator[Watched]:
    program = (CHECKOUT / "tests" / "support" / "mortal.py").read_text()
    checkout = checkout_with_engine(folder, program)
    data = folder / "data"
    port, engine_port = free_ports(2)
    flags = ("--data", data, "--port", port, "--engine-port", engine_port, "--engine", "draft")
    started = bootstrap("up", "--detach", *flags, checkout=checkout, env={**QUICK, **environment})
    assert started.returncode == 0, started.stderr
    try:
        found = supervise.find(data)
        assert found is not None
        yield Watched(data, checkout, f"http://127.0.0.1:{engine_port}", found.socket)
    finally:
        bootstrap("down", "--data", data, checkout=checkout)


@contextlib.contextmanager
def stranger(url: str) -> Iterator[None]:
    """A server of somebody else's that answers everything on the port of this address."""

    class Anything(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", int(url.rpartition(":")[2])), Anything) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(tmp_path_factory.mktemp("watched")) as running:
        yield running


@pytest.fixture
def manager(studio: Watched, tmp_path: Path) -> Iterator[JobManager]:
    made = JobManager(tmp_path, studio.engine_url)
    yield made
    made.close()


@pytest.fixture
def since(studio: Watched) -> Iterator[int]:
    """How many events there were before; afterwards the engine is well again."""
    yield len(studio.events())
    assert eventually(lambda: not engine_failure(studio.engine_url), LONG_ENOUGH)


def until(manager: JobManager, job: Job, *wanted: type) -> Job:
    assert eventually(lambda: isinstance(manager.get(job.id).state, wanted), LONG_ENOUGH), manager.get(job.id)
    return manager.get(job.id)


def whats(events: list[Event]) -> Counter[str]:
    return Counter(event.what for event in events)


def test_an_engine_whose_worker_died_is_restarted_once_and_the_job_can_be_retried(
    studio: Watched, manager: JobManager, since: int
) -> None:
    studio.tell("worker-dies")
    job = manager.submit(parse("t2v", SMALL), "me")
    state = until(manager, job, Failed, Succeeded).state
    assert isinstance(state, Failed)
    assert (state.code, state.retryable) == ("engine_lost", True)
    again = manager.retry(job.id)
    until(manager, again, Succeeded)
    (restarted,) = studio.events()[since:]
    assert restarted.what == "restarted"
    assert "worker thread has died" in restarted.why
    assert restarted.pid != studio.pid


def test_a_long_step_without_a_word_is_left_alone(studio: Watched, manager: JobManager, since: int) -> None:
    pid = studio.pid
    studio.tell("long-step")
    job = manager.submit(parse("t2v", {**SMALL, "seed": 4}), "me")
    until(manager, job, Running)
    limits = sum(float(QUICK[f"WATCHDOG_{name}_SECONDS"]) for name in ("CONFIRM", "SILENT"))
    assert not eventually(lambda: studio.pid != pid or len(studio.events()) > since, limits + 7)
    (studio.base / "long-step").unlink()
    until(manager, job, Succeeded)
    assert studio.events()[since:] == []


def test_an_engine_that_no_longer_answers_is_restarted(studio: Watched, since: int) -> None:
    pid = studio.pid
    os.kill(pid, signal.SIGSTOP)
    assert studio.answers_again(pid)
    (restarted,) = studio.events()[since:]
    assert (restarted.what, restarted.pid) == ("restarted", pid)
    assert "neither answered nor done anything" in restarted.why


def test_an_engine_that_never_answers_is_restarted_though_somebody_answers_on_its_port(
    studio: Watched, since: int
) -> None:
    studio.tell("deaf")
    killed = studio.kill()
    assert eventually(lambda: studio.pid != 0)
    deaf = studio.pid
    with stranger(studio.engine_url):
        assert not engine_failure(studio.engine_url)
        code, found = report(studio.data)
        engine = found["programs"]["engine"]
        assert (code, engine["healthy"], engine["pid"]) == (1, False, deaf)
        assert engine["reason"].startswith("another program answers on its port ")
        assert eventually(lambda: whats(studio.events()[since:])["restarted"] == 1, LONG_ENOUGH)
    assert studio.answers_again(deaf)
    assert eventually(lambda: len(studio.events()) >= since + 2)
    ended, restarted = studio.events()[since : since + 2]
    assert (ended.what, ended.pid) in (("ended", killed), ("ended", 0))
    assert restarted.what == "restarted"
    assert "of its start" in restarted.why


def test_what_a_killed_engine_leaves_behind_does_not_outlive_it(studio: Watched, since: int) -> None:
    studio.tell("child")
    pid = studio.kill()
    assert studio.answers_again(pid)
    child = int((studio.base / "child.pid").read_text())
    assert alive(child)
    pid = studio.kill()
    assert eventually(lambda: not alive(child))
    assert studio.answers_again(pid)
    assert eventually(lambda: whats(studio.events()[since:]) == {"ended": 2, "orphans_ended": 1})


def test_an_engine_that_does_not_start_any_more_is_given_up_until_somebody_starts_it(
    studio: Watched, since: int
) -> None:
    studio.tell("stillborn")
    pid = studio.kill()
    assert eventually(lambda: whats(studio.events()[since:])["gave_up"] == 1, LONG_ENOUGH)
    code, found = report(studio.data)
    engine = found["programs"]["engine"]
    assert (code, engine["state"], engine["healthy"], engine["pid"]) == (1, "fatal", False, None)
    assert "does not start" in engine["reason"]
    (studio.base / "stillborn").unlink()
    supervisor.start(studio.socket, "engine")
    assert studio.answers_again(pid)
    assert eventually(lambda: studio.events()[-1].what == "started")
    assert report(studio.data)[0] == 0


def test_an_engine_that_ends_again_and_again_is_given_up_until_the_next_start(tmp_path: Path) -> None:
    patient = {"WATCHDOG_START_SECONDS": "600", "WATCHDOG_SILENT_SECONDS": "600"}
    with watched(tmp_path, WATCHDOG_MOST_ENDS="2", **patient) as studio:
        assert studio.answers_again(studio.kill())
        studio.kill()
        assert eventually(lambda: whats(studio.events())["gave_up"] == 1)
        assert eventually(lambda: supervisor.states(studio.socket)["engine"].state == "STOPPED")
        engine = report(studio.data)[1]["programs"]["engine"]
        assert engine["state"] == "fatal"
        assert engine["reason"].startswith("given up: it ended 2 times within ")
        assert whats(studio.events()) == {"started": 1, "ended": 2, "gave_up": 1}
        assert bootstrap("down", "--data", studio.data).returncode == 0
        port, engine_port = free_ports(2)
        flags = ("--data", studio.data, "--port", port, "--engine-port", engine_port, "--engine", "draft")
        again = bootstrap("up", "--detach", *flags, checkout=studio.checkout)
        assert again.returncode == 0, again.stderr
