"""Databases that earlier versions of the studio have written, opened by this one."""

import shutil
import sqlite3
import threading

import pytest

from client.jobs import JobManager
from client.media import admit
from client.shelf import Shelf, Wanted
from client.states import Failed, Output, Queued, Succeeded
from client.store import VERSION, Store
from tests.client.test_watching import QUICK, after_post, engine, success
from tests.support import clips
from tests.support.captures import FOLDER

__all__ = ["engine"]
DONE, OPEN, LOST = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))


def recorded(tmp_path, number):
    path = tmp_path / "studio.db"
    shutil.copyfile(FOLDER / f"studio_v{number}.db", path)
    assert version(path) == number
    return path


@pytest.fixture
def old(tmp_path):
    return recorded(tmp_path, 1)


def version(path):
    with sqlite3.connect(path) as connection:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


def indexes(path):
    with sqlite3.connect(path) as connection:
        found = set(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"))
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
    assert version(old) == VERSION


def test_the_second_version_keeps_groups_files_and_what_it_was_made_from(tmp_path):
    path = recorded(tmp_path, 2)
    store = Store(path)
    first, second, picture, lost, other, waiting = (
        store.get(f"00000000-0000-4000-8000-00000000000{n}") for n in range(1, 7)
    )
    assert (first.group_id, second.group_id, second.enhanced) == ("group", "group", "A tall lighthouse, enhanced.")
    assert [first.state.outputs[0].name, first.poster] == [f"{first.id}.mp4", f"{first.id}.jpg"]
    assert picture.request["image"].source == "mein Porträt.png"
    assert [lora.name for lora in picture.request["loras"]] == ["styles/film grain.safetensors"]
    assert (type(lost.state), type(waiting.state), waiting.retry_of) == (Failed, Queued, picture.id)
    assert [row.favourite or row.deleted_at for row in (first, second, picture, lost, other, waiting)] == [None] * 6
    assert store.graph(other.id) == {"1": {"class_type": "X", "inputs": {"n": 4}}}
    store.close()


@pytest.mark.parametrize(
    ("text", "found"),
    [("lighthouse ÜBER", [2, 1]), ("porträt", [3]), ("FILM grain", [3]), ("8", [2]), ("somebody", []), ("lost", [])],
)
def test_what_was_made_before_is_found_by_its_words(tmp_path, text, found):
    store = Store(recorded(tmp_path, 2))
    shelf = Shelf(store, tmp_path, tmp_path)
    assert [int(job_id[-1]) for job_id in shelf.ids("me", Wanted(text=text))] == found
    store.close()


@pytest.mark.parametrize("number", [1, 2])
def test_it_is_then_as_one_that_is_new(tmp_path, number):
    path = recorded(tmp_path, number)
    Store(path).close()
    Store(tmp_path / "new.db").close()
    assert columns(path) == columns(tmp_path / "new.db") >= {"group_id", "enhanced", "favourite", "deleted_at"}
    assert indexes(path) == indexes(tmp_path / "new.db")
    Store(path).close()


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
    assert version(old) == VERSION


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
