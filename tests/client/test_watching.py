"""Jobs on servers that misbehave in the ways real ones do: each ends exactly once, and as what it was.

None of these servers has a websocket that gets through, so everything here rests on HTTP alone.
"""

import json
import re
import threading
import uuid
from dataclasses import replace

import pytest

from client.jobs import JobManager
from client.media import admit
from client.pace import Pace
from client.states import Cancelled, Failed, Succeeded
from client.store import Store
from tests.client.test_media import picture
from tests.support import captures, scripted, videos
from workflows.errors import StudioError
from workflows.request import parse

QUICK = Pace(tick=0.02, look=0.05, blind=0.02, queue=0.02, silence=0.5, backoff=0.1, patience=0.6, doubt=0.2)


@pytest.fixture
def engine():
    with scripted.engine() as script:
        script.routes["GET /view"] = lambda _: (200, videos.mp4())
        yield script


@pytest.fixture
def manager(engine, tmp_path):
    made = JobManager(tmp_path, engine.url, QUICK)
    yield made
    made.close()


def request(**values):
    return parse("t2v", {"prompt": "a test", **values})


def ends(manager, job, seconds=20):
    manager.wait(job.id, seconds)
    return manager.get(job.id).state


def after_post(engine, *answers):
    """History answers for the prompt that was posted, one a question, the last one for good."""
    waiting = list(answers)

    def answer(_):
        posted = engine.posted("/prompt")
        if not posted:
            return 200, {}
        made = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return made(posted[0]["prompt_id"])

    engine.routes["GET /history/"] = answer


def success(prompt_id):
    return scripted.history(prompt_id, scripted.one_video())


def nothing(_):
    return 200, {}


def test_a_job_succeeds_over_http_alone(engine, manager):
    after_post(engine, success)
    job = manager.submit(request(), "me")
    state = ends(manager, job)
    assert state == Succeeded((state.outputs[0],))
    assert (manager.folder / state.outputs[0].name).read_bytes() == videos.mp4()
    assert (manager.folder / manager.get(job.id).poster).is_file()
    assert [path.suffix for path in sorted(manager.folder.iterdir())] == [".jpg", ".mp4"]


def test_what_is_posted_can_not_harm_the_server(engine, manager):
    after_post(engine, success)
    job = manager.submit(request(), "me")
    ends(manager, job)
    (body,) = engine.posted("/prompt")
    assert str(uuid.UUID(body["prompt_id"])) == body["prompt_id"] == job.id
    assert re.fullmatch("[0-9a-f]{32}", body["client_id"])
    assert all(isinstance(node["inputs"], dict) for node in body["prompt"].values())
    extra = body["extra_data"]["extra_pnginfo"]
    assert isinstance(extra["ltx_studio"], dict)
    assert "workflow" not in extra


def test_two_equal_requests_write_two_files(engine, manager):
    after_post(engine, success)
    for _ in range(2):
        ends(manager, manager.submit(request(seed=7), "me"))
    prefixes = {json.dumps(body["prompt"]["29"]["inputs"]["filename_prefix"]) for body in engine.posted("/prompt")}
    assert len(prefixes) == 2


def test_the_row_is_there_before_anything_is_sent(engine, manager, tmp_path):
    rows = []
    accept = engine.routes["POST /prompt"]

    def look(body):
        store = Store(tmp_path / "studio.db")
        rows.append(store.get(json.loads(body)["prompt_id"]))
        store.close()
        return accept(body)

    engine.routes["POST /prompt"] = look
    after_post(engine, success)
    ends(manager, manager.submit(request(), "me"))
    assert rows[0] is not None


def test_history_may_lag_behind_the_end(engine, tmp_path):
    after_post(engine, nothing, nothing, nothing, nothing, success)
    manager = JobManager(tmp_path, engine.url, replace(QUICK, doubt=10.0))
    assert isinstance(ends(manager, manager.submit(request(), "me")), Succeeded)
    manager.close()


def test_a_server_that_forgot_the_job_is_a_lost_engine(engine, manager):
    state = ends(manager, manager.submit(request(), "me"))
    assert (state.code, state.retryable) == ("engine_lost", True)
    assert len(engine.posted("/prompt")) == 1


def test_two_hundred_with_node_errors_is_a_failure_and_the_rest_is_cancelled(engine, manager):
    errors = {"4": {"errors": [{"type": "value_not_in_list", "message": "Value not in list", "details": "d",
                                "extra_info": {"input_name": "lora_name", "received_value": "x.safetensors"}}],
                    "class_type": "LoraLoaderModelOnly", "dependent_outputs": ["29"]}}  # fmt: skip
    engine.routes["POST /prompt"] = lambda body: (
        200,
        {"prompt_id": json.loads(body)["prompt_id"], "number": 0, "node_errors": errors},
    )
    job = manager.submit(request(), "me")
    state = ends(manager, job)
    assert state.code == "model_missing"
    assert "x.safetensors" in state.message
    assert ("POST", f"/api/jobs/{job.id}/cancel", b"") in engine.seen


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"type": "missing_node_type", "message": "Node 'X' not found."}, "node_missing"),
        ({"type": "invalid_prompt", "message": "Cannot execute because node X does not exist."}, "node_missing"),
        ({"type": "prompt_no_outputs", "message": "Prompt has no outputs"}, "graph_refused"),
    ],
)
def test_refusals_have_codes(engine, manager, error, code):
    engine.routes["POST /prompt"] = lambda _: (400, {"error": error, "node_errors": {}})
    assert ends(manager, manager.submit(request(), "me")).code == code


def test_an_answer_of_500_is_not_sent_again(engine, manager):
    engine.routes["POST /prompt"] = lambda _: (500, b"500 Internal Server Error")
    assert ends(manager, manager.submit(request(), "me")).code == "engine_error"
    assert len(engine.posted("/prompt")) == 1


def test_an_execution_error_keeps_its_detail_folded(engine, manager):
    message = captures.answer("history_error_oom")
    entry = next(iter(message.values()))
    after_post(engine, lambda prompt_id: (200, {prompt_id: entry}))
    state = ends(manager, manager.submit(request(), "me"))
    assert state.code == "out_of_memory"
    assert "torch.OutOfMemoryError" in state.detail


def test_an_interrupted_job_is_cancelled_even_when_it_holds_a_video(engine, manager):
    interrupted = ("execution_interrupted", {"node_id": "29"})
    after_post(engine, lambda prompt_id: scripted.history(prompt_id, scripted.one_video(), interrupted))
    assert ends(manager, manager.submit(request(), "me")) == Cancelled()
    assert not manager.folder.exists()


def test_a_cancel_that_came_too_late_ends_in_the_video(engine, manager):
    def finish(_):
        after_post(engine, success)
        return 200, {"cancelled": False}

    engine.routes["GET /api/jobs"] = lambda _: (200, {"jobs": [running(engine)]})
    engine.routes["POST /api/jobs/"] = finish
    job = manager.submit(request(), "me")
    manager.cancel(job.id)
    state = ends(manager, job)
    assert isinstance(state, Succeeded | Cancelled)
    assert isinstance(state, Succeeded) == bool(engine.posted("/prompt"))


def running(engine):
    posted = engine.posted("/prompt")
    return {"id": posted[0]["prompt_id"] if posted else "nobody", "status": "in_progress", "priority": 0}


def test_a_job_cancelled_while_the_engine_is_away_is_never_sent(tmp_path):
    manager = JobManager(tmp_path, "http://127.0.0.1:9", QUICK)
    job = manager.submit(request(), "me")
    manager.cancel(job.id)
    assert ends(manager, job) == Cancelled()
    manager.close()


def test_an_engine_that_stays_away_ends_the_job_with_a_reason(tmp_path):
    manager = JobManager(tmp_path, "http://127.0.0.1:9", QUICK)
    state = ends(manager, manager.submit(request(), "me"))
    assert (state.code, state.retryable) == ("engine_unreachable", True)
    assert manager.engine().status == "starting"
    manager.close()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((404, b""), "output_missing"),
        ((200, videos.mp4()[:48]), "output_broken"),
        ((200, b""), "output_broken"),
        ((200, b"<html>not a video</html>"), "output_broken"),
    ],
)
def test_a_file_on_the_engine_is_not_yet_a_video(engine, manager, answer, code):
    engine.routes["GET /view"] = lambda _: answer
    after_post(engine, success)
    assert ends(manager, manager.submit(request(), "me")).code == code
    assert list(manager.folder.iterdir()) == []


def test_a_success_without_any_video_is_said_to_be_one(engine, manager):
    after_post(engine, lambda prompt_id: scripted.history(prompt_id))
    assert ends(manager, manager.submit(request(), "me")).code == "output_missing"


def test_a_server_before_jobs_and_targeted_cancel(engine, manager):
    """0.3.64: no /api/jobs, so /queue says where the job is, and a cancel dequeues and interrupts by id."""
    del engine.routes["GET /api/jobs"]
    item = lambda number, prompt_id: [number, prompt_id, {}, {}, []]  # noqa: E731
    engine.routes["GET /queue"] = lambda _: (
        200,
        {"queue_running": [item(1, running(engine)["id"])], "queue_pending": []},
    )

    def interrupted(body):
        gone = scripted.history(running(engine)["id"], None, ("execution_interrupted", {}))
        engine.routes["GET /history/"] = lambda _: gone
        return 200, b""

    engine.routes["POST /interrupt"] = interrupted
    job = manager.submit(request(), "me")
    while not engine.posted("/prompt"):
        manager.wait(job.id, 0.01)
    manager.cancel(job.id)
    assert ends(manager, job) == Cancelled()
    assert engine.posted("/queue") == [{"delete": [job.id]}]
    assert engine.posted("/interrupt") == [{"prompt_id": job.id}]


def test_a_strangers_malformed_job_does_not_hide_ours(engine, manager):
    engine.routes["GET /api/jobs"] = lambda _: (500, b"")
    engine.routes["GET /queue"] = lambda _: (200, {"queue_running": [], "queue_pending": []})
    after_post(engine, nothing, success)
    assert isinstance(ends(manager, manager.submit(request(), "me")), Succeeded)


def test_a_post_whose_answer_was_lost_is_not_repeated(engine, manager, tmp_path):
    """The studio dies between sending and hearing back; the next one asks before it sends."""
    after_post(engine, success)
    store = Store(tmp_path / "again" / "studio.db")
    wanted = request()
    store.add("3f25395a-9cd0-4d18-bd36-128323457da5", "me", wanted, "c", 1.0)
    store.set_graph("3f25395a-9cd0-4d18-bd36-128323457da5", {})
    engine.routes["GET /history/"] = lambda _: success("3f25395a-9cd0-4d18-bd36-128323457da5")
    store.close()
    second = JobManager(tmp_path / "again", engine.url, QUICK)
    second.wait("3f25395a-9cd0-4d18-bd36-128323457da5", 20)
    assert isinstance(second.get("3f25395a-9cd0-4d18-bd36-128323457da5").state, Succeeded)
    assert engine.posted("/prompt") == []
    second.close()


def test_a_row_that_was_never_sent_is_sent_after_a_restart(engine, tmp_path):
    store = Store(tmp_path / "studio.db")
    store.add(str(uuid.uuid4()), "me", request(), "c", 1.0)
    (row,) = store.open_jobs()
    store.close()
    after_post(engine, success)
    manager = JobManager(tmp_path, engine.url, QUICK)
    manager.wait(row.id, 20)
    assert isinstance(manager.get(row.id).state, Succeeded)
    assert [body["prompt_id"] for body in engine.posted("/prompt")] == [row.id]
    manager.close()


def test_retry_makes_a_new_job_of_the_same_request(engine, manager):
    failed = manager.submit(request(), "me")
    assert isinstance(ends(manager, failed), Failed)
    engine.seen.clear()
    after_post(engine, success)
    again = manager.retry(failed.id)
    assert isinstance(ends(manager, again), Succeeded)
    assert again.id != failed.id
    assert (again.retry_of, again.values) == (failed.id, failed.values)


def test_delete_takes_the_files_along_and_never_an_active_job(engine, manager):
    engine.routes["GET /api/jobs"] = lambda _: (200, {"jobs": [running(engine)]})
    job = manager.submit(request(), "me")
    with pytest.raises(StudioError) as caught:
        manager.delete(job.id)
    assert caught.value.code == "job_active"
    after_post(engine, success)
    ends(manager, job)
    manager.delete(job.id)
    assert manager.get(job.id) is None
    assert list(manager.folder.iterdir()) == []
    with pytest.raises(StudioError) as caught:
        manager.delete(job.id)
    assert caught.value.code == "job_unknown"


def test_an_upload_over_the_servers_own_limit_is_not_sent(engine, tmp_path, manager):
    media = admit("image", picture(), "a.png", manager.uploads, "Image", 1)
    engine.routes["GET /features"] = lambda _: (200, {"max_upload_size": 10})
    job = manager.submit(parse("i2v", {"prompt": "x", "image": media}), "me")
    assert ends(manager, job).code == "upload_too_large"
    assert not [path for method, path, _ in engine.seen if method == "POST"]


def test_the_name_the_server_gives_an_upload_is_the_one_used(engine, manager):
    media = admit("image", picture(), "a.png", manager.uploads, "Image", 1)
    engine.routes["POST /upload/image"] = lambda _: (200, {"name": "a (1).png", "subfolder": "sub", "type": "input"})
    after_post(engine, success)
    ends(manager, manager.submit(parse("i2v", {"prompt": "x", "image": media}), "me"))
    (body,) = engine.posted("/prompt")
    assert "sub/a (1).png" in [node["inputs"].get("image") for node in body["prompt"].values()]


def test_jobs_reach_the_engine_in_the_order_of_the_clicks(engine, manager):
    asked = iter(range(100))
    interfaces = engine.routes["GET /object_info"]

    def slow_for_the_first(body):
        if next(asked) == 0:
            first_waits.wait(0.3)
        return interfaces(body)

    first_waits = threading.Event()
    engine.routes["GET /object_info"] = slow_for_the_first
    jobs = [manager.submit(request(seed=seed), "me") for seed in range(4)]
    for job in jobs:
        ends(manager, job)
    assert [body["prompt_id"] for body in engine.posted("/prompt")] == [job.id for job in jobs]
