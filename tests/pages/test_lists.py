"""Several prompts, one a line: each makes a video of its own."""

from __future__ import annotations

from client.jobs import JobManager
from tests.pages.visit import Visit
from workflows.request import MAX_JOBS

LINES = "a kite over dunes\n\n  a boat on a lake  \na lamp in a window\n"


def end_all(manager: JobManager, visit: Visit) -> None:
    for job in manager.active(visit.owner):
        manager.cancel(job.id)
        manager.wait(job.id, 60)


def test_each_line_makes_a_video_of_its_own_and_blank_ones_make_none(lonely_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.prompt", LINES).set("t2v.listed", True)
    assert visit.app.button(key="t2v.generate").label == "Generate 3 videos"
    visit.click("t2v.generate")
    jobs = lonely_manager.jobs(visit.owner)[::-1]
    assert [job.values["prompt"] for job in jobs] == ["a kite over dunes", "a boat on a lake", "a lamp in a window"]
    assert [job.group for job in jobs] == [None] * 3
    assert len({job.values["seed"] for job in jobs}) == 3
    visit.set("t2v.prompt", "one more").click("t2v.generate")
    assert len(lonely_manager.active(visit.owner)) == 4
    end_all(lonely_manager, visit)


def test_each_prompt_has_its_variations_side_by_side(lonely_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.prompt", LINES).set("t2v.listed", True).set("t2v.variations", 2)
    assert visit.app.button(key="t2v.generate").label == "Generate 6 videos"
    visit.click("t2v.generate")
    jobs = lonely_manager.jobs(visit.owner)
    assert sorted(len(lonely_manager.group(str(job.group))) for job in jobs) == [2] * 6
    assert len({job.group for job in jobs}) == 3
    end_all(lonely_manager, visit)


def test_without_the_switch_lines_are_one_prompt(lonely_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.prompt", LINES).click("t2v.generate")
    assert [job.values["prompt"] for job in lonely_manager.jobs(visit.owner)] == [LINES.strip()]
    end_all(lonely_manager, visit)


def test_too_many_at_once_is_one_sentence_and_sends_nothing(lonely_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.listed", True).set("t2v.variations", 2)
    visit.set("t2v.prompt", "\n".join(f"kite {number}" for number in range(MAX_JOBS // 2 + 1)))
    assert [f"{MAX_JOBS} are the most" in refusal for refusal in visit.refusals] == [True]
    visit.click("t2v.generate")
    assert lonely_manager.jobs(visit.owner) == []
    visit.set("t2v.variations", 1)
    assert visit.refusals == []


def test_one_line_that_is_too_long_sends_none_of_them(lonely_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.listed", True).set("t2v.prompt", f"a kite\n{'x' * 6000}")
    visit.click("t2v.generate")
    assert ["longer than" in refusal for refusal in visit.refusals] == [True]
    assert lonely_manager.jobs(visit.owner) == []


def test_a_long_queue_is_cut_short_and_can_be_cancelled_as_a_whole(lonely_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.listed", True)
    visit.set("t2v.prompt", "\n".join(f"kite {number}" for number in range(9))).click("t2v.generate")
    assert any("and 3 more in the queue" in text for text in visit.shown)
    assert sum("kite" in text for text in visit.shown if "T2V" in text) == 5
    visit.click("cancel-waiting")
    for job in lonely_manager.jobs(visit.owner):
        lonely_manager.wait(job.id, 60)
    assert lonely_manager.active(visit.owner) == []
    visit.run()
    # Another tab has dismissed one of them.
    lonely_manager.delete(lonely_manager.jobs(visit.owner)[-1].id)
    visit.click("dismiss-all")
    assert len(lonely_manager.jobs(visit.owner)) == 1
    assert not visit.has("dismiss-all")
