"""Videos packed into a ZIP file, with their settings and graphs."""

import json
import os
import shutil
import time
import zipfile
from collections import namedtuple

import pytest

from client import exporting
from client.exporting import Exporter
from client.media import admit
from tests.support import clips, shelves
from tests.support.commands import eventually


@pytest.fixture
def shelf(tmp_path):
    made = shelves.empty(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def exporter(shelf, tmp_path):
    made = Exporter(shelf, tmp_path / "exports")
    yield made
    made.close()


def named(row, extension):
    return f"{row.id}.{extension}"


def packed(exporter, ids, owner="me"):
    exporter.start(owner, ids, named)
    assert eventually(lambda: exporter.get(owner).ended)
    return exporter.get(owner)


def test_each_video_comes_with_settings_and_graph(shelf, exporter):
    image = admit("image", clips.picture(), "me.png", shelf.uploads, "Image", 5)
    plain = shelves.add(shelf, content=b"one video", prompt="ein Boot über dem Meer", seed=2**63)
    picture = shelves.add(shelf, mode="i2v", content=b"another video", image=image, loras="ink.safetensors:0.5")
    found = packed(exporter, [plain, picture])
    assert (found.done, found.of, found.lost, found.error) == (2, 2, 0, None)
    with zipfile.ZipFile(exporter.folder / found.name) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            f"{job_id}.{part}" for job_id in (plain, picture) for part in ("mp4", "settings.json", "graph.json")
        ]
        assert archive.read(f"{picture}.mp4") == b"another video"
        assert json.loads(archive.read(f"{plain}.graph.json")) == shelf.store.graph(plain)
        settings = [json.loads(archive.read(f"{job_id}.settings.json")) for job_id in (plain, picture)]
    assert (settings[0]["values"]["prompt"], settings[0]["values"]["seed"]) == ("ein Boot über dem Meer", 2**63)
    assert settings[1]["values"]["loras"] == [{"name": "ink.safetensors", "strength": 0.5}]
    assert (settings[1]["values"]["image"], settings[1]["files"]) == (image.name, {"image": "me.png"})
    assert str(shelf.uploads) not in json.dumps(settings)
    assert settings[1]["times"] == {"created_at": 980.0, "posted_at": 985.0, "started_at": 990.0, "finished_at": 1000.0}


def test_only_ones_own_videos_are_packed_and_those_without_a_file_are_counted(shelf, exporter):
    mine, gone, deleted = (shelves.add(shelf) for _ in range(3))
    theirs = shelves.add(shelf, owner="you")
    (shelf.folder / f"{gone}.mp4").unlink()
    shelf.discard("me", [deleted], 1.0)
    found = packed(exporter, [mine, gone, deleted, theirs, "nobody's"])
    assert (found.of, found.lost) == (5, 4)
    with zipfile.ZipFile(exporter.folder / found.name) as archive:
        assert {name.split(".")[0] for name in archive.namelist()} == {mine}


def test_where_nothing_is_left_to_pack_that_is_said(exporter):
    found = packed(exporter, ["nobody's"])
    assert (found.name, found.error.code) == ("", "nothing_to_export")
    assert shelves.names(exporter.folder) == set()


def test_a_disk_without_room_is_said_before_it_is_full(shelf, exporter, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, exporting.SPARE_BYTES))
    found = packed(exporter, [shelves.add(shelf)])
    assert found.error.code == "no_room_for_export"
    assert shelves.names(exporter.folder) == set()


def test_a_folder_that_can_not_be_made_is_said(shelf, tmp_path):
    (tmp_path / "exports").write_text("in the way")
    exporter = Exporter(shelf, tmp_path / "exports")
    assert packed(exporter, [shelves.add(shelf)]).error.code == "export_failed"


def test_a_dropped_export_leaves_no_file_and_one_owner_does_not_see_anothers(shelf, exporter):
    mine = packed(exporter, [shelves.add(shelf)])
    yours = packed(exporter, [shelves.add(shelf, owner="you")], "you")
    assert shelves.names(exporter.folder) == {mine.name, yours.name}
    exporter.drop("me")
    assert exporter.get("me") is None
    assert shelves.names(exporter.folder) == {yours.name}
    assert exporter.get("you") == yours


def test_an_export_that_is_dropped_under_way_stops_and_leaves_nothing(shelf, exporter):
    path = shelf.folder / f"{shelves.add(shelf)}.mp4"
    path.unlink()
    os.mkfifo(path)
    # A pipe is no file: it stands for none, and the thread never waits on it.
    job_id = shelves.add(shelf, content=b"x" * 10)
    exporter.start("me", [path.stem, job_id], named)
    exporter.drop("me")
    assert eventually(lambda: not exporter.folder.is_dir() or shelves.names(exporter.folder) == set())


def test_a_new_export_takes_the_place_of_the_last_and_sweeps_what_was_left_behind(shelf, exporter):
    exporter.folder.mkdir()
    left, young = exporter.folder / "left.zip", exporter.folder / ".young.zip.part"
    for path in (left, young):
        path.write_bytes(b"x")
    os.utime(left, (time.time() - exporting.KEPT_SECONDS - 60,) * 2)
    first = packed(exporter, [shelves.add(shelf)])
    assert shelves.names(exporter.folder) == {first.name, young.name}
    second = packed(exporter, [shelves.add(shelf)])
    assert shelves.names(exporter.folder) == {second.name, young.name}
