"""The jobs on disk."""

import sqlite3
import threading

import pytest

from client.states import Cancelled, Failed, Output, Queued, Running, Succeeded
from client.store import Store
from workflows.request import parse
from workflows.values import Media


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "studio.db")
    yield opened
    opened.close()


def add(store, job_id="a", owner="me", mode="t2v", now=1.0):
    values = {"prompt": "x", "seed": 2**64 - 1}
    if mode == "i2v":
        values["image"] = Media("ltx-studio/a.png", "mine.png", "/tmp/a.png", 5, 6, 7)
    request = parse(mode, values)
    store.add(job_id, owner, request, "client", now)
    return request


def test_a_row_keeps_the_whole_request(store):
    request = add(store, mode="i2v")
    row = store.get("a")
    assert row.request == dict(request.values)
    assert (row.width, row.height, row.frames, row.fps) == (1280, 704, 121, 24.0)
    assert row.state == Queued()


def test_it_survives_the_process(tmp_path):
    first = Store(tmp_path / "studio.db")
    add(first)
    first.set_graph("a", {"1": {"class_type": "X", "inputs": {}}})
    first.set_posted("a", 2.0)
    first.set_started("a", 3.0)
    # Not closed: as after a kill.
    second = Store(tmp_path / "studio.db")
    (row,) = second.open_jobs()
    assert (row.posted_at, row.started_at, row.state) == (2.0, 3.0, Running())
    assert second.graph("a") == {"1": {"class_type": "X", "inputs": {}}}
    first.close()
    second.close()


def test_wal_mode(tmp_path, store):
    with sqlite3.connect(tmp_path / "studio.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


@pytest.mark.parametrize(
    "state",
    [Succeeded((Output("a.mp4", 3), Output("b.mp4", 4))), Failed("engine_lost", "m", "h", True, "d"), Cancelled()],
)
def test_every_end_comes_back_as_it_was(store, state):
    add(store)
    assert store.close_job("a", state, 9.0, "a.jpg")
    row = store.get("a")
    assert (row.state, row.finished_at, row.poster) == (state, 9.0, "a.jpg")


def test_a_job_is_closed_by_exactly_one_of_many(store):
    add(store)
    barrier = threading.Barrier(8)
    wins = []

    def close(number):
        barrier.wait()
        wins.append(store.close_job("a", Succeeded((Output(f"{number}.mp4", 1),)), float(number)))

    threads = [threading.Thread(target=close, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins) == [False] * 7 + [True]


def test_an_ended_job_can_not_be_started_cancelled_or_reopened(store):
    add(store)
    store.close_job("a", Cancelled(), 1.0)
    store.set_started("a", 2.0)
    assert not store.ask_cancel("a")
    assert store.get("a").state == Cancelled()
    assert store.open_jobs() == []


def test_only_ended_jobs_can_be_deleted(store):
    add(store)
    assert not store.delete("a")
    store.close_job("a", Cancelled(), 1.0)
    assert store.delete("a")
    assert store.get("a") is None


def test_pages_are_newest_first_and_by_owner_and_mode(store):
    for number in range(5):
        add(store, f"job{number}", now=float(number), mode="i2v" if number == 2 else "t2v")
    add(store, "other", owner="somebody else", now=9.0)
    assert [row.id for row in store.page("me", 3)] == ["job4", "job3", "job2"]
    assert [row.id for row in store.page("me", 3, 3)] == ["job1", "job0"]
    assert [row.id for row in store.page("me", 9, mode="i2v")] == ["job2"]
    assert store.page("nobody", 9) == []
