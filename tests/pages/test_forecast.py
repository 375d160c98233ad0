"""What a request takes stands beside Generate; where it is too much, what would fit is one click."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from client.jobs import JobManager
from tests.pages.conftest import SMALL_STATS, serve
from tests.pages.visit import Visit
from tests.support import scripted
from tests.support.commands import eventually
from tests.support.scripted import Answer, Scripted

TOO_MUCH = "This needs more memory than there is."
TOO_LONG = "This may not end in time."


@pytest.fixture
def out_of_memory(tmp_path: Path) -> Iterator[JobManager]:
    """A manager on a small GPU that runs out of memory whatever it is asked for."""
    with scripted.engine() as server:
        server.routes["GET /system_stats"] = lambda _: (200, SMALL_STATS)
        server.routes["GET /history/"] = lambda _: _exhausted(server)
        for manager in serve(tmp_path, int(server.url.rsplit(":", 1)[-1])):
            assert eventually(lambda manager=manager: manager.engine().status == "alive")
            yield manager


def _exhausted(server: Scripted) -> Answer:
    """The entry of the prompt that was posted last: out of memory while sampling."""
    posted = server.posted("/prompt")
    if not posted:
        return 200, {}
    ended = {"node_type": "SamplerCustomAdvanced", "exception_type": "torch.OutOfMemoryError", "exception_message": "x"}
    return scripted.history(posted[-1]["prompt_id"], None, ("execution_error", ended))


def test_time_and_memory_stand_beside_generate_and_follow_the_form(small_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.preset", "fast")

    def cost() -> str:
        return next(text for text in visit.shown if "tokens" in text)

    before = cost()
    assert "about" in before
    assert "GB of GPU memory" in before
    assert "to load the models" in before
    visit.set("t2v.seconds", 1.0)
    assert cost() != before
    visit.set("t2v.prompt", "one\ntwo").set("t2v.listed", True)
    assert "each" in cost()


def test_a_request_that_does_not_fit_is_changed_into_one_that_does_by_one_click(small_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.resolution", "large").set("t2v.seconds", 20.0)
    assert any(TOO_MUCH in text for text in visit.shown)
    offered = visit.app.get_by_key("t2v.fit").label
    visit.click("t2v.fit")
    assert not any(TOO_MUCH in text for text in visit.shown)
    assert not visit.has("t2v.fit")
    width, height = visit.values("t2v", "width", "height")
    assert f"{width}×{height}" in offered
    assert visit.refusals == []


def test_a_request_that_fits_is_left_in_peace(small_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.preset", "fast").set("t2v.seconds", 1.0)
    assert not any(TOO_MUCH in text for text in visit.shown)
    assert not visit.has("t2v.fit")


def test_a_request_that_may_take_longer_than_a_job_may_is_changed_by_one_click(
    small_manager: JobManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = Visit().open_mode("t2v").set("t2v.preset", "fast")
    assert not any(TOO_LONG in text for text in visit.shown)
    monkeypatch.setenv("STUDIO_BUDGET_CAP", "60")
    assert any(TOO_LONG in text and "ended after 1 min" in text for text in visit.run().shown)
    visit.click("t2v.fit")
    assert not any(TOO_LONG in text for text in visit.shown)


def test_a_job_that_ran_out_of_memory_is_tried_again_smaller_by_one_click(out_of_memory: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.prompt", "a kite").set("t2v.preset", "fast").click("t2v.generate")
    job = out_of_memory.jobs(visit.owner)[0]
    out_of_memory.wait(job.id, 60)
    label = visit.run().app.get_by_key(f"smaller-{job.id}").label
    visit.click(f"smaller-{job.id}")
    again = out_of_memory.jobs(visit.owner)[0]
    assert again.retry_of == job.id
    assert {name for name, value in again.values.items() if value != job.values[name]} <= {
        *("width", "height", "seconds", "decode_tile"),
    }
    assert label.startswith("Try ")
    out_of_memory.wait(again.id, 60)


def test_a_smaller_try_is_offered_once_the_engine_has_said_what_it_is(tmp_path: Path) -> None:
    with scripted.engine() as server:
        port, told = int(server.url.rsplit(":", 1)[-1]), [True]
        server.routes["GET /system_stats"] = lambda _: (200, SMALL_STATS) if told else scripted.NOT_FOUND
        server.routes["GET /history/"] = lambda _: _exhausted(server)
        for manager in serve(tmp_path, port):
            assert eventually(lambda manager=manager: manager.engine().status == "alive")
            visit = Visit().open_mode("t2v").set("t2v.prompt", "a kite").set("t2v.preset", "fast")
            job = manager.jobs(visit.click("t2v.generate").owner)[0]
            manager.wait(job.id, 60)
        told.clear()
        for manager in serve(tmp_path, port):
            assert manager.engine().status == "starting"
            assert not visit.run().has(f"smaller-{job.id}")
            told.append(True)
            assert eventually(lambda manager=manager: manager.engine().status == "alive")
            assert visit.run().has(f"smaller-{job.id}")
