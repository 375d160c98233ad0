"""Draft first: the same request as a sketch in seconds, beside the real thing."""

from __future__ import annotations

from client.jobs import Job, JobManager
from client.states import Succeeded
from tests.pages.visit import Visit

SECONDS = 60


def ready(visit: Visit) -> Visit:
    """A form that says something small."""
    visit.open_mode("t2v").set("t2v.preset", "fast").set("t2v.prompt", "a kite over dunes").set("t2v.seconds", 0.4)
    return visit.set("t2v.width", 192).set("t2v.height", 128)


def end(manager: JobManager, job: Job) -> Job:
    manager.wait(job.id, SECONDS)
    found = manager.get(job.id)
    assert found is not None
    return found


def badges(visit: Visit) -> list[str]:
    return [text.strip() for body, text in zip(visit._markup, visit.shown, strict=True) if "s-badge" in body]


def test_where_the_engine_is_the_draft_engine_there_is_no_button_for_it(visit: Visit) -> None:
    assert not ready(visit).has("t2v.draft")


def test_a_draft_shows_the_request_and_then_stands_beside_the_real_thing(small_manager: JobManager) -> None:
    visit = ready(Visit()).click("t2v.draft")
    assert visit.refusals == []
    (draft,) = small_manager.jobs(visit.owner)
    assert draft.draft
    assert isinstance(end(small_manager, draft).state, Succeeded)
    assert badges(visit.run()) == ["Draft  A quick sketch"]
    assert visit.has(f"download-{draft.id}")

    visit.click("t2v.generate")
    real = small_manager.jobs(visit.owner)[0]
    assert not real.draft
    assert badges(visit) == ["Draft  A quick sketch", "LTX-2.3"]
    assert visit.has(f"download-{draft.id}")
    assert visit.has(f"cancel-{real.id}")

    small_manager.cancel(real.id)
    end(small_manager, real)
    visit.set("t2v.prompt", "something else").click("t2v.generate")
    other = small_manager.jobs(visit.owner)[0]
    assert badges(visit) == []
    small_manager.cancel(other.id)
    end(small_manager, other)


def test_a_list_of_prompts_is_drafted_by_its_first(small_manager: JobManager) -> None:
    visit = ready(Visit()).set("t2v.prompt", "a kite\na boat").set("t2v.listed", True).set("t2v.variations", 2)
    visit.click("t2v.draft")
    assert [job.values["prompt"] for job in small_manager.jobs(visit.owner)] == ["a kite"]
    end(small_manager, small_manager.jobs(visit.owner)[0])


def test_a_draft_of_nothing_is_refused_as_the_real_thing_is(small_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").click("t2v.draft")
    assert ["Prompt is empty." in refusal for refusal in visit.refusals] == [True]
    assert small_manager.jobs(visit.owner) == []
