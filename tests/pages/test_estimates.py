"""The page of estimates, on real jobs and on none."""

import re

from client.estimate import history
from client.estimate.learning import Observation
from client.jobs import JobManager
from client.states import Succeeded
from client.store import Store
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


def test_each_device_is_shown_by_itself(lonely_manager: JobManager) -> None:
    store = Store(lonely_manager.folder.parent / "studio.db")
    for now, (device, took) in enumerate((("comfyui/NVIDIA H200/151 GB", 12.0), ("comfyui/Old card/8 GB", 240.0))):
        run = history.Run(device, float(now), "t2v", "fast", 640, 384, 121, True, 0.5 * took, 5.0, 90.0, took)
        history.keep(store, device, [Observation("sample", 5.0, 5.0, "t2v")], run)
    store.close()
    visit = Visit().open("Estimates")
    assert any("Old card, 8 GB" in text for text in visit.shown)
    (choice,) = visit.app.selectbox
    choice.select("comfyui/NVIDIA H200/151 GB").run()
    said = " ".join(" ".join(visit.shown).split())
    assert "NVIDIA H200, 151 GB" in said
    assert "Sampling measured once" in said
    assert "12 s models loaded first" in said
    assert "50%" in said
