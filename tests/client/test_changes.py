"""What the manager tells of jobs while they wait, run and end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from client.changes import Changes, between
from client.jobs import JobManager
from client.reducer import Track
from client.states import Queued, Running, Succeeded
from workflows.plan import Plan
from workflows.request import parse

TRACK = Track("id", Plan(("Sample",), {}))


def test_a_stage_is_a_new_state_and_a_step_only_progress() -> None:
    waiting, first = replace(TRACK, state=Queued(2)), replace(TRACK, state=Running("Load", fraction=0.1))
    assert between(None, waiting) == "state"
    assert between(waiting, replace(TRACK, state=Queued(1))) == "place"
    assert between(waiting, first) == "state"
    assert between(first, replace(TRACK, state=Running("Load", fraction=0.2))) == "progress"
    assert between(first, replace(first, preview=b"jpeg")) == "progress"
    assert between(first, replace(TRACK, state=Running("Sample", fraction=0.2))) == "state"


def test_nothing_is_told_where_nothing_has_changed() -> None:
    assert between(TRACK, replace(TRACK, state=replace(TRACK.state), moved=True)) is None


def test_a_listener_is_called_once_however_often_it_asks() -> None:
    changes, heard = Changes(), []

    def listen(owner: str, change: str) -> None:
        heard.append((owner, change))

    changes.listen(listen)
    changes.listen(listen)
    changes.tell("me")
    assert heard == [("me", "state")]


def test_the_end_of_a_job_is_told_once_it_can_be_read_and_its_owner_alone_is_named(
    draft_url: str, tmp_path: Path
) -> None:
    manager = JobManager(tmp_path, draft_url)
    heard: list[tuple[str, type]] = []
    small = {"prompt": "a lighthouse", "width": 256, "height": 128, "seconds": 0.4, "seed": 3}
    try:
        manager.changes.listen(
            lambda owner, _: heard.extend((owner, type(job.state)) for job in (manager.jobs("me") if owner else ()))
        )
        job = manager.submit(parse("t2v", small), "me")
        manager.wait(job.id, 60)
        assert {owner for owner, _ in heard} == {"me"}
        assert {Queued, Running} <= {state for _, state in heard}
        assert heard[-1] == ("me", Succeeded)
        ended = manager.get(job.id)
        assert ended is not None
        assert (ended.sketch, ended.draft) == (True, False)
        manager.delete(job.id)
        assert manager.jobs("me") == []
    finally:
        manager.close()
