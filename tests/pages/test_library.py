"""The library with many videos: pages of twelve, newest first, by mode."""

from __future__ import annotations

import time
import uuid

import pytest
from PIL import Image

from client.jobs import JobManager
from client.states import Failed, Output, Succeeded
from client.store import Store
from tests.pages.visit import Visit
from workflows.request import parse

MANY = 15


@pytest.fixture
def owner(manager: JobManager) -> str:
    """Somebody with fifteen videos from text, two from pictures, and one failure."""
    owner = uuid.uuid4().hex
    store = Store(manager.folder.parent / "studio.db")
    manager.folder.mkdir(exist_ok=True)
    for number in range(MANY):
        _add(store, manager, owner, "t2v", {"prompt": f"shot {number}"}, number)
    for number in range(2):
        _add(store, manager, owner, "i2v", {"prompt": f"picture {number}", "image": "a.png"}, MANY + number)
    job_id = str(uuid.uuid4())
    store.add(job_id, owner, parse("t2v", {"prompt": "lost"}), uuid.uuid4().hex, time.time())
    store.close_job(job_id, Failed("engine_lost", "It stopped.", "Retry.", True), time.time())
    store.close()
    return owner


def _add(store: Store, manager: JobManager, owner: str, mode: str, values: dict[str, str], number: int) -> None:
    job_id, now = str(uuid.uuid4()), time.time() - 1000 + number
    store.add(job_id, owner, parse(mode, values), uuid.uuid4().hex, now)
    poster = f"{job_id}.jpg"
    Image.new("RGB", (64, 36), "teal").save(manager.folder / poster)
    store.close_job(job_id, Succeeded((Output(f"{job_id}.mp4", 1),)), now, poster)


def tiles(visit: Visit) -> list[str]:
    links = [element.proto for element in visit.app.get("page_link")]
    return [link.label for link in links if "job=" in link.query_string]


def test_twelve_a_page_newest_first(manager: JobManager, owner: str) -> None:
    visit = Visit(owner).open("Library")
    newest = [f"picture {n}" for n in (1, 0)] + [f"shot {n}" for n in range(MANY - 1, -1, -1)]
    assert tiles(visit) == newest[:12]
    assert len(visit.app.get("image")) == 12
    visit.set("library.page.all", 2)
    assert tiles(visit) == newest[12:]


def test_a_mode_has_pages_of_its_own(manager: JobManager, owner: str) -> None:
    visit = Visit(owner).open("Library").set("library.page.all", 2).set("library.mode", "i2v")
    assert tiles(visit) == ["picture 1", "picture 0"]
    visit.set("library.mode", "t2v")
    assert tiles(visit)[0] == f"shot {MANY - 1}"
    visit.set("library.page.t2v", 2)
    assert tiles(visit) == ["shot 2", "shot 1", "shot 0"]


def test_home_shows_the_newest(manager: JobManager, owner: str) -> None:
    assert tiles(Visit(owner)) == ["picture 1", "picture 0", *(f"shot {n}" for n in range(MANY - 1, MANY - 7, -1))]


def test_a_video_whose_file_is_gone_says_so(manager: JobManager, owner: str) -> None:
    newest = manager.library(owner, limit=1)[0]
    visit = Visit(owner).open("Library", job=newest.id)
    assert any("no longer in the library" in text for text in visit.shown)
    assert not visit.has(f"download-{newest.id}")
