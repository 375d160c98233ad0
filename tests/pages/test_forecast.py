"""What a request takes stands beside Generate; where it is too much, what would fit is one click."""

from __future__ import annotations

from client.jobs import JobManager
from tests.pages.visit import Visit

TOO_MUCH = "This needs more memory than there is."


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
