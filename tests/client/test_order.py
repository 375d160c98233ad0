"""Several jobs of one person: one at a time on the engine, in an order that can be changed and is kept."""

import json

import pytest

from client.jobs import JobManager
from client.order import Traffic
from client.states import Cancelled, Queued, Succeeded
from tests.client.test_watching import QUICK, engine, manager, request, success
from tests.support.commands import eventually

__all__ = ["engine", "manager"]


class Worker:
    """The engine's other side: what was posted stays pending until a test ends it."""

    def __init__(self, engine):
        self.engine = engine
        self.ended = []
        engine.routes["GET /api/jobs"] = lambda _: (200, {"jobs": self.rows(), "pagination": {}})
        engine.routes["GET /prompt"] = lambda _: (200, {"exec_info": {"queue_remaining": len(self.rows())}})
        engine.routes["GET /history/"] = lambda _: (200, self.history())
        engine.routes["POST /api/jobs/"] = lambda _: (200, {"cancelled": True})

    @property
    def posted(self):
        return [body["prompt_id"] for body in self.engine.posted("/prompt")]

    def rows(self):
        waiting = [one for one in self.posted if one not in self.ended]
        return [
            {"id": one, "status": "in_progress" if place == 0 else "pending", "priority": place}
            for place, one in enumerate(waiting)
        ]

    def history(self):
        return {one: success(one)[1][one] for one in self.ended}

    def finish(self, job):
        assert eventually(lambda: job.id in self.posted)
        self.ended.append(job.id)


@pytest.fixture
def worker(engine):
    return Worker(engine)


def submit(manager, owner, *prompts):
    return [manager.submit(request(prompt=prompt), owner) for prompt in prompts]


def waiting(manager, owner="me"):
    return [job.values["prompt"] for job in manager.active(owner) if job.held]


def test_one_at_a_time_is_sent_and_the_next_when_it_has_ended(manager, worker):
    first, second, third = submit(manager, "me", "a", "b", "c")
    assert eventually(lambda: worker.posted == [first.id])
    assert eventually(lambda: manager.get(first.id).state != Queued())
    assert waiting(manager) == ["b", "c"]
    worker.finish(first)
    worker.finish(second)
    assert eventually(lambda: worker.posted == [first.id, second.id, third.id])
    assert eventually(lambda: waiting(manager) == [])


def test_the_order_can_be_changed_until_a_job_is_sent(manager, worker):
    jobs = submit(manager, "me", "a", "b", "c", "d")
    first, second, third, fourth = jobs
    assert eventually(lambda: worker.posted == [first.id])
    assert manager.move(fourth.id, "first")
    assert waiting(manager) == ["d", "b", "c"]
    assert manager.move(third.id, "up")
    assert waiting(manager) == ["d", "c", "b"]
    assert manager.move(fourth.id, "down")
    assert waiting(manager) == ["c", "d", "b"]
    for impossible in ((third.id, "first"), (third.id, "up"), (second.id, "down"), (first.id, "down"), ("x", "up")):
        assert not manager.move(*impossible)
    for job in (first, third, fourth, second):
        worker.finish(job)
    for job in jobs:
        manager.wait(job.id, 20)
    assert worker.posted == [first.id, third.id, fourth.id, second.id]
    assert all(isinstance(manager.get(job.id).state, Succeeded) for job in jobs)


def test_a_job_that_is_held_back_says_how_many_are_ahead(manager, worker):
    first, second, third = submit(manager, "me", "a", "b", "c")
    assert eventually(lambda: worker.posted == [first.id])
    assert [manager.get(job.id).state for job in (second, third)] == [Queued(1), Queued(2)]
    manager.move(third.id, "up")
    assert [manager.get(job.id).state for job in (second, third)] == [Queued(2), Queued(1)]


def test_a_job_that_is_held_back_is_cancelled_without_the_engine_hearing_of_it(manager, worker):
    first, second, third = submit(manager, "me", "a", "b", "c")
    assert eventually(lambda: worker.posted == [first.id])
    manager.cancel(second.id)
    manager.wait(second.id, 20)
    assert manager.get(second.id).state == Cancelled()
    worker.finish(first)
    assert eventually(lambda: worker.posted == [first.id, third.id])


def test_one_person_does_not_hold_back_another(manager, worker):
    mine = submit(manager, "me", "a", "b")
    (theirs,) = submit(manager, "you", "c")
    assert eventually(lambda: {*worker.posted} == {mine[0].id, theirs.id})


def test_the_order_survives_the_studio(engine, worker, tmp_path):
    before = JobManager(tmp_path, engine.url, QUICK)
    first, second, third = submit(before, "me", "a", "b", "c")
    assert eventually(lambda: worker.posted == [first.id])
    before.move(third.id, "first")
    (fourth,) = submit(before, "me", "d")
    before.close()
    assert worker.posted == [first.id]

    after = JobManager(tmp_path, engine.url, QUICK)
    try:
        assert waiting(after) == ["c", "b", "d"]
        for job in (first, third, second, fourth):
            worker.finish(job)
        assert eventually(lambda: waiting(after) == [] and after.active("me") == [])
    finally:
        after.close()
    assert worker.posted == [first.id, third.id, second.id, fourth.id]


def test_others_are_counted_and_no_more(manager, worker, engine):
    stranger = {"prompt_id": "stranger"}
    engine.seen.append(("POST", "/prompt", json.dumps(stranger).encode()))
    first, _ = submit(manager, "me", "a", "b")
    submit(manager, "you", "c")
    assert eventually(lambda: len(worker.posted) == 3)
    assert eventually(lambda: manager.engine().queue == 3)
    assert manager.traffic("me") == Traffic(running=0, waiting=2, others_running=1, others_waiting=1)
    worker.ended.append("stranger")
    ours = worker.posted[1]
    running = Traffic(1, 1, 0, 1) if ours == first.id else Traffic(0, 2, 1, 0)
    assert eventually(lambda: manager.traffic("me") == running)
    assert manager.traffic("nobody").all_waiting == 2
