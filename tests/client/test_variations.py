"""Variations of one request: written together, sent in order, kept together."""

import json
import sqlite3

import pytest

from client.jobs import JobManager
from client.states import Failed, Succeeded
from client.store import NewJob, Store
from tests.client.test_watching import QUICK, engine, manager, request, success
from workflows.errors import StudioError
from workflows.request import MAX_VARIATIONS, variations
from workflows.values import MAX_SEED

__all__ = ["engine", "manager"]


def all_succeed(engine):
    engine.routes["GET /history/"] = lambda _: (
        200,
        {body["prompt_id"]: success(body["prompt_id"])[1][body["prompt_id"]] for body in engine.posted("/prompt")},
    )


def seeds(jobs):
    return [job.values["seed"] for job in jobs]


def test_variations_are_one_group_sent_in_the_order_of_their_seeds(engine, manager):
    all_succeed(engine)
    jobs = manager.submit_all(variations(request(seed=7), 4), "me")
    for job in jobs:
        manager.wait(job.id, 20)
    assert [body["prompt_id"] for body in engine.posted("/prompt")] == [job.id for job in jobs]
    (group,) = {job.group for job in jobs}
    assert seeds(manager.group(group)) == [7, 8, 9, 10]
    assert [job.id for job in manager.group(group)] == [job.id for job in jobs]
    assert all(isinstance(job.state, Succeeded) for job in manager.group(group))
    assert manager.group("another") == []


def test_all_rows_are_there_before_anything_is_sent(engine, manager):
    found = []
    accept = engine.routes["POST /prompt"]

    def look(body):
        store = Store(manager.folder.parent / "studio.db")
        found.append(len(store.open_jobs()))
        store.close()
        return accept(body)

    engine.routes["POST /prompt"] = look
    for job in manager.submit_all(variations(request(), 3), "me"):
        manager.wait(job.id, 20)
    assert found[0] == 3


def test_seeds_that_run_over_the_highest_stay_in_order(engine, manager):
    jobs = manager.submit_all(variations(request(seed=MAX_SEED - 1), 4), "me")
    assert seeds(manager.group(jobs[0].group)) == [MAX_SEED - 1, MAX_SEED, 0, 1]


def test_a_retry_stays_in_its_group_behind_what_it_repeats(engine, manager):
    jobs = manager.submit_all(variations(request(seed=1), 3), "me")
    for job in jobs:
        manager.wait(job.id, 20)
    assert isinstance(manager.get(jobs[1].id).state, Failed)
    again = manager.retry(jobs[1].id)
    assert (again.group, again.retry_of) == (jobs[1].group, jobs[1].id)
    assert [job.id for job in manager.group(again.group)] == [jobs[0].id, jobs[1].id, again.id, jobs[2].id]


def test_single_jobs_have_no_group(engine, manager):
    (alone,) = manager.submit_all([request()], "me")
    assert (manager.submit(request(), "me").group, alone.group, manager.retry(alone.id).group) == (None, None, None)


@pytest.mark.parametrize("count", [0, MAX_VARIATIONS + 1])
def test_a_bad_count_writes_nothing(engine, manager, count):
    with pytest.raises(StudioError) as caught:
        manager.submit_all([request()] * count, "me")
    assert caught.value.code == "value_out_of_range"
    with pytest.raises(StudioError):
        variations(request(), count)
    assert manager.jobs("me") == []


def test_rows_are_written_together_or_not_at_all(tmp_path):
    store = Store(tmp_path / "studio.db")
    twice = [NewJob(job_id, "me", request(), "client", group_id="g") for job_id in ("a", "b", "a")]
    with pytest.raises(StudioError) as caught:
        store.add_all(twice, 1.0)
    assert caught.value.code == "database_failed"
    assert store.group("g") == []
    store.add_all(twice[:2], 1.0)
    assert [row.id for row in store.group("g")] == ["a", "b"]
    store.close()


def test_a_group_outlives_the_studio(engine, tmp_path):
    first = JobManager(tmp_path, engine.url, QUICK)
    jobs = first.submit_all(variations(request(seed=3), 2), "me")
    first.close()
    second = JobManager(tmp_path, engine.url, QUICK)
    assert seeds(second.group(jobs[0].group)) == [3, 4]
    second.close()
    with sqlite3.connect(tmp_path / "studio.db") as connection:
        kept = [json.loads(values)["seed"] for (values,) in connection.execute("SELECT request FROM jobs")]
    connection.close()
    assert kept == [3, 4]
