"""What is said of jobs to somebody who looks elsewhere."""

from __future__ import annotations

import json
import re
from typing import Any

from client.jobs import JobManager
from tests.pages.test_jobs import finish, send
from tests.pages.visit import Visit


def told(visit: Visit) -> list[dict[str, Any]]:
    """What the scripts on the page are given to say of jobs."""
    scripts = [body for body in visit._markup if body.startswith("<script")]
    given = [json.loads(found[1]) for body in scripts if (found := re.search(r"\}\)\n?\((\{.*\})\);</script>$", body))]
    return [said for said in given if "title" in said]


def test_the_title_says_how_far_a_job_is_and_then_that_it_is_done(visit: Visit, manager: JobManager) -> None:
    assert told(visit) == []
    send(visit)
    (said,) = told(visit)
    assert re.fullmatch(r"● (Waiting|\d+ %) · Text to Video", said["title"])
    assert said["ended"] == []
    job = finish(manager, visit.owner)
    (said,) = told(visit.open("Library"))
    assert said["title"] == said["page"] == "Library · LTX-2.3 Studio"
    assert said["ended"] == [{"id": job.id, "title": "Done · Text to Video", "body": "a *red* kite: over <dunes>"}]
    (again,) = told(visit.run())
    assert again["ended"] == said["ended"], "the run that told it first may never have reached the browser"


def test_several_jobs_are_counted_and_one_that_is_cancelled_is_not_announced(lonely_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.prompt", "one</script>\ntwo").set("t2v.listed", True)
    visit.click("t2v.generate")
    (said,) = told(visit)
    assert said["title"] == "● Waiting +1 · Text to Video"
    for job in lonely_manager.active(visit.owner):
        lonely_manager.cancel(job.id)
        lonely_manager.wait(job.id, 60)
    (said,) = told(visit.run())
    assert (said["title"], said["ended"]) == (said["page"], [])


def test_another_visitor_hears_nothing_of_it(lonely_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.prompt", "a kite").click("t2v.generate")
    assert told(Visit()) == []
    for job in lonely_manager.active(visit.owner):
        lonely_manager.cancel(job.id)
        lonely_manager.wait(job.id, 60)


def test_a_prompt_can_not_leave_the_script_that_it_stands_in(visit: Visit, manager: JobManager) -> None:
    send(visit, "</script><b>bold</b>")
    finish(manager, visit.owner)
    (said,) = told(visit.run())
    assert said["ended"][0]["body"] == "</script><b>bold</b>"
    assert all(body.count("</script>") == 1 for body in visit._markup if body.startswith("<script"))
