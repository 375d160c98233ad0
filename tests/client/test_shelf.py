"""What is kept in the library, what is found there, and how long it stays."""

import os
import sqlite3
import time
import uuid
from pathlib import Path

import pytest

from client import housekeeping
from client.housekeeping import Keep, tidy
from client.jobs import JobManager
from client.media import admit
from client.shelf import GRACE_SECONDS, Wanted
from client.states import Failed, Succeeded
from tests.support import clips, shelves
from tests.support.commands import eventually
from workflows.request import parse

DAY = 24 * 3600.0
NOW = 1_000 * DAY


@pytest.fixture
def shelf(tmp_path):
    made = shelves.empty(tmp_path)
    yield made
    made.store.close()


def upload(shelf, content=None, age=2 * DAY):
    media = admit("image", content or clips.picture(), "me at the sea.png", shelf.uploads, "Image", 5)
    os.utime(media.path, (NOW - age, NOW - age))
    return media


@pytest.fixture
def five(shelf):
    """Ids by name: five videos of one person, the newest last, and one of another."""
    made = {
        "boat": shelves.add(shelf, finished_at=1.0, prompt="A Boat at sea", seed=41),
        "seat": shelves.add(shelf, finished_at=2.0, prompt="an empty seat", seed=42),
        "beach": shelves.add(shelf, finished_at=3.0, mode="i2v", prompt="strand", image=upload(shelf), seed=43),
        "lora": shelves.add(shelf, finished_at=4.0, prompt="x", loras="styles/Ink.safetensors:0.5", seed=44),
        "strasse": shelves.add(shelf, finished_at=5.0, prompt="STRASSE im Regen, 100 %", seed=45),
    }
    shelves.add(shelf, owner="you", finished_at=6.0, prompt="a boat at sea")
    shelf.set_favourite("me", [made["seat"], made["lora"]], True)
    return made


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), ["strasse", "lora", "beach", "seat", "boat"]),
        (Wanted(mode="i2v"), ["beach"]),
        (Wanted(text="sea"), ["beach", "seat", "boat"]),
        (Wanted(text="SEA boat"), ["boat"]),
        (Wanted(text="straße"), ["strasse"]),
        (Wanted(text="ink"), ["lora"]),
        (Wanted(text="43"), ["beach"]),
        (Wanted(text="100 %"), ["strasse"]),
        (Wanted(text="%"), ["strasse", "lora", "beach", "seat", "boat"]),
        (Wanted(text='boat" OR "x'), []),
        (Wanted(text="' OR 1=1 --"), []),
        (Wanted(text="boat* NEAR(sea)"), []),
        (Wanted(text="uber empt"), []),
        (Wanted(text="EMPTY sea"), ["seat"]),
        (Wanted(favourites=True), ["lora", "seat"]),
        (Wanted(favourites=True, text="seat"), ["seat"]),
        (Wanted(since=2.0, until=4.0), ["beach", "seat"]),
        (Wanted(mode="t2v", since=4.0), ["strasse", "lora"]),
    ],
    ids=str,
)
def test_a_library_is_searched(shelf, five, wanted, found):
    ids = [five[name] for name in found]
    assert [row.id for row in shelf.page("me", wanted, 10)] == shelf.ids("me", wanted) == ids
    assert shelf.count("me", wanted) == len(ids)
    assert [row.id for row in shelf.page("me", wanted, 2, 1)] == ids[1:3]


@pytest.mark.parametrize("text", ["", "boat sea"])
def test_an_index_alone_answers_what_is_counted_and_skipped(shelf, text):
    wanted = Wanted("t2v", text, True, 1.0, 2.0)
    asked = []
    shelf.store._connection.set_trace_callback(asked.append)
    shelf.count("me", wanted)
    shelf.page("me", wanted, 12, 900)
    shelf.store._connection.set_trace_callback(None)
    plans = [[row["detail"] for row in shelf.store.read(f"EXPLAIN QUERY PLAN {statement}")] for statement in asked]
    assert len(plans) == 2
    assert all(any("jobs USING COVERING INDEX library " in step for step in steps) for steps in plans), plans


@pytest.mark.parametrize(
    ("prompt", "text", "found"),
    [
        ("海辺の灯台", "灯台", True),
        ("海辺の灯台", "灯 海", True),
        ("海辺の灯台", "台灯", False),
        ("Überfahrt", "uber", True),
        ("light-house", "light-h", True),
        ("lighthouse", "house", False),
    ],
)
def test_words_are_found_in_every_script(shelf, prompt, text, found):
    shelves.add(shelf, prompt=prompt)
    assert shelf.count("me", Wanted(text=text)) == found


def test_words_are_still_found_after_the_file_was_vacuumed_or_written_to_by_hand(shelf, five, tmp_path):
    shelf.store.delete(five["boat"])
    path = tmp_path / "studio.db"
    shelf.store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("VACUUM")
        connection.execute("UPDATE jobs SET rowid = rowid + 100")
    connection.close()
    again = shelves.empty(tmp_path)
    assert again.ids("me", Wanted(text="sea")) == [five["beach"], five["seat"]]
    again.store.close()


def test_nobody_changes_what_is_anothers(shelf, five):
    theirs = shelf.ids("you")
    assert shelf.set_favourite("me", theirs, True) == shelf.discard("me", theirs, NOW) == 0
    assert shelf.ids("you") == theirs
    assert shelf.ids("you", Wanted(favourites=True)) == []


def test_a_deleted_video_is_shown_nowhere_and_can_be_had_back(shelf, five):
    gone = [five["boat"], five["lora"]]
    assert shelf.discard("me", gone, NOW) == 2
    assert set(shelf.ids("me")) == set(five.values()) - set(gone)
    assert not {row.id for row in shelf.store.page("me", 10)} & set(gone)
    assert {row.id for row in shelf.discarded("me")} == set(gone)
    tidy(shelf, Keep(), NOW + GRACE_SECONDS - 1)
    assert shelf.restore("me", gone) == 2
    assert shelf.ids("me", Wanted(favourites=True)) == [five["lora"], five["seat"]]
    assert shelves.files(*gone) <= shelves.names(shelf.folder)


def test_a_deleted_video_is_gone_with_its_files_after_a_day(shelf, five):
    shelf.discard("me", [five["boat"]], NOW)
    assert tidy(shelf, Keep(), NOW + GRACE_SECONDS + 1) == 1
    assert shelf.store.get(five["boat"]) is None
    assert shelf.restore("me", [five["boat"]]) == 0
    left = [job_id for name, job_id in five.items() if name != "boat"]
    assert shelves.names(shelf.folder) == shelves.files(*left, *shelf.ids("you"))


def test_an_upload_goes_with_the_last_job_that_was_made_from_it(shelf):
    media = upload(shelf)
    first, second = (shelves.add(shelf, mode="i2v", image=media, seed=seed) for seed in (1, 2))
    for job_id, left in ((first, {Path(media.path).name}), (second, set())):
        shelf.discard("me", [job_id], NOW)
        shelf.purge_discarded(NOW, "me")
        assert shelves.names(shelf.uploads) == left


def test_an_upload_that_a_form_may_hold_stays(shelf):
    media = upload(shelf, age=60.0)
    shelf.discard("me", [shelves.add(shelf, mode="i2v", image=media)], NOW)
    shelf.purge_discarded(NOW, "me")
    assert len(shelves.names(shelf.uploads)) == 1


def test_an_open_job_is_neither_deleted_nor_purged(shelf):
    job_id = str(uuid.uuid4())
    shelf.store.add(job_id, "me", parse("t2v", {"prompt": "x"}), "client", 1.0)
    assert shelf.discard("me", [job_id], 1.0) == 0
    tidy(shelf, Keep(days=1, gigabytes=0.1), NOW)
    assert shelf.purge([shelf.store.get(job_id)], NOW) == 0
    assert [row.id for row in shelf.store.open_jobs()] == [job_id]


def test_retention_is_off_unless_it_is_set(shelf, five):
    assert tidy(shelf, Keep(), NOW) == 0
    assert shelf.count("me") == 5


def test_retention_by_age_leaves_favourites_and_the_young(shelf):
    old, kept, young = (shelves.add(shelf, finished_at=NOW - days * DAY) for days in (8, 9, 6))
    failed = str(uuid.uuid4())
    shelf.store.add(failed, "me", parse("t2v", {"prompt": "x"}), "client", 1.0)
    shelf.store.close_job(failed, Failed("engine_lost", "m", "h", True), 2.0)
    shelf.set_favourite("me", [kept], True)
    assert tidy(shelf, Keep(days=7), NOW) == 1
    assert shelf.store.get(old) is None
    assert shelf.ids("me") == [young, kept]
    assert shelves.names(shelf.folder) == shelves.files(young, kept)
    assert shelf.store.get(failed) is not None


def test_retention_by_size_takes_the_oldest_until_the_rest_fits(shelf):
    content = b"x" * 1000
    ids = [shelves.add(shelf, owner=f"owner {n % 2}", finished_at=float(n), content=content) for n in range(6)]
    shelf.set_favourite("owner 0", [ids[0]], True)
    assert tidy(shelf, Keep(gigabytes=3500 / 1e9), NOW) == 3
    assert {*shelf.ids("owner 0"), *shelf.ids("owner 1")} == {ids[0], ids[4], ids[5]}
    assert shelf.size() == 3000
    assert tidy(shelf, Keep(gigabytes=500 / 1e9), NOW) == 2
    assert shelf.ids("owner 0") == [ids[0]]


def test_thousands_of_old_videos_go_in_pieces(shelf, monkeypatch):
    monkeypatch.setattr(housekeeping, "PIECE", 4)
    for number in range(11):
        shelves.add(shelf, finished_at=float(number))
    assert tidy(shelf, Keep(days=1), NOW) == 11
    assert shelves.names(shelf.folder) == set()


def test_a_studio_that_starts_purges_what_was_deleted_long_ago(tmp_path):
    shelf = shelves.empty(tmp_path)
    old, fresh = (shelves.add(shelf, finished_at=1.0) for _ in range(2))
    shelf.discard("me", [old], time.time() - GRACE_SECONDS - 60)
    shelf.discard("me", [fresh], time.time())
    shelf.store.close()
    manager = JobManager(tmp_path, "http://127.0.0.1:9", keep=Keep())
    assert eventually(lambda: manager.get(old) is None)
    assert [job.id for job in manager.deleted("me")] == [fresh]
    assert isinstance(manager.get(fresh).state, Succeeded)
    assert manager.library("me") == []
    manager.close()
