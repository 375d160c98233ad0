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
from tests.support.supervised import supervised
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
def studio(tmp_path):
    with supervised(tmp_path / "studio", STUDIO_ENGINE="draft") as running:
        yield running


def test_an_engine_killed_in_the_middle_of_a_job_is_said_to_be_lost_and_retry_works(studio, tmp_path):
    manager = JobManager(tmp_path / "client", studio.engine_url)
    job = manager.submit(parse("t2v", LONG), "me")
    until(manager, job, Running)
    studio.kill("engine")
    state = until(manager, job, Failed | Succeeded, 90).state
    assert (state.code, state.retryable) == ("engine_lost", True)
    again = manager.retry(job.id)
    manager.wait(again.id, 120)
    assert isinstance(manager.get(again.id).state, Succeeded)
    assert [job.id for job in manager.library("me")] == [again.id]
    manager.close()


def test_an_engine_that_is_away_for_a_moment_costs_nothing(studio, tmp_path):
    """Submitting while the supervisor is restarting the engine only waits."""
    manager = JobManager(tmp_path / "client", studio.engine_url)
    os.kill(studio.programs()["engine"]["pid"], signal.SIGKILL)
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


def test_the_engine_is_reached_on_loopback_only(studio):
    url = studio.engine_url
    assert Server(url).queue_remaining() == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((outward_address(), int(url.rpartition(":")[2])), timeout=5)
