"""Servers of each age: jobs are followed and cancelled, and nobody else's job is ever touched."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from client.jobs import JobManager
from client.states import Cancelled, Failed, Succeeded
from client.transport import Server
from tests.client.test_watching import QUICK, ends, request
from tests.support import scripted, videos
from tests.support.commands import eventually

AGES = ("0.3.50", "0.3.64", "0.8.0", "0.27.0")
JOBS_SINCE, CANCEL_SINCE, TARGET_SINCE = (0, 6), (0, 26), (0, 3, 57)
STRANGER = "0b0e9a52-6a0b-4a7e-8f0c-2f6f3f0f7b11"


@dataclass
class Aged:
    """A queue as ComfyUI of a version keeps it; the first of `queue` runs. `stopped` lists what was interrupted."""

    version: str
    queue: list[str] = field(default_factory=list)
    ended: dict[str, Any] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    script: scripted.Scripted = field(default_factory=scripted.engine)

    def __post_init__(self) -> None:
        routes = self.script.routes
        routes["GET /system_stats"] = lambda _: (200, {"system": {"comfyui_version": self.version}, "devices": [{}]})
        routes["POST /prompt"] = self._post
        routes["GET /history/"] = lambda _: (200, self.ended)
        routes["GET /queue"] = lambda _: (200, {"queue_running": self._items(0), "queue_pending": self._items(1)})
        routes["POST /queue"] = self._delete
        routes["POST /interrupt"] = self._interrupt
        routes["GET /view"] = lambda _: (200, videos.mp4())
        routes["GET /api/jobs"] = lambda _: (200, {"jobs": self._rows()})
        if self.since(CANCEL_SINCE):
            routes["POST /api/jobs/"] = self._cancel_newest
        if not self.since(JOBS_SINCE):
            del routes["GET /api/jobs"]

    def since(self, version: tuple[int, ...]) -> bool:
        return tuple(map(int, self.version.split("."))) >= version

    def finish(self, prompt_id: str) -> None:
        self.queue.remove(prompt_id)
        self.ended |= scripted.history(prompt_id, scripted.one_video())[1]

    def _items(self, waiting: int) -> list[Any]:
        chosen = self.queue[1:] if waiting else self.queue[:1]
        return [[number, prompt_id, {}, {}, []] for number, prompt_id in enumerate(chosen)]

    def _rows(self) -> list[dict[str, Any]]:
        return [
            {"id": prompt_id, "status": "pending" if place else "in_progress", "priority": place}
            for place, prompt_id in enumerate(self.queue)
        ]

    def _post(self, body: bytes) -> scripted.Answer:
        prompt_id = json.loads(body)["prompt_id"]
        self.queue.append(prompt_id)
        return 200, {"prompt_id": prompt_id, "number": 0, "node_errors": {}}

    def _delete(self, body: bytes) -> scripted.Answer:
        for prompt_id in json.loads(body)["delete"]:
            if prompt_id in self.queue[1:]:
                self.queue.remove(prompt_id)
        return 200, b""

    def _interrupt(self, body: bytes) -> scripted.Answer:
        named = json.loads(body or b"{}").get("prompt_id")
        if self.queue and (not self.since(TARGET_SINCE) or named in (None, self.queue[0])):
            self._stop()
        return 200, b""

    def _cancel_newest(self, _: bytes) -> scripted.Answer:
        prompt_id = self.script.seen[-1][1].split("/")[3]
        if prompt_id not in self.queue:
            return 200, {"cancelled": False}
        if prompt_id == self.queue[0]:
            self._stop()
        else:
            self.queue.remove(prompt_id)
        return 200, {"cancelled": True}

    def _stop(self) -> None:
        prompt_id = self.queue.pop(0)
        self.stopped.append(prompt_id)
        self.ended |= scripted.history(prompt_id, None, ("execution_interrupted", {}))[1]


@pytest.fixture(params=AGES)
def aged(request: pytest.FixtureRequest) -> Iterator[Aged]:
    made = Aged(request.param)
    with made.script:
        yield made


@pytest.fixture
def manager(aged: Aged, tmp_path: Path) -> Iterator[JobManager]:
    made = JobManager(tmp_path, aged.script.url, QUICK)
    yield made
    made.close()


def test_a_job_is_followed_to_its_video(aged: Aged, manager: JobManager) -> None:
    job = manager.submit(request(), "me")
    assert eventually(lambda: aged.queue == [job.id])
    aged.finish(job.id)
    assert isinstance(ends(manager, job), Succeeded)


def test_a_cancel_stops_ours_that_runs(aged: Aged, manager: JobManager) -> None:
    job = manager.submit(request(), "me")
    assert eventually(lambda: aged.queue == [job.id])
    aged.queue.append(STRANGER)
    manager.cancel(job.id)
    assert ends(manager, job) == Cancelled()
    assert (aged.queue, aged.stopped) == ([STRANGER], [job.id])


def test_a_cancel_of_ours_that_waits_leaves_alone_what_runs(aged: Aged, manager: JobManager) -> None:
    aged.queue.append(STRANGER)
    job = manager.submit(request(), "me")
    assert eventually(lambda: aged.queue == [STRANGER, job.id])
    manager.cancel(job.id)
    assert ends(manager, job) == Cancelled()
    assert (aged.queue, aged.stopped) == ([STRANGER], [])


def test_a_cancel_that_comes_too_late_leaves_alone_what_runs(aged: Aged) -> None:
    aged.queue.append(STRANGER)
    Server(aged.script.url).cancel(str(uuid.uuid4()))
    assert (aged.queue, aged.stopped) == ([STRANGER], [])
    assert aged.script.posted("/interrupt") == []


def test_a_whole_life_touches_nothing_but_our_own_jobs(aged: Aged, manager: JobManager) -> None:
    """Submit, cancel, retry, delete: what a server of a team's is asked to change is our prompts by their ids."""
    aged.queue.append(STRANGER)
    first = manager.submit(request(), "me")
    assert eventually(lambda: first.id in aged.queue)
    manager.cancel(first.id)
    assert ends(manager, first) == Cancelled()
    second = manager.retry(first.id)
    assert eventually(lambda: second.id in aged.queue)
    aged.finish(second.id)
    assert isinstance(ends(manager, second), Succeeded)
    manager.delete(first.id)
    manager.delete(second.id)
    assert manager.jobs("me") == []
    changing = [(method, path, body) for method, path, body in aged.script.seen if method != "GET"]
    assert {method for method, _, _ in changing} == {"POST"}
    paths = [path for _, path, _ in changing]
    assert paths.count("/prompt") == 2
    assert set(paths) - {"/prompt", f"/api/jobs/{first.id}/cancel", "/queue", "/interrupt"} == set()
    assert all(body == {"delete": [first.id]} for body in aged.script.posted("/queue"))
    assert all(body == {"prompt_id": first.id} for body in aged.script.posted("/interrupt"))
    if aged.since(CANCEL_SINCE):
        assert "/queue" not in paths
    assert aged.queue == [STRANGER]


def test_a_server_that_answers_a_cancel_with_a_page_is_asked_in_the_old_way(tmp_path: Path) -> None:
    aged = Aged("0.27.0")
    with aged.script as script:
        script.routes["POST /api/jobs/"] = lambda _: (200, b"<html>sign in</html>")
        aged.queue.append("ours")
        Server(script.url).cancel("ours")
    assert aged.stopped == ["ours"]


def test_a_server_that_gives_ids_of_its_own_is_said_to_be_too_old(tmp_path: Path) -> None:
    """Before 0.3.45 a prompt's id was the server's to choose: ours could never be found again."""
    aged = Aged("0.3.40")
    minted = str(uuid.uuid4())

    def post(_: bytes) -> scripted.Answer:
        aged.queue.append(minted)
        return 200, {"prompt_id": minted, "number": 0, "node_errors": {}}

    aged.queue.append(STRANGER)
    with aged.script as script:
        script.routes["POST /prompt"] = post
        manager = JobManager(tmp_path, script.url, QUICK)
        state = ends(manager, manager.submit(request(), "me"))
        manager.close()
        assert len(script.posted("/prompt")) == 1
    assert isinstance(state, Failed)
    assert state.code == "engine_too_old"
    assert (aged.queue, aged.stopped) == ([STRANGER], [])
