"""A job's time where its engine goes away, can't be interrupted or is killed, and where the studio ends meanwhile.

The budget's clock is moved by the tests, so that no machine is too slow for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from client import engine_events
from client.jobs import Job, JobManager
from client.overseer import RETRYING, Limits
from client.pace import Pace
from client.states import Failed, JobState, Queued, Running, Succeeded
from client.store import Store
from tests.support import scripted
from tests.support.commands import eventually
from tests.support.draft import start_draft
from tests.support.gate import Gate
from tests.support.proxy import Proxy
from workflows.request import parse

PACE = Pace(tick=0.02, look=0.05, blind=0.02, queue=0.02, backoff=0.1, doubt=0.3, goodbye=0.3)
AGES = 100_000.0
"""Seconds that are more than any budget here."""


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Studio:
    """A manager on the paced engine, behind a proxy that can cut it off and a gate that notes what was asked."""

    def __init__(self, data: Path, base: Path, gate: Gate, proxy: Proxy, limits: Limits, clock: Clock) -> None:
        self.data, self.base, self.gate, self.proxy, self.limits, self.clock = data, base, gate, proxy, limits, clock
        self.manager = JobManager(data, proxy.url, PACE, limits=limits)

    def submit(self, seed: int) -> Job:
        request = {"prompt": "a test", "seed": seed, "width": 256, "height": 256, "seconds": 1, "preset": "fast"}
        return self.manager.submit(parse("t2v", request), "me")

    def restart(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """End the manager and start another one, after something that happens between."""
        self.manager.close()
        meanwhile()
        self.manager = JobManager(self.data, self.proxy.url, PACE, limits=self.limits)

    def state(self, job: Job) -> JobState:
        found = self.manager.get(job.id)
        assert found is not None
        return found.state

    def comes_to(self, job: Job, kind: type, note: str | None = None) -> JobState:
        """Wait until the job is in such a state, and says that where it is given."""

        def reached() -> bool:
            state = self.state(job)
            return isinstance(state, kind) and (note is None or getattr(state, "note", "") == note)

        assert eventually(reached), self.state(job)
        return self.state(job)

    def samples(self, job: Job) -> None:
        """Wait until the engine has taken up the sampler's last order."""
        self.comes_to(job, Running)
        assert eventually(lambda: (self.base / "pace").read_text() == "")

    def posts(self, path: str) -> int:
        return sum(line.startswith(f"POST {path} ") for line in self.gate.seen)


@pytest.fixture(scope="module")
def paced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    base = tmp_path_factory.mktemp("paced")
    process, url = start_draft(base, module="tests.support.paced")
    yield url, base
    process.terminate()
    process.wait(20)


Start = Callable[..., Studio]


@pytest.fixture
def start(paced: tuple[str, Path], tmp_path: Path) -> Iterator[Start]:
    """Starts a studio: `start(*lines)`, each line an order for one run of the sampler."""
    url, base = paced
    (base / "release").unlink(missing_ok=True)
    opened: list[Studio] = []

    def studio(*lines: str, ours: bool = False, queue: float | None = None) -> Studio:
        (base / "pace").write_text("\n".join(lines))
        clock = Clock()
        opened.append(Studio(tmp_path, base, gate, proxy, Limits(None, queue, ours, clock=clock), clock))
        return opened[-1]

    with Gate(url, {}) as gate, Proxy(gate.url) as proxy:
        yield studio
        for one in opened:
            one.manager.close()
        (base / "release").touch()
        requests.post(f"{url}/queue", json={"clear": True}, timeout=10)
        requests.post(f"{url}/interrupt", timeout=10)
        assert eventually(lambda: requests.get(f"{url}/prompt", timeout=10).json()["exec_info"]["queue_remaining"] == 0)


def test_no_time_is_spent_while_the_engine_does_not_answer(start: Start) -> None:
    studio = start("deaf")
    job = studio.submit(31)
    studio.samples(job)
    studio.proxy.refusing = True
    studio.proxy.cut_websocket()
    studio.comes_to(job, Running, "The engine does not answer; waiting for it.")
    studio.clock.now += AGES
    studio.proxy.refusing = False
    studio.comes_to(job, Running, "")
    (studio.base / "release").touch()
    studio.comes_to(job, Succeeded)
    assert studio.posts("/prompt") == 1


def test_a_retry_is_said_to_be_one_for_as_long_as_it_takes_and_after_a_restart(start: Start) -> None:
    studio = start("hang", "deaf")
    job = studio.submit(32)
    studio.comes_to(job, Running)
    assert eventually(lambda: (studio.base / "pace").read_text() == "deaf")
    studio.clock.now += AGES
    studio.comes_to(job, Running, RETRYING)
    studio.samples(job)
    studio.restart()
    studio.comes_to(job, Running, RETRYING)
    (studio.base / "release").touch()
    studio.comes_to(job, Succeeded)
    assert studio.posts("/prompt") == 2


def test_a_hang_that_no_interrupt_ends_is_the_engines_silence_and_not_a_full_queue(start: Start) -> None:
    studio = start("deaf", "go")
    job = studio.submit(33)
    studio.comes_to(job, Running)
    assert eventually(lambda: (studio.base / "pace").read_text() == "go")
    studio.clock.now += AGES
    studio.comes_to(job, Queued, RETRYING)
    assert eventually(lambda: studio.posts("/prompt") == 2)
    assert eventually(lambda: getattr(studio.state(job), "position", None) == 1), studio.state(job)
    studio.clock.now += AGES
    state = studio.comes_to(job, Failed)
    assert isinstance(state, Failed)
    assert state.code == "engine_silent"
    assert "reached 0 %" not in state.message
    assert requests.get(f"{studio.gate.url}/queue", timeout=10).json()["queue_pending"] == []


def test_a_studio_that_ends_before_the_second_attempt_takes_the_first_one_back(start: Start) -> None:
    studio = start("hang", "go", ours=True)
    job = studio.submit(34)
    studio.comes_to(job, Running)
    assert eventually(lambda: (studio.base / "pace").read_text() == "go")

    def as_if_it_had_just_been_decided() -> None:
        store = Store(studio.data / "studio.db")
        store.begin_attempt(job.id, 2)
        store.close()

    studio.restart(as_if_it_had_just_been_decided)
    studio.comes_to(job, Succeeded)
    assert studio.posts("/prompt") == 2
    assert studio.posts("/free") == 1


def test_a_studio_that_ends_while_the_first_attempt_is_taken_back_goes_on_with_the_second(start: Start) -> None:
    studio = start("deaf", "go")
    job = studio.submit(35)
    studio.comes_to(job, Running)
    assert eventually(lambda: (studio.base / "pace").read_text() == "go")
    studio.clock.now += AGES
    assert eventually(lambda: any("/cancel" in line for line in studio.gate.seen))
    studio.restart((studio.base / "release").touch)
    studio.comes_to(job, Succeeded)
    assert studio.posts("/prompt") <= 2


def test_models_stay_loaded_where_a_job_has_only_waited_too_long(start: Start) -> None:
    studio = start("deaf", ours=True, queue=20)
    studio.comes_to(studio.submit(36), Running)
    waits = studio.manager.submit(parse("t2v", {"prompt": "a test", "preset": "fast"}), "somebody else")
    assert eventually(lambda: getattr(studio.state(waits), "position", None) == 1)
    studio.clock.now += 21
    state = studio.comes_to(waits, Failed)
    assert isinstance(state, Failed)
    assert state.code == "queue_timeout"
    assert studio.posts("/free") == 0


def test_a_job_whose_engine_the_kernel_has_killed_ran_out_of_memory(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with scripted.engine() as server:

        def forgotten(_: bytes) -> tuple[int, object]:
            if server.posted("/prompt") and not engine_events.read(tmp_path):
                engine_events.append(tmp_path, "ended", engine_events.OUT_OF_MEMORY)
            return 200, {}

        server.routes["GET /history/"] = forgotten
        manager = JobManager(tmp_path, server.url, PACE, limits=Limits(ours=True, events=tmp_path))
        job = manager.submit(parse("t2v", {"prompt": "a test"}), "me")
        manager.wait(job.id, 20)
        found = manager.get(job.id)
        manager.close()
    assert found is not None
    assert isinstance(found.state, Failed)
    assert found.state.code == "engine_out_of_memory"
