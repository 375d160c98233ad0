"""The library's page: what is found, kept, deleted, selected, packed, compared and tidied there."""

from __future__ import annotations

import json
import os
import time
import uuid
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from client import settings
from client.jobs import JobManager
from client.media import admit
from client.shelf import GRACE_SECONDS, Wanted
from client.states import Succeeded
from tests.pages.visit import Visit
from tests.support import clips, shelves
from tests.support.commands import eventually
from tests.support.videos import frames, mp4

JOB_SECONDS = 60


@pytest.fixture
def owner() -> str:
    return uuid.uuid4().hex


def add(manager: JobManager, owner: str, prompt: str, ago: float = 1000.0, **values: object) -> str:
    manager.uploads.mkdir(parents=True, exist_ok=True)
    manager.folder.mkdir(parents=True, exist_ok=True)
    return shelves.add(manager.shelf, owner, time.time() - ago, prompt=prompt, **values)


def tiles(visit: Visit) -> list[str]:
    links = [element.proto for element in visit.app.get("page_link")]
    return [link.label for link in links if "job=" in link.query_string]


def said(visit: Visit, text: str) -> bool:
    return any(text in shown for shown in visit.shown)


def test_filters_go_together_and_are_kept_while_one_looks_at_a_video(manager: JobManager, owner: str) -> None:
    day = 24 * 3600.0
    add(manager, owner, "a red boat", ago=40 * day)
    red = add(manager, owner, "a red car", ago=10 * day)
    add(manager, owner, "a blue car", ago=5 * day)
    star = add(manager, owner, "a red house", ago=1)
    manager.shelf.set_favourite(owner, [red, star], True)
    visit = Visit(owner).open("Library")
    assert tiles(visit) == ["a red house", "a blue car", "a red car", "a red boat"]
    visit.set("library.text", "RED")
    assert tiles(visit) == ["a red house", "a red car", "a red boat"]
    assert said(visit, "3 videos")
    visit.set("library.period", "month")
    assert tiles(visit) == ["a red house", "a red car"]
    visit.set("library.favourites", "library.favourites").set("library.text", "red car")
    assert tiles(visit) == ["a red car"]
    visit.open("Library", job=red).open("Library")
    assert tiles(visit) == ["a red car"]
    visit.set("library.mode", "i2v")
    assert tiles(visit) == []
    assert said(visit, "Nothing matches")
    visit.click("clear-filters")
    assert len(tiles(visit)) == 4


def test_dates_are_whole_days_from_the_first_to_the_last(manager: JobManager, owner: str) -> None:
    today = datetime.now().replace(hour=12, minute=0)
    for days in range(1, 5):
        then = (today - timedelta(days=days)).timestamp()
        add(manager, owner, f"{days} days ago", ago=time.time() - then)
    visit = Visit(owner).open("Library").set("library.period", "chosen")
    assert len(tiles(visit)) == 4
    visit.set("library.dates", ((today - timedelta(days=3)).date(), (today - timedelta(days=2)).date()))
    assert tiles(visit) == ["2 days ago", "3 days ago"]
    visit.set("library.dates", ((today - timedelta(days=4)).date(),))
    assert tiles(visit) == ["4 days ago"]


def test_a_star_makes_a_favourite_on_a_poster_and_on_the_videos_page(manager: JobManager, owner: str) -> None:
    first, second = add(manager, owner, "first"), add(manager, owner, "second")
    visit = Visit(owner).open("Library").click(f"favourite-{first}")
    assert manager.shelf.ids(owner, Wanted(favourites=True)) == [first]
    assert visit.app.button(key=f"favourite-{first}").label.startswith("No favourite any more")
    visit.open("Library", job=second).click("favourite").open("Library").click(f"favourite-{first}")
    assert manager.shelf.ids(owner, Wanted(favourites=True)) == [second]


def test_a_deleted_video_comes_back_with_undo(manager: JobManager, owner: str) -> None:
    kept, gone = add(manager, owner, "kept"), add(manager, owner, "gone")
    visit = Visit(owner).open("Library", job=gone).click("delete")
    assert tiles(visit) == ["kept"]
    assert said(visit, "1 video deleted")
    assert shelves.files(gone) <= shelves.names(manager.folder)
    other = Visit(owner).open("Library", job=gone)
    assert said(other, "You have deleted this video")
    visit.click("undo-delete")
    assert sorted(tiles(visit)) == ["gone", "kept"]
    assert not visit.has("undo-delete")
    visit.open("Library", job=kept).click("delete").click("undo-close")
    assert not visit.has("undo-delete")
    assert [job.id for job in manager.deleted(owner)] == [kept]


def test_undo_says_that_it_is_too_late_only_of_what_is_gone(manager: JobManager, owner: str) -> None:
    gone, back = add(manager, owner, "gone"), add(manager, owner, "back")
    visit = Visit(owner).open("Library", job=back).click("delete")
    manager.shelf.restore(owner, [back])
    assert not visit.click("undo-delete").app.toast
    visit.open("Library", job=gone).click("delete")
    manager.shelf.purge_discarded(time.time(), owner)
    assert "Too late" in visit.click("undo-delete").app.toast[0].value


def test_what_was_deleted_lies_in_the_storage_until_it_is_purged(manager: JobManager, owner: str) -> None:
    first, second = add(manager, owner, "first"), add(manager, owner, "second")
    manager.shelf.discard(owner, [first, second], time.time())
    visit = Visit(owner).open("Library")
    assert said(visit, "Nothing made yet")
    visit.click("storage").click(f"restore-{first}")
    assert manager.shelf.ids(owner) == [first]
    visit.click("purge")
    assert said(visit, "1 video deleted for good.")
    assert not shelves.files(second) & shelves.names(manager.folder)
    assert manager.get(second) is None
    assert shelves.files(first) <= shelves.names(manager.folder)


def test_videos_are_selected_over_the_pages_and_deleted_together(manager: JobManager, owner: str) -> None:
    ids = [add(manager, owner, f"shot {number}", ago=100.0 - number) for number in range(14)]
    visit = Visit(owner).open("Library").click("select")
    assert visit.app.button(key="delete-selected").disabled
    _tick(visit, ids[13])
    visit.set("library.page.all", 2)
    _tick(visit, ids[0])
    assert said(visit, "2 selected")
    _tick(visit, ids[0])
    assert said(visit, "1 selected")
    _tick(visit, ids[1])
    visit.click("delete-selected")
    assert said(visit, "2 videos deleted")
    assert set(manager.shelf.ids(owner)) == set(ids) - {ids[13], ids[1]}
    assert not visit.has("delete-selected")
    visit.click("undo-delete").click("select").click("select-page").click("favourite-selected")
    # The second page is still open.
    assert set(manager.shelf.ids(owner, Wanted(favourites=True))) == set(ids[:2])


def _tick(visit: Visit, job_id: str) -> None:
    (box,) = [box for box in visit.app.checkbox if job_id in (box.key or "")]
    visit.set(box.key, not box.value)


def test_what_is_found_is_packed_into_a_file_to_download(manager: JobManager, owner: str) -> None:
    red = [add(manager, owner, f"red {number}", content=b"video") for number in range(2)]
    add(manager, owner, "blue")
    visit = Visit(owner).open("Library").set("library.text", "red").click("export-all")
    assert eventually(lambda: manager.exports.get(owner).ended)
    visit.run()
    assert said(visit, "2 videos packed")
    assert visit.has("export-download")
    with zipfile.ZipFile(manager.exports.folder / manager.exports.get(owner).name) as archive:
        names = archive.namelist()
    assert {name for name in names if name.endswith(".mp4")} == {
        f"t2v-red-{red.index(job_id)}-{job_id[:8]}.mp4" for job_id in red
    }
    visit.click("export-close")
    assert manager.exports.get(owner) is None
    assert not visit.has("export-download")


def test_an_export_that_fails_says_why(manager: JobManager, owner: str) -> None:
    gone = add(manager, owner, "gone")
    (manager.folder / f"{gone}.mp4").unlink()
    visit = Visit(owner).open("Library").click("export-all")
    assert eventually(lambda: manager.exports.get(owner).ended)
    visit.run()
    assert ["None of these videos has its file any more." in refusal for refusal in visit.refusals] == [True]


def test_two_videos_are_compared_by_what_differs(manager: JobManager, owner: str) -> None:
    first = add(manager, owner, "a boat", seed=1, seconds=1)
    second = add(manager, owner, "a boat", seed=2, seconds=2)
    visit = Visit(owner).open("Library", job=first).click("compare")
    assert said(visit, "1 selected")
    assert visit.app.button(key="compare-selected").disabled
    _tick(visit, second)
    visit.click("compare-selected")
    assert visit.app.query_params["compare"] == f"{first},{second}"
    assert len(visit.app.get("video")) == 2
    (table,) = [" ".join(text.split()) for text in visit.shown if "Seed" in text and "Length" in text]
    assert "Seed 1 2" in table
    assert "Prompt" not in table
    assert any("a boat" in text and "Size" in text for text in visit.shown)


@pytest.mark.parametrize("which", ["", "one", "theirs", "same"])
def test_comparing_takes_two_of_ones_own(manager: JobManager, owner: str, which: str) -> None:
    mine, theirs = add(manager, owner, "mine"), add(manager, uuid.uuid4().hex, "theirs")
    asked = {"": "x", "one": mine, "theirs": f"{mine},{theirs}", "same": f"{mine},{mine}"}[which]
    visit = Visit(owner).open("Library", compare=asked)
    assert said(visit, "Two videos are needed")
    assert not visit.app.get("video")


def test_a_seed_is_varied_and_sent_at_once(manager: JobManager, owner: str) -> None:
    image = admit("image", clips.picture(), "a.png", manager.uploads, "Image", 5)
    size = {"width": 256, "height": 256, "seconds": 0.4}
    job_id = add(manager, owner, "it turns", mode="i2v", image=image, seed=5, **size)
    visit = Visit(owner).open("Library", job=job_id).click("vary")
    new = manager.jobs(owner, limit=1)[0]
    assert visit.app.query_params["job"] == new.id != job_id
    assert {name: value for name, value in new.values.items() if name != "seed"} == {
        name: value for name, value in manager.get(job_id).values.items() if name != "seed"
    }
    assert new.values["seed"] != 5
    assert new.preset == "fast"
    manager.wait(new.id, JOB_SECONDS)
    assert isinstance(manager.get(new.id).state, Succeeded)

    Path(image.path).unlink()
    visit.open("Library", job=job_id).click("vary")
    assert ["there is no file a.png" in refusal for refusal in visit.refusals] == [True]
    assert manager.jobs(owner, limit=1)[0].id == new.id


def test_the_last_frame_becomes_the_first_of_the_next(manager: JobManager, owner: str) -> None:
    size = {"width": 512, "height": 320, "fps": 12.0}
    job_id = add(manager, owner, "a boat sails on", content=mp4(5, 128, 64), **size)
    visit = Visit(owner).open("Library", job=job_id).click("last-frame")
    assert visit.has("i2v.generate")
    image = visit.value("i2v.image")
    assert (image.width, image.height) == (128, 64)
    assert image.source.startswith("last frame of t2v-a-boat-sails-on")
    assert frames(Path(image.path))[0].tolist() == frames(manager.folder / f"{job_id}.mp4")[-1].tolist()
    assert visit.values("i2v", "prompt", "width", "height", "fps", "seed") == ["a boat sails on", 512, 320, 12.0, ""]
    (manager.folder / f"{job_id}.mp4").unlink()
    visit.open("Library", job=job_id).click("last-frame")
    assert ["is no longer in the library" in refusal for refusal in visit.refusals] == [True]


def test_reuse_says_which_file_is_gone(manager: JobManager, owner: str) -> None:
    image = admit("image", clips.picture(), "me at the sea.png", manager.uploads, "Image", 5)
    job_id = add(manager, owner, "she turns", mode="i2v", image=image, seed=5)
    Path(image.path).unlink()
    visit = Visit(owner).open("Library", job=job_id).click("again")
    assert visit.values("i2v", "prompt", "seed", "image") == ["she turns", "5", None]
    assert [("me at the sea.png" in refusal, "no longer kept" in refusal) for refusal in visit.refusals] == [
        (True, True)
    ]


def _dropped(folder: Path, **settings: object) -> bytes:
    whole = {"mode": "t2v", "preset": "fast", "values": {"prompt": "a boat", "seed": 2**40}, **settings}
    return shelves.tagged(folder, {"ltx_studio": json.dumps(whole)}, mp4()).read_bytes()


def drop(visit: Visit, data: bytes) -> Visit:
    (place,) = visit.app.file_uploader
    place.upload("old clip.mp4", data, "video/mp4")
    return visit.run()


def test_a_dropped_video_opens_the_form_with_its_settings(manager: JobManager, owner: str, tmp_path: Path) -> None:
    image = admit("image", clips.picture(), "me.png", manager.uploads, "Image", 5)
    add(manager, owner, "the first use of the picture", mode="i2v", image=image)
    values = {"prompt": "she turns", "seed": 2**40, "image": image.name, "image_strength": 0.5, "width": 512}
    visit = Visit(owner).open_mode("i2v").set("i2v.variations", 3).open("Library")
    drop(visit, _dropped(tmp_path, mode="i2v", preset="balanced", values=values))
    assert visit.has("i2v.generate")
    kept = visit.values("i2v", "preset", "prompt", "seed", "image_strength", "width", "image", "variations")
    assert kept == ["balanced", "she turns", str(2**40), 0.5, 512, image, 1]
    assert visit.refusals == []


def test_a_dropped_video_whose_picture_is_gone_says_so_and_fills_the_rest(
    manager: JobManager, owner: str, tmp_path: Path
) -> None:
    values = {"prompt": "she turns", "image": f"ltx-studio/{'0' * 24}.png"}
    visit = drop(Visit(owner).open("Library"), _dropped(tmp_path, mode="i2v", values=values))
    assert visit.value("i2v.prompt") == "she turns"
    assert ["is no longer kept here" in refusal for refusal in visit.refusals] == [True]


def test_a_dropped_video_of_a_later_studio_names_what_is_unknown(
    manager: JobManager, owner: str, tmp_path: Path
) -> None:
    visit = drop(Visit(owner).open("Library"), _dropped(tmp_path, values={"prompt": "x", "sparkle": 9}))
    assert visit.value("t2v.prompt") == "x"
    assert ["also sets sparkle" in refusal for refusal in visit.refusals] == [True]


def test_a_dropped_video_of_somebody_else_is_one_clear_sentence(manager: JobManager, owner: str) -> None:
    visit = drop(Visit(owner).open("Library"), mp4())
    assert ["old clip.mp4 carries no settings of this studio." in refusal for refusal in visit.refusals] == [True]
    drop(visit, b"no video at all")
    assert len(visit.refusals) == 1
    assert visit.open("Text_to_Video").open("Library").refusals == []


@pytest.fixture
def alone(lonely_manager: JobManager) -> JobManager:
    """A studio of one person."""
    for folder in (lonely_manager.folder, lonely_manager.uploads):
        folder.mkdir(parents=True, exist_ok=True)
    return lonely_manager


def _stray(manager: JobManager, tmp_path: Path, name: str, data: bytes) -> Path:
    path = manager.folder / name
    path.write_bytes(data)
    old = time.time() - 2 * GRACE_SECONDS
    os.utime(path, (old, old))
    return path


def test_files_without_an_entry_are_taken_in_or_deleted(alone: JobManager, owner: str, tmp_path: Path) -> None:
    ours = _stray(alone, tmp_path, f"{uuid.uuid4()}.mp4", _dropped(tmp_path / "made"))
    foreign = _stray(alone, tmp_path, "holiday.mp4", mp4())
    visit = Visit(owner).open("Library", view="storage")
    assert said(visit, "2 videos")
    visit.click("take-in")
    assert said(visit, "1 video taken in.")
    assert said(visit, "holiday.mp4 carries no settings")
    assert alone.shelf.ids(owner) == [ours.stem]
    visit.click("remove-strays")
    assert not foreign.exists()
    assert ours.exists()
    assert "Every file belongs to a video." in visit.captions


def test_where_others_make_videos_too_files_without_an_entry_are_nobodys(
    alone: JobManager, owner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray = _stray(alone, tmp_path, f"{uuid.uuid4()}.mp4", _dropped(tmp_path / "made"))
    before = Visit(owner).open("Library", view="storage")
    shelves.add(alone.shelf, uuid.uuid4().hex, time.time())
    before.click("remove-strays")
    assert stray.exists()
    visit = Visit(owner).open("Library", view="storage")
    assert said(visit, "Files without an entry 1")
    assert not visit.has("take-in")
    assert not visit.has("remove-strays")
    monkeypatch.setenv("STUDIO_ADMIN", "yes")
    admin = Visit(owner).open("Library", view="storage")
    assert not admin.has("take-in")
    admin.click("remove-strays")
    assert not stray.exists()


def test_entries_whose_file_is_gone_are_shown_and_removed(manager: JobManager, owner: str) -> None:
    gone, kept = add(manager, owner, "gone"), add(manager, owner, "kept")
    (manager.folder / f"{gone}.mp4").unlink()
    visit = Visit(owner).open("Library", view="storage")
    assert said(visit, "Entries without their video 1")
    visit.click("forget")
    assert manager.shelf.ids(owner) == [kept]
    assert said(visit, "1 entry removed.")


def test_the_storage_says_how_long_videos_are_kept(
    manager: JobManager, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said(Visit(owner).open("Library", view="storage"), "Until you delete them")
    monkeypatch.setenv("STUDIO_KEEP_DAYS", "30")
    monkeypatch.setenv("STUDIO_KEEP_GB", "2.5")
    assert (settings.read().keep_days, settings.read().keep_gb) == (30.0, 2.5)
    assert said(Visit(owner).open("Library", view="storage"), "30 days, up to 2.5 GB; favourites for ever")


def test_how_a_video_was_made_is_told_in_full(manager: JobManager, owner: str) -> None:
    job_id = add(manager, owner, "a boat", seed=12345, loras="ink.safetensors:0.5")
    told = " ".join(" ".join(Visit(owner).open("Library", job=job_id).shown).split())
    for text in ("Seed 12345", "ink at 0.5", "Waited 10 s", "Took 10 s", "Preset Fast", job_id):
        assert text in told
