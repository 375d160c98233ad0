"""The page of estimates, on real jobs and on none."""

import re

from client.jobs import JobManager
from client.states import Succeeded
from tests.pages.visit import Visit
from workflows.request import parse


def test_it_says_that_nothing_is_learnt_yet(lonely_manager: JobManager) -> None:
    visit = Visit().open("Estimates")
    assert any("Nothing learnt yet" in text for text in visit.shown)
    assert len(visit.app.get("vega_lite_chart")) == 0


def test_a_finished_job_is_charted_and_listed(manager: JobManager, visit: Visit) -> None:
    small = {"width": 256, "height": 128, "seconds": 1.0, "seed": 3}
    job = manager.submit(parse("t2v", {"prompt": "a lighthouse nobody shall read of", **small}), visit.owner)
    manager.wait(job.id, 60)
    ended = manager.get(job.id)
    assert ended is not None
    assert isinstance(ended.state, Succeeded)
    visit.open("Estimates")
    said = " ".join(" ".join(visit.shown).split())
    runs = len(manager.estimates.reports()[0].runs)
    assert re.search(rf"Device Draft engine Finished runs {runs}\b", said)
    assert re.search(r"Text to Video, balanced 256×128, 25 frames · just now", said)
    assert "Sampling" in said
    assert "Encoding the video" in said
    assert "lighthouse" not in said
    (chart,) = visit.app.get("vega_lite_chart")
    assert chart.proto.spec.count('"took":') == runs * 2
