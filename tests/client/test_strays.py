"""What does not fit together: files without a job, jobs without their file, uploads that none uses."""

import json
import os
import uuid
from pathlib import Path

import pytest

from client import strays
from client.housekeeping import Keep, tidy
from client.media import admit
from client.shelf import GRACE_SECONDS
from client.states import Output, Succeeded
from tests.support import clips, shelves
from tests.support.videos import mp4
from workflows.errors import StudioError
from workflows.request import parse

NOW = 1_000 * 24 * 3600.0
OLD = NOW - 2 * GRACE_SECONDS


@pytest.fixture
def shelf(tmp_path):
    made = shelves.empty(tmp_path)
    yield made
    made.store.close()


def age(folder, then=OLD):
    for path in folder.iterdir():
        os.utime(path, (then, then))


def made_here(shelf, tmp_path, name, **values):
    """A video of ours, without a job."""
    settings = {"mode": "t2v", "preset": "fast", "values": {"prompt": "a boat", "seed": 7, **values}}
    graph = {"1": {"class_type": "X", "inputs": {}}}
    tags = {"prompt": json.dumps(graph), "ltx_studio": json.dumps(settings)}
    path = shelf.folder / name
    path.write_bytes(shelves.tagged(tmp_path / "made", tags, mp4()).read_bytes())
    os.utime(path, (OLD, OLD))
    return path


def test_a_library_in_order_has_none(shelf):
    media = admit("image", clips.picture(), "a.png", shelf.uploads, "Image", 5)
    shelves.add(shelf, mode="i2v", image=media)
    shelf.discard("me", [shelves.add(shelf), shelves.add(shelf, owner="you")], NOW)
    age(shelf.folder)
    age(shelf.uploads)
    assert strays.find(shelf, "me", NOW) == strays.Strays({}, {}, ())


def test_files_uploads_and_entries_are_found_and_removed_and_nothing_else(shelf):
    used = admit("image", clips.picture(), "a.png", shelf.uploads, "Image", 5)
    unused = admit("image", clips.picture("JPEG"), "b.png", shelf.uploads, "Image", 5)
    kept = shelves.add(shelf, mode="i2v", image=used)
    gone, theirs = shelves.add(shelf), shelves.add(shelf, owner="you")
    for job_id in (gone, theirs):
        (shelf.folder / f"{job_id}.mp4").unlink()
    (shelf.folder / "stray.mp4").write_bytes(b"12345")
    (shelf.folder / "notes.txt").write_bytes(b"12")
    (shelf.folder / "folder").mkdir()
    age(shelf.folder)
    age(shelf.uploads)
    (shelf.folder / "young.mp4").write_bytes(b"1")
    os.utime(shelf.folder / "young.mp4", (NOW - 60, NOW - 60))
    found = strays.find(shelf, "me", NOW)
    assert found.files == {"stray.mp4": 5, "notes.txt": 2}
    assert found.videos == ("stray.mp4",)
    assert list(found.uploads) == [Path(unused.path).name]
    assert [row.id for row in found.rows] == [gone]

    assert strays.remove(shelf, "me", NOW) == 3
    assert strays.forget(shelf, "me", NOW) == 1
    assert shelves.names(shelf.folder) == {*shelves.files(kept), f"{theirs}.jpg", "folder", "young.mp4"}
    assert shelves.names(shelf.uploads) == {Path(used.path).name}
    assert shelf.store.get(gone) is None
    assert shelf.store.get(theirs) is not None


def test_what_an_open_job_is_fetching_is_no_stray(shelf):
    job_id = str(uuid.uuid4())
    shelf.store.add(job_id, "me", parse("t2v", {"prompt": "x"}), "client", 1.0)
    (shelf.folder / f"{job_id}-2.mp4").write_bytes(b"1")
    age(shelf.folder)
    assert strays.find(shelf, "me", NOW).files == {}


def test_a_video_without_a_job_is_taken_in_by_what_is_inside_it(shelf, tmp_path):
    job_id = str(uuid.uuid4())
    path = made_here(shelf, tmp_path, f"{job_id}.mp4", seconds=2.0)
    strays.take_in(shelf, "me", path.name, 5)
    row = shelf.store.get(job_id)
    assert (row.owner, row.mode, row.preset, row.finished_at) == ("me", "t2v", "fast", OLD)
    assert (row.request["prompt"], row.request["seed"], row.frames) == ("a boat", 7, 49)
    assert row.state == Succeeded((Output(path.name, path.stat().st_size),))
    assert row.poster == f"{job_id}.jpg"
    assert (shelf.folder / row.poster).is_file()
    assert shelf.store.graph(job_id) == {"1": {"class_type": "X", "inputs": {}}}
    assert shelf.ids("me") == [job_id]
    assert strays.find(shelf, "me", NOW).files == {}


def test_taken_in_a_second_file_of_a_job_and_a_copy_get_an_id_of_their_own(shelf, tmp_path):
    other = shelves.add(shelf)
    for name in (f"{other}-2.mp4", "holiday.mp4"):
        strays.take_in(shelf, "me", made_here(shelf, tmp_path, name).name, 5)
    assert len(shelf.ids("me")) == 3
    assert strays.find(shelf, "me", NOW).files == {}


def test_taken_in_without_the_file_it_was_made_from_it_keeps_all_else(shelf, tmp_path):
    settings = {"mode": "i2v", "preset": "fast", "values": {"prompt": "x", "seed": 3, "image": "ltx-studio/gone.png"}}
    path = shelf.folder / "clip.mp4"
    path.write_bytes(shelves.tagged(tmp_path / "made", {"ltx_studio": json.dumps(settings)}, mp4()).read_bytes())
    strays.take_in(shelf, "me", path.name, 5)
    (row,) = shelf.store.rows("")
    assert (row.request["seed"], row.request["image"].name, row.request["image"].path) == (3, "ltx-studio/gone.png", "")
    assert shelf.store.graph(row.id) is None


@pytest.mark.parametrize(
    ("content", "code"), [(None, "video_gone"), (mp4(), "not_our_video"), (b"text", "not_our_video")], ids=str
)
def test_what_can_not_be_taken_in_is_left_as_it_is(shelf, content, code):
    if content is not None:
        (shelf.folder / "clip.mp4").write_bytes(content)
    with pytest.raises(StudioError) as caught:
        strays.take_in(shelf, "me", "clip.mp4", 5)
    assert caught.value.code == code
    assert shelf.store.rows("") == []
    assert shelves.names(shelf.folder) == (set() if content is None else {"clip.mp4"})


def test_a_library_is_shared_as_soon_as_somebody_else_makes_a_video(shelf):
    shelves.add(shelf)
    assert not strays.is_shared(shelf, "me")
    shelves.add(shelf, owner="you")
    assert strays.is_shared(shelf, "me")


def test_retention_leaves_strays_to_people(shelf):
    (shelf.folder / "stray.mp4").write_bytes(b"1" * 1000)
    age(shelf.folder)
    kept = shelves.add(shelf, finished_at=NOW - 60)
    tidy(shelf, Keep(days=1, gigabytes=900 / 1e9), NOW)
    assert shelf.ids("me") == [kept]
    assert (shelf.folder / "stray.mp4").is_file()
