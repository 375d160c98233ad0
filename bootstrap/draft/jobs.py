"""Jobs as `/api/jobs` describes them: prompts, whether waiting, running or ended, in one form. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bootstrap.draft.history import Entry
from bootstrap.draft.promptqueue import Prompt, Snapshot

Job = dict[str, Any]

STATUSES = ("pending", "in_progress", "completed", "failed", "cancelled")
ENDINGS = {
    "execution_success": "completed",
    "execution_error": "failed",
    "execution_interrupted": "cancelled",
}
PREVIEWABLE = ("images", "video", "audio", "3d", "text")
TEXT_PREVIEW_LENGTH = 1024


def everything(now: Snapshot) -> list[Job]:
    """All jobs, without their outputs."""
    return [
        *(_queued(prompt, "in_progress") for prompt in now.running),
        *(_queued(prompt, "pending") for prompt in now.pending),
        *(_ended(entry) for entry in now.finished.values()),
    ]


def find(now: Snapshot, prompt_id: str) -> Job | None:
    """One job, with its outputs, status and graph if it has ended; None if there is none."""
    entry = now.finished.get(prompt_id)
    if entry is not None:
        _, _, graph, extra_data, _ = entry.prompt
        workflow = {"prompt": graph, "extra_data": extra_data}
        return {**_ended(entry), "outputs": entry.outputs, "execution_status": entry.status(), "workflow": workflow}
    waiting = [job for job in everything(Snapshot(now.running, now.pending, {})) if job["id"] == prompt_id]
    return waiting[0] if waiting else None


def sort_key(job: Mapping[str, Any], by: str) -> int:
    """What to sort by: "created_at" (milliseconds since 1970) or "execution_duration" (milliseconds)."""
    if by == "created_at":
        return int(job.get("create_time", 0))
    start, end = job.get("execution_start_time"), job.get("execution_end_time")
    return int(end - start) if start and end else 0


def _queued(prompt: Prompt, status: str) -> Job:
    return _common(prompt.row(), status) | {"outputs_count": 0} | _workflow_id(prompt.extra_data)


def _ended(entry: Entry) -> Job:
    messages = dict(entry.messages)
    error = messages.get("execution_error")
    start, end = messages.get("execution_start"), messages.get(entry.ending)
    shown = list(_shown(entry.outputs))
    preview = _preview(shown)
    return (
        _common(entry.prompt, ENDINGS.get(entry.ending, "failed"))
        | ({"execution_start_time": start["timestamp"]} if start else {})
        | ({"execution_end_time": end["timestamp"]} if end else {})
        | ({"execution_error": error} if error else {})
        | {"outputs_count": len(shown)}
        | ({"preview_output": preview} if preview else {})
        | _workflow_id(entry.prompt[3])
    )


def _common(row: Any, status: str) -> Job:
    return {"id": row[1], "status": status, "priority": row[0], "create_time": row[3]["create_time"]}


def _workflow_id(extra_data: Mapping[str, Any]) -> Job:
    workflow_id = extra_data.get("extra_pnginfo", {}).get("workflow", {}).get("id")
    return {} if workflow_id is None else {"workflow_id": workflow_id}


def _shown(outputs: Mapping[str, Mapping[str, Any]]) -> Iterator[Job]:
    """Every file or text that the nodes show, with the node and the kind it is shown as."""
    for node_id, output in outputs.items():
        for kind, items in output.items():
            if kind == "animated" or not isinstance(items, list):
                continue
            for item in items:
                if isinstance(item, dict):
                    yield {**item, "nodeId": node_id, "mediaType": item.get("mediaType", kind)}
                elif kind == "text":
                    yield {**_text(str(item)), "nodeId": node_id, "mediaType": kind}


def _text(text: str) -> Job:
    if len(text) <= TEXT_PREVIEW_LENGTH:
        return {"content": text}
    return {"content": text[:TEXT_PREVIEW_LENGTH], "truncated": True}


def _preview(shown: list[Job]) -> Job | None:
    """What to show of a job: the first finished file, else the first thing that can be shown."""
    previewable = [item for item in shown if item["mediaType"] in PREVIEWABLE]
    finished = [item for item in previewable if item.get("type") == "output"]
    return next(iter(finished + previewable), None)
