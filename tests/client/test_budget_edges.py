"""What a job's time does at its edges: an outage while it is taken back, other people's jobs and a retry."""

from __future__ import annotations

import socket

import pytest

from client.overseer import RETRYING
from client.states import Queued, Succeeded
from tests.client.test_attempts import QUIET, Start, paced, start
from tests.support.gate import Gate

__all__ = ["paced", "start"]


class Faulty(Gate):
    """Loses the next requests after the first one that asks for a cancel, as a proxy does that is restarted then."""

    LOST = 6
    lost = 0

    def _answer(self, client: socket.socket) -> None:
        if 0 < self.lost <= self.LOST:
            self.lost += 1
            return
        head = client.recv(65536, socket.MSG_PEEK).partition(b"\r\n")[0]
        if head.startswith(b"POST ") and b"/cancel " in head and not self.lost:
            self.lost = 1
        super()._answer(client)


@pytest.fixture
def _faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.client.test_attempts.Gate", Faulty)


@pytest.mark.usefixtures("_faulty")
def test_an_outage_while_a_silent_job_is_taken_back_takes_no_attempt_from_it(start: Start) -> None:
    studio = start("hang", "go")
    job = studio.submit(61)
    studio.hangs(job, "go")
    studio.comes_to(job, Succeeded)
    assert studio.gate.lost > Faulty.LOST  # type: ignore[attr-defined]
    assert studio.posts("/prompt") == 2


@pytest.mark.usefixtures("_faulty")
def test_an_outage_while_a_job_is_ended_at_the_cap_makes_it_none_that_was_cancelled(start: Start) -> None:
    studio = start("step 1000", cap=70)
    job = studio.submit(62)
    studio.samples(job)
    for step in (1, 2, 3):
        studio.reaches(job, step)
        studio.clock.now += QUIET
    assert studio.fails(job).code == "budget_spent"
    assert studio.gate.lost > Faulty.LOST  # type: ignore[attr-defined]
    assert studio.queue == []


@pytest.mark.usefixtures("_faulty")
def test_an_outage_while_a_waiting_job_is_taken_back_makes_it_none_that_was_lost(start: Start) -> None:
    studio = start("deaf", queue=20)
    first = studio.submit(63)
    studio.samples(first)
    second = studio.submit(64, "somebody else")
    studio.waits(second, 1)
    studio.clock.now += 21
    assert studio.fails(second).code == "queue_timeout"
    assert studio.gate.lost > Faulty.LOST  # type: ignore[attr-defined]


class NoSockets(Gate):
    """Lets no websocket through, as many a proxy doesn't."""

    def _answer(self, client: socket.socket) -> None:
        if not client.recv(65536, socket.MSG_PEEK).startswith(b"GET /ws"):
            super()._answer(client)


@pytest.fixture
def _without_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.client.test_attempts.Gate", NoSockets)


@pytest.mark.usefixtures("_without_sockets")
def test_a_hang_is_noticed_where_no_websocket_gets_through_and_there_is_no_cap(start: Start) -> None:
    studio = start("hang", "go")
    job = studio.submit(67)
    studio.samples(job, "go")
    studio.clock.now += 65
    studio.says(job, "It takes longer than expected")
    studio.clock.now += 30
    studio.comes_to(job, Succeeded)
    assert studio.posts("/prompt") == 2


def test_a_second_attempt_waits_for_another_persons_job_as_long_as_it_takes(start: Start) -> None:
    studio = start("hang", "step 20", "go")
    job = studio.submit(65)
    studio.samples(job, "step 20", "go")
    other = studio.submit(66, "somebody else")
    studio.waits(other, 1)
    studio.hangs(job, "step 20", "go")
    studio.samples(other, "go")
    studio.comes_to(job, Queued, RETRYING)
    studio.waits(job, 1)
    for step in range(1, 11):
        studio.reaches(other, step)
        studio.clock.now += QUIET
    studio.waits(job, 1)
    (studio.base / "reached").write_text("20")
    studio.comes_to(other, Succeeded)
    studio.comes_to(job, Succeeded)
    assert studio.posts("/prompt") == 3
