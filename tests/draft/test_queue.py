"""Queueing, cancelling, interrupting; `/queue`, `/history` and `/api/jobs` while it happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.draft.shapes import outline
from tests.support import captures
from tests.support.comfy_client import Listener, Message, endless, executed_nodes, messages, text, unused_color, video


@pytest.fixture
def waiting(own_url: str) -> Iterator[tuple[Listener, list[str]]]:
    """A client whose first prompt runs and whose three others wait; all are gone afterwards."""
    with Listener(own_url) as listener:
        ids = [listener.submit(endless())]
        listener.until(lambda message: message["type"] == "progress")
        ids += [listener.submit(video(unused_color())) for _ in range(3)]
        yield listener, ids
        requests.post(f"{own_url}/queue", json={"clear": True})
        requests.post(f"{own_url}/interrupt")
        listener.until(lambda message: remaining(message) == 0)


def remaining(message: Message) -> int | None:
    if message["type"] != "status":
        return None
    left: int = message["data"]["status"]["exec_info"]["queue_remaining"]
    return left


def queue(url: str) -> tuple[list[str], list[str]]:
    """The ids that run and that wait."""
    answer = requests.get(f"{url}/queue").json()
    return [row[1] for row in answer["queue_running"]], [row[1] for row in answer["queue_pending"]]


def jobs(url: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"{url}/api/jobs", params=query).json()["jobs"]
    return found


def post(url: str, path: str, body: Any = None) -> Any:
    answer = requests.post(url + path, json=body)
    assert answer.status_code == 200
    return answer.json() if answer.content else None


def test_what_runs_and_waits_is_listed_as_comfyui_lists_it(waiting: tuple[Listener, list[str]]) -> None:
    listener, ids = waiting
    assert requests.get(f"{listener.url}/prompt").json() == {"exec_info": {"queue_remaining": 4}}
    answer, expected = requests.get(f"{listener.url}/queue").json(), captures.answer("queue_1running_3pending")
    assert list(answer) == list(expected)
    for rows, like in (
        (answer["queue_running"], expected["queue_running"]),
        (answer["queue_pending"], expected["queue_pending"]),
    ):
        for row, other in zip(rows, like, strict=True):
            assert [type(cell) for cell in row] == [type(cell) for cell in other]
            assert list(row[3]) == list(other[3])
            assert row[4] == ["4"]
    assert queue(listener.url) == (ids[:1], ids[1:])
    for prompt_id in ids:
        assert requests.get(f"{listener.url}/history/{prompt_id}").json() == {}


def test_jobs_are_listed_as_comfyui_lists_them(waiting: tuple[Listener, list[str]]) -> None:
    listener, ids = waiting
    active = {"status": "pending,in_progress"}
    answer = requests.get(f"{listener.url}/api/jobs", params=active).json()
    expected = captures.answer("jobs_1running_3pending")
    assert outline(answer) == outline(expected)
    assert [job["status"] for job in answer["jobs"]] == [job["status"] for job in expected["jobs"]]
    assert {job["id"] for job in answer["jobs"]} == set(ids)
    assert answer["pagination"] == expected["pagination"]
    for prompt_id in ids:
        job = requests.get(f"{listener.url}/api/jobs/{prompt_id}").json()
        assert job == next(one for one in answer["jobs"] if one["id"] == prompt_id)


def test_the_job_list_is_filtered_sorted_and_paged(waiting: tuple[Listener, list[str]]) -> None:
    listener, ids = waiting
    url = listener.url
    assert [job["id"] for job in jobs(url, status="in_progress")] == ids[:1]
    oldest = [job["id"] for job in jobs(url, status="pending,in_progress", sort_order="asc")]
    assert oldest == ids
    assert jobs(url, status=" PENDING ", sort_by="CREATED_AT", sort_order="ASC")[0]["id"] == ids[1]
    answer = requests.get(f"{url}/api/jobs?status=pending&sort_order=asc&limit=1&offset=1").json()
    assert [job["id"] for job in answer["jobs"]] == [ids[2]]
    assert answer["pagination"] == {"offset": 1, "limit": 1, "total": 3, "has_more": True}
    assert jobs(url, workflow_id="no-such-workflow") == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("limit=0", "limit must be a positive integer"),
        ("limit=x", "limit must be an integer"),
        ("offset=x", "offset must be an integer"),
        ("sort_by=x", "sort_by must be 'created_at' or 'execution_duration'"),
        ("sort_order=x", "sort_order must be 'asc' or 'desc'"),
        (
            "status=a,pending,b",
            "Invalid status value(s): a, b. Valid values: pending, in_progress, completed, failed, cancelled",
        ),
    ],
)
def test_a_bad_query_of_jobs(draft_url: str, query: str, sentence: str) -> None:
    answer = requests.get(f"{draft_url}/api/jobs?{query}")
    assert (answer.status_code, answer.json()) == (400, {"error": sentence})


def test_an_unknown_job(draft_url: str) -> None:
    answer = requests.get(f"{draft_url}/api/jobs/{uuid4()}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Job not found"})


def test_a_deleted_prompt_leaves_no_trace(waiting: tuple[Listener, list[str]]) -> None:
    listener, ids = waiting
    post(listener.url, "/queue", {"delete": [ids[2], "no-such-prompt", ids[0]]})
    assert queue(listener.url) == (ids[:1], [ids[1], ids[3]])
    assert requests.get(f"{listener.url}/history/{ids[2]}").json() == {}
    assert requests.get(f"{listener.url}/api/jobs/{ids[2]}").status_code == 404
    heard = listener.until(lambda message: remaining(message) == 3)
    assert not [message for message in messages(heard) if message["data"].get("prompt_id") == ids[2]]


def test_clearing_leaves_what_runs(waiting: tuple[Listener, list[str]]) -> None:
    listener, ids = waiting
    post(listener.url, "/queue", {"clear": False})
    assert len(queue(listener.url)[1]) == 3
    post(listener.url, "/queue", {"clear": True})
    assert queue(listener.url) == (ids[:1], [])


def test_an_interrupted_prompt_is_told_as_comfyui_tells_it(waiting: tuple[Listener, list[str]]) -> None:
    listener, ids = waiting
    post(listener.url, "/interrupt", {"prompt_id": ids[1]})
    post(listener.url, "/interrupt", {"prompt_id": str(uuid4())})
    assert queue(listener.url)[0] == ids[:1]
    post(listener.url, "/interrupt", {"prompt_id": ids[0]})
    frames = listener.follow(ids[0])
    # The next prompt may begin as soon as this one is in the history.
    kinds = [message["type"] for message in messages(frames)]
    assert kinds[kinds.index("execution_interrupted") :][:3] == ["execution_interrupted", "status", "executing"]
    (told,) = messages(frames, "execution_interrupted")
    recorded = [json.loads(frame) for frame in captures.frames("ws_d_interrupt_pid")]
    (expected,) = messages(recorded, "execution_interrupted")
    assert outline(told["data"]) == outline(expected["data"])
    assert (told["data"]["node_id"], told["data"]["node_type"]) == ("4", "SaveVideo")
    entry = requests.get(f"{listener.url}/history/{ids[0]}").json()[ids[0]]
    assert (entry["status"]["status_str"], entry["status"]["completed"]) == ("error", False)
    assert entry["status"]["messages"][-1] == ["execution_interrupted", told["data"]]
    assert requests.get(f"{listener.url}/api/jobs/{ids[0]}").json()["status"] == "cancelled"
    # The others run on as if nothing had been.
    for prompt_id in ids[1:]:
        listener.follow(prompt_id)
        assert requests.get(f"{listener.url}/api/jobs/{prompt_id}").json()["status"] == "completed"


@pytest.mark.parametrize("body", [None, {}, {"prompt_id": None}, {"prompt_id": ""}])
def test_an_interrupt_without_an_id_stops_what_runs(own_url: str, body: Any) -> None:
    with Listener(own_url) as listener:
        prompt_id = listener.submit(endless())
        listener.until(lambda message: message["type"] == "progress")
        post(own_url, "/interrupt", body)
        assert messages(listener.follow(prompt_id), "execution_interrupted")


def test_an_interrupt_while_idle_harms_nobody(own_url: str) -> None:
    post(own_url, "/interrupt")
    with Listener(own_url) as listener:
        assert messages(listener.run(text("after an interrupt")), "execution_success")


def test_jobs_are_cancelled_wherever_they_are(waiting: tuple[Listener, list[str]]) -> None:
    listener, ids = waiting
    assert post(listener.url, f"/api/jobs/{ids[1]}/cancel") == {"cancelled": True}
    assert queue(listener.url) == (ids[:1], ids[2:])
    assert post(listener.url, f"/api/jobs/{ids[1]}/cancel") == {"cancelled": False}
    assert post(listener.url, "/api/jobs/cancel", {"job_ids": [str(uuid4())]}) == {"cancelled": False}
    assert post(listener.url, "/api/jobs/cancel", {"job_ids": [ids[3], ids[2], ids[0]]}) == {"cancelled": True}
    assert messages(listener.follow(ids[0]), "execution_interrupted")
    assert queue(listener.url) == ([], [])
    assert post(listener.url, f"/api/jobs/{ids[0]}/cancel") == {"cancelled": False}


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"{", {"error": "Request body must be valid JSON"}),
        (b"[]", {"error": "job_ids must be a list"}),
        (b'{"job_ids": "x"}', {"error": "job_ids must be a list"}),
        (b'{"job_ids": ["x", 5]}', {"error": "job_ids contains invalid id(s)", "invalid_ids": ["x", "5"]}),
    ],
)
def test_bad_requests_to_cancel(draft_url: str, body: bytes, answer: dict[str, Any]) -> None:
    received = requests.post(f"{draft_url}/api/jobs/cancel", data=body)
    assert (received.status_code, received.json()) == (400, answer)


def test_numbers_decide_the_order(waiting: tuple[Listener, list[str]]) -> None:
    listener, ids = waiting
    front = listener.submit(text("front"), front=True)
    late = listener.submit(text("late"), number=1e9)
    early = listener.submit(text("early"), number=-1e9)
    assert queue(listener.url)[1] == [early, front, *ids[1:], late]


def test_numbers_count_up_over_refused_posts_too(own_url: str) -> None:
    def number(**body: Any) -> Any:
        return requests.post(f"{own_url}/prompt", json={"prompt": text("n"), **body}).json().get("number")

    first = number()
    assert number(prompt={}) is None
    assert number() == first + 2
    assert number(number=5) == 5.0
    assert number() == first + 3


def test_a_repeated_id_runs_again_and_the_last_is_kept(own_url: str) -> None:
    prompt_id = str(uuid4())
    with Listener(own_url) as listener:
        listener.run(text("first"), prompt_id=prompt_id)
        listener.run(text("second"), prompt_id=prompt_id)
    history = requests.get(f"{own_url}/history").json()
    assert list(history)[-1] == prompt_id
    assert history[prompt_id]["outputs"] == {"1": {"text": ["second"]}}


def test_the_history_is_paged_and_forgotten(own_url: str) -> None:
    post(own_url, "/history", {"clear": True})
    assert requests.get(f"{own_url}/history").json() == {}
    with Listener(own_url) as listener:
        ids = []
        for index in range(4):
            ids.append(listener.submit(text(f"page {index}")))
            listener.follow(ids[-1])

    def listed(query: str) -> list[str]:
        return list(requests.get(f"{own_url}/history?{query}").json())

    assert listed("") == ids
    assert listed("max_items=2") == ids[2:]
    assert listed("max_items=0") == []
    assert listed("max_items=2&offset=1") == ids[1:3]
    assert listed("offset=3") == ids[3:]
    assert listed("max_items=99") == ids
    assert requests.get(f"{own_url}/history?max_items=x").status_code == 500
    post(own_url, "/history", {"delete": [ids[1], "no-such-prompt"]})
    assert listed("") == [ids[0], *ids[2:]]


def test_a_prompt_that_ends_well_in_spite_of_an_interrupt_is_a_success(own_url: str) -> None:
    """An interrupt is only seen at the border of a node and at its progress, as on ComfyUI."""
    with Listener(own_url) as listener:
        prompt_id = listener.submit(text(unused_color()))
        frames = listener.follow(prompt_id)
        assert post(own_url, f"/api/jobs/{prompt_id}/cancel") == {"cancelled": False}
        assert executed_nodes(frames) == ["1"]
        assert requests.get(f"{own_url}/api/jobs/{prompt_id}").json()["status"] == "completed"
