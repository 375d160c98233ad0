"""Servers, proxies and disks that answer what nobody asked for: a job ends as what it was, or waits."""

import os
import sqlite3
import threading
import time

import pytest

from client.events import decode
from client.jobs import JobManager
from client.media import admit, admit_file
from client.pace import Pace
from client.states import Cancelled, Queued, Running, Succeeded
from client.store import Store
from tests.client.test_media import picture
from tests.client.test_watching import QUICK, after_post, ends, engine, manager, nothing, request, running, success
from tests.support import scripted
from workflows import schema
from workflows.access import Access
from workflows.address import Credentials
from workflows.errors import StudioError
from workflows.request import parse

__all__ = ["engine", "manager"]

HTML = (200, b"<html>sign in</html>")


def once(script, route, odd):
    """The route answers `odd` once, and then as before."""
    usual = script.routes[route]

    def answer(body):
        script.routes[route] = usual
        return odd

    script.routes[route] = answer


@pytest.mark.parametrize("odd", [HTML, (200, []), (200, {}), (500, b""), (502, b""), (503, b"")])
@pytest.mark.parametrize("route", ["GET /api/jobs", "GET /history/", "GET /object_info", "GET /system_stats"])
def test_one_odd_answer_costs_nothing(engine, manager, route, odd):
    engine.routes["GET /queue"] = lambda _: (200, {"queue_running": [], "queue_pending": []})
    once(engine, route, odd)
    after_post(engine, nothing, success)
    assert isinstance(ends(manager, manager.submit(request(), "me")), Succeeded)


@pytest.mark.parametrize("odd", [HTML, (200, [1]), (503, b""), (200, {"prompt_id": "another"})])
def test_a_post_is_accepted_only_by_its_own_id(engine, manager, odd):
    once(engine, "POST /prompt", odd)
    engine.routes["GET /history/"] = lambda _: (
        success(job.id) if len(engine.posted("/prompt")) == 2 else nothing(job.id)
    )
    job = manager.submit(request(), "me")
    assert isinstance(ends(manager, job), Succeeded)
    assert [body["prompt_id"] for body in engine.posted("/prompt")] == [job.id, job.id]


def test_an_answer_that_was_lost_leads_to_no_second_post_while_history_lags(engine, manager):
    once(engine, "POST /prompt", (502, b""))
    after_post(engine, nothing, nothing, nothing, success)
    job = manager.submit(request(), "me")
    assert isinstance(ends(manager, job), Succeeded)
    assert len(engine.posted("/prompt")) == 1


def test_a_cancel_after_a_lost_answer_reaches_the_engine(engine, manager):
    posted = threading.Event()

    def lose(_):
        posted.set()
        return 502, b""

    engine.routes["POST /prompt"] = lose
    engine.routes["GET /api/jobs"] = lambda _: (200, {"jobs": [running(engine)]})
    job = manager.submit(request(), "me")
    assert posted.wait(20)
    engine.routes["POST /api/jobs/"] = lambda _: (
        after_post(engine, lambda i: scripted.history(i, None, ("execution_interrupted", {})))
        or (200, {"cancelled": True})
    )
    manager.cancel(job.id)
    assert ends(manager, job) == Cancelled()
    assert ("POST", f"/api/jobs/{job.id}/cancel", b"") in engine.seen


@pytest.mark.parametrize(
    ("status", "code"), [(401, "engine_forbidden"), (403, "engine_forbidden"), (404, "graph_refused")]
)
def test_refused_access_has_its_own_sentence(engine, manager, status, code):
    engine.routes["POST /prompt"] = lambda _: (status, b"")
    assert ends(manager, manager.submit(request(), "me")).code == code


@pytest.mark.parametrize("odd", [HTML, (200, []), (200, {"exec_info": None}), (200, b"[" * 100_000), (401, b"")])
def test_the_engine_monitor_survives_every_answer(engine, manager, odd):
    usual, answered = engine.routes["GET /prompt"], threading.Event()
    engine.routes["GET /prompt"] = lambda _: (answered.set(), odd)[1]
    manager._monitor.refresh()
    assert answered.wait(20)
    engine.routes["GET /prompt"] = usual
    while manager.engine().status != "alive":
        manager._monitor.refresh()
        time.sleep(0.01)


@pytest.mark.parametrize(
    "strange",
    [{}, {"input": None}, {"input": {"optional": None}}, {"input": {"required": {"a": []}}},
     {"input": {"required": {"a": ""}}}, {"input": {"required": {"a": ["COMBO", []]}}}, None],
)  # fmt: skip
def test_a_strange_custom_node_harms_nobody(engine, manager, strange):
    engine.routes["GET /object_info"] = lambda _: (200, {**schema.recorded(), "Strange": strange})
    after_post(engine, success)
    assert isinstance(ends(manager, manager.submit(request(), "me")), Succeeded)


@pytest.mark.parametrize("outputs", [None, {"29": None}, {"29": {"images": None}}])
def test_outputs_that_are_null(engine, manager, outputs):
    def ended(prompt_id):
        status, body = scripted.history(prompt_id)
        body[prompt_id]["outputs"] = outputs
        return status, body

    after_post(engine, ended)
    assert ends(manager, manager.submit(request(), "me")).code == "output_missing"


@pytest.mark.parametrize(
    "frame",
    ['{"type":"progress","data":{"value":1e999,"max":1,"prompt_id":"p","node":"1"}}',
     '{"type":"progress","data":{"value":' + "9" * 400 + ',"max":1,"prompt_id":"p","node":"1"}}',
     "[" * 100_000],
)  # fmt: skip
def test_frames_beyond_all_numbers_decode_to_nothing(frame):
    assert decode(frame) is None


def test_a_gateway_error_while_fetching_only_waits(engine, manager):
    once(engine, "GET /view", (503, b""))
    after_post(engine, success)
    assert isinstance(ends(manager, manager.submit(request(), "me")), Succeeded)


def test_a_library_that_can_not_be_written_says_so(engine, manager):
    manager.folder.write_bytes(b"a file where the folder should be")
    after_post(engine, success)
    state = ends(manager, manager.submit(request(), "me"))
    assert (state.code, state.retryable) == ("disk_failed", True)


def test_a_cancelled_job_does_not_wait_for_an_engine_that_is_gone(tmp_path):
    pace = Pace(tick=0.02, look=0.05, blind=0.02, backoff=0.05, patience=600, goodbye=0.2)
    with scripted.engine() as script:
        script.routes["GET /api/jobs"] = lambda _: (200, {"jobs": [running(script)]})
        manager = JobManager(tmp_path, script.url, pace)
        job = manager.submit(request(), "me")
        while not isinstance(manager.get(job.id).state, Running):
            manager.wait(job.id, 0.01)
        script.routes = dict.fromkeys(script.routes, lambda _: (502, b""))
        manager.cancel(job.id)
        assert ends(manager, job) == Cancelled()
        manager.close()


def test_an_engine_that_is_away_is_said_to_be_while_the_job_waits(tmp_path):
    manager = JobManager(tmp_path, "http://127.0.0.1:9", Pace(tick=0.02, backoff=0.05))
    job = manager.submit(request(), "me")
    while manager.get(job.id).state == Queued():
        manager.wait(job.id, 0.01)
    assert manager.get(job.id).state.note
    manager.close()


def test_time_left_is_right_after_a_restart(engine, tmp_path):
    store = Store(tmp_path / "studio.db")
    store.add("a", "me", request(), "c", time.time() - 100)
    store.set_graph("a", {})
    store.set_posted("a", time.time() - 100)
    store.set_started("a", time.time() - 100)
    store.close()
    engine.routes["GET /api/jobs"] = lambda _: (200, {"jobs": [{"id": "a", "status": "in_progress"}]})
    manager = JobManager(tmp_path, engine.url, QUICK)
    assert isinstance(manager.get("a").state, Running)
    assert manager.get("a").elapsed(time.time()) >= 100
    while "a" not in manager._tracks:
        manager.wait("a", 0.01)
    assert manager._tracks["a"].started_at == pytest.approx(time.time() - 100, abs=30)
    manager.close()


def test_two_managers_on_one_folder_send_a_job_once(engine, tmp_path):
    after_post(engine, success)
    store = Store(tmp_path / "studio.db")
    store.add("3f25395a-9cd0-4d18-bd36-128323457da5", "me", request(), "c", 1.0)
    store.close()
    gate = threading.Event()
    interfaces = engine.routes["GET /object_info"]
    engine.routes["GET /object_info"] = lambda body: (gate.wait(5), interfaces(body))[1]
    first, second = JobManager(tmp_path, engine.url, QUICK), JobManager(tmp_path, engine.url, QUICK)
    gate.set()
    first.wait("3f25395a-9cd0-4d18-bd36-128323457da5", 20)
    assert isinstance(second.get("3f25395a-9cd0-4d18-bd36-128323457da5").state, Succeeded)
    assert len(engine.posted("/prompt")) == 1
    second.close()
    first.close()


def test_a_job_that_nobody_follows_can_be_cancelled(engine, tmp_path):
    holder = JobManager(tmp_path, engine.url, QUICK)
    store = Store(tmp_path / "studio.db")
    store.add("a", "me", request(), "c", 1.0)
    store.close()
    holder.cancel("a")
    holder.wait("a", 20)
    assert holder.get("a").state == Cancelled()
    holder.close()


def test_a_database_that_can_not_be_written_is_tried_again(engine, manager):
    engine.routes["GET /api/jobs"] = lambda _: (200, {"jobs": [running(engine)]})
    manager._store._connection.execute("PRAGMA busy_timeout=10")
    job = manager.submit(request(), "me")
    while not isinstance(manager.get(job.id).state, Running):
        manager.wait(job.id, 0.01)
    with sqlite3.connect(manager.folder.parent / "studio.db", isolation_level=None) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        after_post(engine, success)
        while not list(manager.folder.glob("*.jpg")):
            manager.wait(job.id, 0.01)
        assert isinstance(manager.get(job.id).state, Running)
        blocker.execute("ROLLBACK")
    blocker.close()
    assert isinstance(ends(manager, job), Succeeded)


def test_a_database_of_a_newer_studio_is_left_alone(tmp_path):
    store = Store(tmp_path / "studio.db")
    store._connection.execute("PRAGMA user_version=99")
    store.close()
    with pytest.raises(StudioError) as caught:
        Store(tmp_path / "studio.db")
    assert caught.value.code == "database_newer"


def test_jobs_of_a_mode_that_is_gone_do_not_break_the_library(engine, manager):
    store = Store(manager.folder.parent / "studio.db")
    store.add("old", "me", request(), "c", 1.0)
    store.close_job("old", Succeeded(()), 2.0)
    store.close()
    with sqlite3.connect(manager.folder.parent / "studio.db") as connection:
        connection.execute("UPDATE jobs SET mode = 'morph'")
    connection.close()
    assert manager.jobs("me") == manager.library("me") == []
    assert manager.get("old") is None


def test_half_fetched_files_are_swept_at_the_next_start(engine, tmp_path):
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / ".x.mp4.1234.part").write_bytes(b"half")
    JobManager(tmp_path, engine.url, QUICK).close()
    assert list((tmp_path / "library").iterdir()) == []


def test_only_plain_files_are_read(tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    with pytest.raises(StudioError) as caught:
        admit_file("image", pipe, tmp_path, "Image", 1)
    assert caught.value.code == "file_missing"


def test_one_persons_upload_does_not_hold_up_another(engine, manager):
    gate, asked = threading.Event(), threading.Event()

    def slowly(_):
        asked.set()
        gate.wait(20)
        return 200, {"name": "a.png", "subfolder": ""}

    engine.routes["POST /upload/image"] = slowly
    posted = lambda: [body["prompt_id"] for body in engine.posted("/prompt")]  # noqa: E731
    engine.routes["GET /history/"] = lambda _: (
        200,
        {prompt_id: success(prompt_id)[1][prompt_id] for prompt_id in posted()},
    )
    media = admit("image", picture(), "a.png", manager.uploads, "Image", 1)
    alice = manager.submit(parse("i2v", {"prompt": "a test", "image": media}), "alice")
    assert asked.wait(20)
    bob = manager.submit(request(), "bob")
    assert isinstance(ends(manager, bob), Succeeded)
    assert not isinstance(manager.get(alice.id).state, Succeeded)
    gate.set()
    assert isinstance(ends(manager, alice), Succeeded)


def test_a_redirect_is_named_and_nothing_is_sent_there(tmp_path):
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Moved(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", "https://sign-in.example/?next=1")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Moved)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    manager = JobManager(tmp_path, f"http://127.0.0.1:{server.server_address[1]}", QUICK)
    state = ends(manager, manager.submit(parse("t2v", {"prompt": "x"}), "me"))
    assert state.code == "engine_redirects"
    assert "sign-in.example" in state.message
    manager.close()
    server.shutdown()
    server.server_close()


def test_a_compressing_proxy_is_asked_not_to(engine, manager):
    """The announced length would be another one than that of the file."""
    after_post(engine, success)
    ends(manager, manager.submit(request(), "me"))
    asked = [encoding for path, encoding in engine.encodings if path == "/view"]
    assert asked == ["identity"]


def test_credentials_go_along_and_are_written_nowhere(engine, tmp_path):
    """A server behind basic authentication: every request carries it, and no file of ours does."""
    password = "s3cret-and-long"
    sent = Credentials("bob", password)
    after_post(engine, success)
    manager = JobManager(tmp_path, engine.url, QUICK, Access(sent))
    assert isinstance(ends(manager, manager.submit(request(), "me")), Succeeded)
    engine.routes["POST /prompt"] = lambda _: (401, b"")
    refused = ends(manager, manager.submit(request(), "me"))
    assert refused.code == "engine_forbidden"
    manager.close()
    assert set(engine.authorizations) == {sent.header}
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert password.encode() not in kept
    assert sent.header.split()[1].encode() not in kept
