"""Every way in which a job's time can be spent on an engine, and what becomes of its attempts.

The budget's clock is moved by the tests, so that no machine is too slow for them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from client import engine_events
from client.jobs import Job, JobManager
from client.overseer import RETRYING, Limits
from client.pace import Pace
from client.states import Cancelled, Failed, JobState, Queued, Running, Succeeded
from client.store import Store
from tests.support import scripted
from tests.support.commands import eventually
from tests.support.draft import start_draft
from tests.support.gate import Gate
from tests.support.proxy import Proxy
from workflows.errors import StudioError
from workflows.request import parse

PACE = Pace(tick=0.02, look=0.05, blind=0.02, queue=0.02, backoff=0.1, doubt=0.3, goodbye=0.3)
AGES = 100_000.0
"""Seconds that are more than any budget here."""

QUIET = 25.0
"""Seconds for which nobody minds that there is no progress."""


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

    def submit(self, seed: int, owner: str = "me", **values: object) -> Job:
        # The preset with one sampler, so that one line is one attempt.
        small = {"prompt": "a test", "width": 256, "height": 256, "seconds": 1, "preset": "fast"}
        return self.manager.submit(parse("t2v", {**small, "seed": seed, **values}), owner)

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

    def samples(self, job: Job, *left: str) -> None:
        """Wait until the job runs and its sampler has taken its order, so that these are left."""
        assert eventually(lambda: (self.base / "pace").read_text() == "\n".join(left))
        self.comes_to(job, Running)

    def hangs(self, job: Job, *left: str) -> None:
        """Wait until the last sign of progress has been heard, and let more time pass than any budget has."""
        self.samples(job, *left)
        assert eventually(lambda: getattr(self.state(job), "step", 0) == 1), self.state(job)
        self.clock.now += AGES

    def says(self, job: Job, note: str) -> None:
        """Wait until the job's note begins so."""
        assert eventually(lambda: getattr(self.state(job), "note", "").startswith(note)), self.state(job)

    def reaches(self, job: Job, step: int) -> None:
        """Let the sampler report a step, and wait until that has been heard."""
        (self.base / "reached").write_text(str(step))
        assert eventually(lambda: getattr(self.state(job), "step", 0) == step), self.state(job)

    def fails(self, job: Job) -> Failed:
        """Wait until the job has failed."""
        state = self.comes_to(job, Failed)
        assert isinstance(state, Failed)
        return state

    def waits(self, job: Job, ahead: int) -> None:
        """Wait until the engine has the job behind so many others."""
        assert eventually(lambda: getattr(self.state(job), "position", None) == ahead), self.state(job)

    @property
    def queue(self) -> list[object]:
        """What runs and waits on the engine."""
        listed = requests.get(f"{self.gate.url}/queue", timeout=10).json()
        return [*listed["queue_running"], *listed["queue_pending"]]

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
    (base / "reached").write_text("")
    opened: list[Studio] = []

    def studio(*lines: str, ours: bool = False, cap: float | None = None, queue: float | None = None) -> Studio:
        (base / "pace").write_text("\n".join(lines))
        clock = Clock()
        opened.append(Studio(tmp_path, base, gate, proxy, Limits(cap, queue, ours, clock=clock), clock))
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
    studio.hangs(job, "deaf")
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
    studio.hangs(job, "go")
    studio.comes_to(job, Queued, RETRYING)
    assert eventually(lambda: studio.posts("/prompt") == 2)
    studio.waits(job, 1)
    studio.clock.now += AGES
    state = studio.fails(job)
    assert state.code == "engine_silent"
    assert "reached 0 %" not in state.message
    assert len(studio.queue) == 1


def test_a_studio_that_ends_before_the_second_attempt_takes_the_first_one_back(start: Start) -> None:
    studio = start("hang", "go", ours=True)
    job = studio.submit(34)
    studio.samples(job, "go")

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
    studio.hangs(job, "go")
    assert eventually(lambda: any("/cancel" in line for line in studio.gate.seen))
    studio.restart((studio.base / "release").touch)
    studio.comes_to(job, Succeeded)
    assert studio.posts("/prompt") <= 2


def test_a_job_that_waits_for_longer_than_it_may_is_taken_back_and_frees_nothing(start: Start) -> None:
    studio = start("deaf", ours=True, queue=20)
    first = studio.submit(36)
    studio.samples(first)
    second = studio.submit(37, "somebody else")
    studio.waits(second, 1)
    studio.clock.now += 21
    assert studio.fails(second).code == "queue_timeout"
    assert len(studio.queue) == 1
    assert studio.posts("/free") == 0


def test_a_job_may_wait_as_long_as_it_takes(start: Start) -> None:
    studio = start("step 20")
    first = studio.submit(38)
    studio.samples(first)
    second = studio.submit(39, "somebody else")
    studio.waits(second, 1)
    for step in range(1, 11):
        studio.reaches(first, step)
        studio.clock.now += QUIET
    studio.waits(second, 1)
    (studio.base / "reached").write_text("20")
    studio.comes_to(second, Succeeded)
    assert studio.posts("/prompt") == 2


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


def test_a_silent_job_is_sent_once_more_on_a_strangers_engine_whose_models_stay(start: Start) -> None:
    studio = start("hang", "go")
    job = studio.submit(40)
    studio.samples(job, "go")
    assert eventually(lambda: getattr(studio.state(job), "step", 0) == 1), studio.state(job)
    studio.clock.now += 40
    studio.says(job, "No progress for 40 s")
    studio.clock.now += AGES
    studio.comes_to(job, Succeeded)
    assert studio.posts("/prompt") == 2
    assert studio.posts("/free") == 0


def test_a_job_that_falls_silent_twice_fails_and_says_what_it_had_reached(start: Start) -> None:
    studio = start("hang", "hang", "go", ours=True)
    job = studio.submit(41)
    studio.hangs(job, "hang", "go")
    studio.comes_to(job, Running, RETRYING)
    studio.hangs(job, "go")
    state = studio.fails(job)
    assert (state.code, state.retryable) == ("engine_silent", True)
    assert "First pass" in state.message
    assert studio.posts("/prompt") == 2
    assert studio.posts("/free") == 2


def test_a_retry_that_can_not_be_written_down_is_none(start: Start) -> None:
    studio = start("hang", "go")
    with closing(sqlite3.connect(studio.data / "studio.db")) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE UPDATE OF attempt ON jobs BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    job = studio.submit(48)
    studio.hangs(job, "go")
    assert studio.fails(job).code == "engine_silent"
    assert studio.posts("/prompt") == 1
    assert studio.queue == []


def test_a_restart_of_the_studio_gives_no_third_attempt(start: Start) -> None:
    studio = start("hang", "hang", "go")
    job = studio.submit(42)
    studio.hangs(job, "hang", "go")
    studio.samples(job, "go")
    studio.restart()
    # What runs is all that an engine says of itself to somebody who connects anew.
    assert eventually(lambda: getattr(studio.state(job), "stage", "") == "First pass"), studio.state(job)
    studio.clock.now += AGES
    assert studio.fails(job).code == "engine_silent"
    assert studio.posts("/prompt") == 2


def test_a_job_that_goes_on_is_given_more_time(start: Start) -> None:
    studio = start("step 10")
    job = studio.submit(43)
    studio.samples(job)
    for step in (1, 2, 3):
        studio.reaches(job, step)
        studio.clock.now += QUIET
    studio.says(job, "It takes longer than expected")
    (studio.base / "reached").write_text("10")
    studio.comes_to(job, Succeeded)
    assert studio.posts("/prompt") == 1


def test_a_job_that_goes_on_is_ended_at_the_cap(start: Start) -> None:
    studio = start("step 10", cap=70)
    job = studio.submit(44)
    studio.samples(job)
    for step in (1, 2, 3):
        studio.reaches(job, step)
        studio.clock.now += QUIET
    assert studio.fails(job).code == "budget_spent"
    assert studio.posts("/prompt") == 1
    assert studio.queue == []


def test_a_cancel_is_obeyed_while_a_job_hangs(start: Start) -> None:
    studio = start("hang")
    job = studio.submit(45)
    studio.samples(job)
    studio.manager.cancel(job.id)
    studio.comes_to(job, Cancelled)
    assert studio.posts("/prompt") == 1


@pytest.mark.parametrize("ours", [True, False])
def test_memory_that_ran_out_is_freed_on_our_own_engine_only(start: Start, ours: bool) -> None:
    studio = start("oom", ours=ours)
    job = studio.submit(46)
    assert studio.fails(job).code == "out_of_memory"
    assert studio.posts("/free") == (1 if ours else 0)


def test_one_call_makes_a_smaller_video_where_memory_ran_out(start: Start) -> None:
    studio = start("oom", "go")
    job = studio.submit(47, width=512, height=512, seconds=2)
    studio.fails(job)
    failed = studio.manager.get(job.id)
    assert failed is not None
    changes = studio.manager.fitting(failed)
    assert changes
    smaller = studio.manager.retry_smaller(job.id)
    assert smaller.retry_of == job.id
    assert {name: smaller.values[name] for name in changes} == changes
    studio.comes_to(smaller, Succeeded)
    with pytest.raises(StudioError) as caught:
        studio.manager.retry_smaller(smaller.id)
    assert caught.value.code == "nothing_smaller"
