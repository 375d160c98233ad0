"""How a job describes a prompt that has ended."""

from __future__ import annotations

from typing import Any

from bootstrap.draft import jobs
from bootstrap.draft.history import LIMIT, Entry, History
from bootstrap.draft.promptqueue import Snapshot


def entry(ending: str = "execution_success", outputs: dict[str, Any] | None = None, extra: Any = None) -> Entry:
    row = [0, "id", {}, {"create_time": 5, **(extra or {})}, ["1"]]
    messages = [("execution_start", {"timestamp": 10}), (ending, {"timestamp": 30})]
    return Entry(row, messages, outputs or {}, {})


def job(ended: Entry) -> dict[str, Any]:
    (found,) = jobs.everything(Snapshot((), (), {"id": ended}))
    return found


def test_endings_have_their_status() -> None:
    assert job(entry())["status"] == "completed"
    assert job(entry("execution_error"))["status"] == "failed"
    assert job(entry("execution_error"))["execution_error"] == {"timestamp": 30}
    assert job(entry("execution_interrupted"))["status"] == "cancelled"
    assert (job(entry())["execution_start_time"], job(entry())["execution_end_time"]) == (10, 30)


def test_a_finished_file_is_preferred_as_the_preview() -> None:
    temporary = {"filename": "a.png", "subfolder": "", "type": "temp"}
    finished = {"filename": "b.mp4", "subfolder": "", "type": "output"}
    found = job(entry(outputs={"1": {"images": [temporary]}, "2": {"images": [finished], "animated": [True]}}))
    assert found["preview_output"] == {**finished, "nodeId": "2", "mediaType": "images"}
    assert found["outputs_count"] == 2
    only = job(entry(outputs={"1": {"images": [temporary]}}))
    assert only["preview_output"] == {**temporary, "nodeId": "1", "mediaType": "images"}


def test_texts_are_cut_in_a_preview() -> None:
    short = job(entry(outputs={"1": {"text": ["hello"]}}))
    assert short["preview_output"] == {"content": "hello", "nodeId": "1", "mediaType": "text"}
    long = job(entry(outputs={"1": {"text": ["x" * 2000]}}))["preview_output"]
    assert (len(long["content"]), long["truncated"]) == (1024, True)


def test_the_workflow_id_is_the_clients() -> None:
    assert "workflow_id" not in job(entry())
    assert job(entry(extra={"extra_pnginfo": {"workflow": {"id": "w"}}}))["workflow_id"] == "w"


def test_durations_sort() -> None:
    assert jobs.sort_key(job(entry()), "execution_duration") == 20
    assert jobs.sort_key({"create_time": 5}, "execution_duration") == 0
    assert jobs.sort_key({"create_time": 5}, "created_at") == 5


def test_the_history_is_bounded() -> None:
    history = History()
    for index in range(LIMIT + 5):
        history.add(str(index), entry())
    assert len(history.all()) == LIMIT
    assert next(iter(history.all())) == "5"
