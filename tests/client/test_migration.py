"""A database that version 1 of the studio has written, opened by this one."""

import shutil
import sqlite3
import threading

import pytest

from client.jobs import JobManager
from client.media import admit
from client.states import Failed, Output, Queued, Succeeded
from client.store import Store
from tests.client.test_watching import QUICK, after_post, engine, success
from tests.support import clips
from tests.support.captures import FOLDER

__all__ = ["engine"]
DONE, OPEN, LOST = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "studio.db"
    shutil.copyfile(FOLDER / "studio_v1.db", path)
    assert version(path) == 1
    return path


def version(path):
    with sqlite3.connect(path) as connection:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


def columns(path):
    with sqlite3.connect(path) as connection:
        found = {row[1] for row in connection.execute("PRAGMA table_info(jobs)")}
    connection.close()
    return found


def test_every_job_is_still_there(old):
    store = Store(old)
    done, waiting, lost = (store.get(job_id) for job_id in (DONE, OPEN, LOST))
    assert (done.state, done.poster) == (Succeeded((Output("a.mp4", 5),)), "a.jpg")
    assert (done.request["prompt"], done.request["seed"], done.preset) == ("a lighthouse", 7, "fast")
    assert (waiting.state, waiting.request["image"].source) == (Queued(), "mine.png")
    assert (lost.state, lost.retry_of) == (Failed("engine_lost", "m", "h", True, "d"), OPEN)
    assert {(row.group_id, row.enhanced) for row in (done, waiting, lost)} == {(None, None)}
    assert store.graph(DONE) == {"1": {"class_type": "X", "inputs": {}}}
    store.close()
    assert version(old) == 3


def test_it_is_then_as_one_that_is_new(old, tmp_path):
    Store(old).close()
    Store(tmp_path / "new.db").close()
    assert columns(old) == columns(tmp_path / "new.db") >= {"group_id", "enhanced"}
    Store(old).close()


def test_two_studios_that_start_at_once_change_it_once(old):
    barrier, failures = threading.Barrier(4), []

    def start():
        barrier.wait()
        try:
            Store(old).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert version(old) == 3


def test_an_open_job_goes_on_and_an_old_one_can_be_retried(old, engine, tmp_path):
    image = admit("image", clips.picture(), "mine.png", tmp_path / "uploads", "Image", 1)
    with sqlite3.connect(old) as connection:
        connection.execute("UPDATE jobs SET request = replace(request, '/tmp/a.png', ?)", (image.path,))
    connection.close()
    engine.routes["POST /upload/image"] = lambda _: (200, {"name": "a.png", "subfolder": "ltx-studio"})
    after_post(engine, success)
    manager = JobManager(tmp_path, engine.url, QUICK)
    manager.wait(OPEN, 20)
    assert isinstance(manager.get(OPEN).state, Succeeded)
    again = manager.retry(DONE)
    assert (again.values["prompt"], again.values["seed"], again.shape) == ("a lighthouse", 7, manager.get(DONE).shape)
    manager.close()
