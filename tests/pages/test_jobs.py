"""A job on the pages: sent, watched, found again, opened, made again."""

from __future__ import annotations

import json
from pathlib import Path

from client import engine_events
from client.jobs import Job, JobManager
from client.states import Cancelled, Failed, Succeeded
from pages.parts import files
from tests.pages.conftest import serve
from tests.pages.test_form import upload
from tests.pages.visit import Visit
from tests.support import scripted
from tests.support.uploads import png
from workflows import manifest

JOB_SECONDS = 60


def send(visit: Visit, prompt: str = "a *red* kite: over <dunes>") -> None:
    visit.open_mode("t2v").set("t2v.preset", "fast").set("t2v.prompt", prompt).set("t2v.seconds", 0.5)
    visit.set("t2v.aspect", "16:9").set("t2v.seed", "11").click("t2v.generate")


def finish(manager: JobManager, owner: str) -> Job:
    job = manager.jobs(owner, limit=1)[0]
    manager.wait(job.id, JOB_SECONDS)
    ended = manager.get(job.id)
    assert ended is not None
    return ended


def test_a_job_goes_from_the_form_to_the_library(visit: Visit, manager: JobManager) -> None:
    send(visit)
    assert visit.refusals == []
    job = manager.jobs(visit.owner)[0]
    assert dict(job.values) == {
        **{field.name: job.values[field.name] for field in manifest.mode("t2v").fields},
        "prompt": "a *red* kite: over <dunes>",
        "seconds": 0.5,
        "width": 640,
        "height": 384,
        "seed": 11,
    }
    assert job.preset == "fast"

    ended = finish(manager, visit.owner)
    assert isinstance(ended.state, Succeeded), ended.state
    visit.run()
    assert [video.proto.url for video in visit.app.get("video")]
    assert visit.has(f"download-{job.id}")
    assert any("seed 11" in text and "17 frames" in text for text in visit.shown)

    visit.open("Library")
    assert any("T2V" in text and "just now" in text for text in visit.shown)
    visit.open("Library", job=job.id)
    facts = " ".join(visit.shown)
    for shown in ("640×384", "17 frames", "Seed", "11", "24 fps", job.id):
        assert shown in facts
    assert json.loads(files.graph_writer(job.id)()) == manager.graph(job.id)
    with files.opener(ended.state.outputs[0].name)() as video:
        assert len(video.read()) == ended.state.outputs[0].size


def test_a_visitor_who_comes_back_finds_the_job(visit: Visit, manager: JobManager) -> None:
    send(visit)
    again = Visit(visit.owner).open_mode("t2v")
    job = manager.jobs(visit.owner)[0]
    assert again.has(f"cancel-{job.id}") or again.has(f"download-{job.id}")
    finish(manager, visit.owner)
    assert again.run().has(f"download-{job.id}")
    assert Visit(visit.owner).open_mode("t2v").has(f"download-{job.id}")


def test_a_stranger_sees_nothing_of_it(visit: Visit, manager: JobManager) -> None:
    send(visit)
    job = finish(manager, visit.owner)
    stranger = Visit()
    assert stranger.owner != visit.owner
    assert any("Nothing made yet" in text for text in stranger.shown)
    stranger.open("Library", job=job.id)
    assert any("not in your library" in text for text in stranger.shown)
    assert not stranger.app.get("video")


def test_cancel_stops_the_job_and_run_again_starts_another(visit: Visit, manager: JobManager) -> None:
    visit.open_mode("t2v").set("t2v.prompt", "a long walk").set("t2v.seconds", 20.0).click("t2v.generate")
    job = manager.jobs(visit.owner)[0]
    visit.click(f"cancel-{job.id}")
    assert isinstance(finish(manager, visit.owner).state, Cancelled)
    visit.run().click(f"retry-{job.id}")
    newest = manager.jobs(visit.owner, limit=1)[0]
    assert newest.retry_of == job.id
    assert newest.values == job.values
    manager.cancel(newest.id)
    finish(manager, visit.owner)
    visit.run().click(f"dismiss-{newest.id}")
    assert [left.id for left in manager.jobs(visit.owner)] == [job.id]


def test_edit_fills_the_form_with_what_did_not_finish(visit: Visit, manager: JobManager) -> None:
    visit.open_mode("t2v").set("t2v.prompt", "a long walk").set("t2v.seconds", 20.0).click("t2v.generate")
    job = manager.jobs(visit.owner)[0]
    visit.click(f"cancel-{job.id}")
    finish(manager, visit.owner)
    visit.set("t2v.prompt", "something else").set("t2v.preset", "fast").click(f"edit-{job.id}")
    assert visit.values("t2v", "prompt", "preset", "seconds") == ["a long walk", "balanced", 20.0]
    elsewhere = Visit(visit.owner).open_mode("i2v").open_mode("t2v").click(f"edit-{job.id}")
    assert elsewhere.value("t2v.seed") == str(job.values["seed"])


def test_a_job_that_waits_shows_its_prompt(lonely_manager: JobManager) -> None:
    visit = Visit()
    send(visit)
    again = Visit(visit.owner).open_mode("t2v")
    assert [text.strip() for text in again.shown if "kite" in text] == ["a *red* kite: over <dunes>"]
    lonely_manager.cancel(lonely_manager.jobs(visit.owner)[0].id)
    finish(lonely_manager, visit.owner)


def test_a_job_that_waits_says_what_happened_to_the_engine_meanwhile(lonely_manager: JobManager) -> None:
    data = lonely_manager.folder.parent
    (data / "logs").mkdir(exist_ok=True)
    engine_events.append(data, "restarted", "did not answer for a minute")
    visit = Visit()
    send(visit)
    assert not any("The engine is restarted" in text for text in visit.shown)
    engine_events.append(data, "ended", "ran out of memory")
    assert any("ended and is started again" in text and "ran out of memory" in text for text in visit.run().shown)
    job = lonely_manager.jobs(visit.owner)[0]
    lonely_manager.cancel(job.id)
    finish(lonely_manager, visit.owner)


def test_reuse_fills_the_form_with_everything(visit: Visit, manager: JobManager) -> None:
    visit.open_mode("i2v").set("i2v.preset", "fast")
    upload(visit, "i2v.image.upload.0", "tile.png", png(320, 200))
    visit.set("i2v.prompt", "it turns").set("i2v.seconds", 0.5).set("i2v.aspect", "1:1").set("i2v.image_strength", 0.5)
    visit.click("i2v.generate")
    job = finish(manager, visit.owner)
    assert isinstance(job.state, Succeeded), job.state

    other = Visit(visit.owner).open("Library", job=job.id).click("again")
    assert other.has("i2v.generate")
    kept = ("preset", "prompt", "seconds", "width", "height", "aspect", "image_strength", "seed")
    assert other.values("i2v", *kept) == [
        *("fast", "it turns", 0.5, 512, 512, "1:1", 0.5),
        str(job.values["seed"]),
    ]
    assert any("tile.png" in text and "320×200" in text for text in other.shown)


def test_variations_are_made_side_by_side_each_with_its_seed(visit: Visit, manager: JobManager) -> None:
    visit.open_mode("t2v").set("t2v.variations", 3)
    send(visit)
    jobs = manager.jobs(visit.owner)
    assert sorted(job.values["seed"] for job in jobs) == [11, 12, 13]
    assert len({job.group for job in jobs}) == 1
    for job in jobs:
        manager.wait(job.id, JOB_SECONDS)
    visit.run()
    assert len(visit.app.get("video")) == 3
    assert any(text.strip() == "3 variations" for text in visit.shown)
    assert [f"seed {seed}" in " ".join(visit.shown) for seed in (11, 12, 13)] == [True] * 3

    second = next(job for job in jobs if job.values["seed"] == 12)
    visit.open("Library", job=second.id)
    assert any("2 of 3" in text for text in visit.shown)
    assert any("Made together" in text for text in visit.shown)


def test_variations_are_cancelled_together(visit: Visit, manager: JobManager) -> None:
    visit.open_mode("t2v").set("t2v.variations", 2).set("t2v.prompt", "a long walk").set("t2v.seconds", 20.0)
    visit.click("t2v.generate").click("cancel-all")
    jobs = manager.jobs(visit.owner)
    for job in jobs:
        manager.wait(job.id, JOB_SECONDS)
    assert [type(job.state) for job in manager.jobs(visit.owner)] == [Cancelled, Cancelled]
    retried = visit.run().click(f"retry-{jobs[0].id}")
    newest = manager.jobs(visit.owner, limit=1)[0]
    assert newest.group == jobs[0].group
    assert any(text.strip() == "2 variations" for text in retried.shown)
    manager.cancel(newest.id)
    finish(manager, visit.owner)


def test_without_an_engine_the_pages_say_what_to_do(lonely_manager: JobManager) -> None:
    visit = Visit()
    for shown in (visit.shown, visit.open_mode("t2v").shown):
        assert any("python3 -m bootstrap up" in text for text in shown)
    send(visit)
    job = lonely_manager.jobs(visit.owner)[0]
    visit.click(f"cancel-{job.id}")
    assert isinstance(finish(lonely_manager, visit.owner).state, Cancelled)


def test_a_job_that_lacks_a_model_leads_to_the_page_of_the_models(tmp_path: Path) -> None:
    lacking = {"input_name": "ckpt_name", "received_value": "ltx.safetensors"}
    refusal = {"type": "value_not_in_list", "details": "not in []", "extra_info": lacking}
    answer = {"error": {"type": "prompt_outputs_failed_validation"}, "node_errors": {"1": {"errors": [refusal]}}}
    with scripted.engine() as server:
        server.routes["POST /prompt"] = lambda _: (400, answer)
        for manager in serve(tmp_path, int(server.url.rsplit(":", 1)[-1])):
            visit = Visit()
            send(visit)
            state = finish(manager, visit.owner).state
            assert isinstance(state, Failed)
            assert state.code == "model_missing"
            visit.run()
            assert "Models" in [link.proto.label for link in visit.app.main.get("page_link")]
