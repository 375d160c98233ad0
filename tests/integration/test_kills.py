"""SIGKILL for the studio and for the engine, in the middle of a job."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from client.jobs import JobManager
from client.states import Failed, Running, Succeeded
from client.transport import Server
from tests.integration.test_engines import LONG, SMALL, until
from tests.support.ports import free_ports
from tests.support.videos import describe
from workflows.request import parse


def hold(data, url, fields=""):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.holder", str(data), url, fields], stdout=subprocess.PIPE, text=True
    )


def test_a_studio_killed_in_the_middle_of_a_job_finds_it_again(engine_url, tmp_path):
    wanted = {**LONG, "seconds": 8}
    first = hold(tmp_path, engine_url, json.dumps(wanted))
    assert first.stdout is not None
    while first.stdout.readline() != "running\n":
        assert first.poll() is None
    first.kill()
    first.wait()
    second = hold(tmp_path, engine_url)
    lines = second.communicate(timeout=240)[0].split()
    assert lines[-1] == "succeeded"
    manager = JobManager(tmp_path, engine_url)
    (job,) = manager.jobs("me")
    assert [path.suffix for path in sorted(manager.folder.iterdir())] == [".jpg", ".mp4"]
    assert describe(manager.folder / job.state.outputs[0].name)["frames"] == job.shape.frames
    manager.close()


@pytest.fixture
def supervised(tmp_path):
    """The whole studio under supervisord: its data folder and the engine's address."""
    port, engine_port = free_ports(2)
    data = ["--data", str(tmp_path / "studio")]
    ports = ["--port", str(port), "--engine-port", str(engine_port), "--engine", "draft"]
    up = bootstrap("up", "--detach", *data, *ports)
    assert up.returncode == 0, up.stderr
    yield data, f"http://127.0.0.1:{engine_port}"
    assert bootstrap("down", *data).returncode == 0


def bootstrap(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "bootstrap", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def engine_pid(data):
    return json.loads(bootstrap("status", "--json", *data).stdout)["programs"]["engine"]["pid"]


def test_an_engine_killed_in_the_middle_of_a_job_is_said_to_be_lost_and_retry_works(supervised, tmp_path):
    data, url = supervised
    manager = JobManager(tmp_path / "client", url)
    job = manager.submit(parse("t2v", LONG), "me")
    until(manager, job, Running)
    killed = engine_pid(data)
    os.kill(killed, signal.SIGKILL)
    state = until(manager, job, Failed | Succeeded, 90).state
    assert (state.code, state.retryable) == ("engine_lost", True)
    assert engine_pid(data) != killed
    again = manager.retry(job.id)
    manager.wait(again.id, 120)
    assert isinstance(manager.get(again.id).state, Succeeded)
    assert [job.id for job in manager.library("me")] == [again.id]
    manager.close()


def test_an_engine_that_is_away_for_a_moment_costs_nothing(supervised, tmp_path):
    """Submitting while the supervisor is restarting the engine only waits."""
    data, url = supervised
    manager = JobManager(tmp_path / "client", url)
    os.kill(engine_pid(data), signal.SIGKILL)
    job = manager.submit(parse("t2v", SMALL), "me")
    manager.wait(job.id, 120)
    assert isinstance(manager.get(job.id).state, Succeeded)
    manager.close()


def outward_address():
    """This machine's address on its network; connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no network besides loopback")
        return probe.getsockname()[0]


def test_the_engine_is_reached_on_loopback_only(supervised):
    _, url = supervised
    assert Server(url).queue_remaining() == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((outward_address(), int(url.rpartition(":")[2])), timeout=5)
