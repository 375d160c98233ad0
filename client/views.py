"""What HTTP says about a prompt, read from the answers of servers of any age. Pure.

A prompt is Pending, InProgress, Completed, Errored or Interrupted, or the server does not know it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

VIDEO_EXTENSIONS = (".mp4", ".webm", ".mov", ".mkv")


@dataclass(frozen=True)
class EngineFile:
    """A file as the engine names it; `GET /view` takes these three."""

    filename: str
    subfolder: str
    type: str


@dataclass(frozen=True)
class Pending:
    """Waiting; `ahead` jobs run or wait before it."""

    ahead: int


@dataclass(frozen=True)
class InProgress:
    """Being executed."""


@dataclass(frozen=True)
class Completed:
    """Executed; `files` are its videos, `texts` what nodes have shown as text, by node id."""

    files: tuple[EngineFile, ...]
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Errored:
    """A node raised: its class, the exception's type and message, and the traceback's last lines."""

    node_type: str
    exception_type: str
    message: str
    traceback: str


@dataclass(frozen=True)
class Interrupted:
    """Stopped on somebody's request."""


@dataclass(frozen=True)
class Unknown:
    """The server has never heard of it, or has forgotten it."""


View = Pending | InProgress | Completed | Errored | Interrupted | Unknown


def from_history(entry: Mapping[str, Any]) -> View:
    """The view in an entry of `GET /history/{id}`."""
    status = entry.get("status") or {}
    messages = dict(message for message in status.get("messages") or [] if len(message) == 2)
    if "execution_interrupted" in messages:
        return Interrupted()
    if "execution_error" in messages:
        return _errored(messages["execution_error"])
    if status.get("status_str", "success") != "success":
        return Errored("", "", "The engine gave no reason.", "")
    outputs = entry.get("outputs") or {}
    return Completed(tuple(video_files(outputs)), texts(outputs))


def _errored(data: Mapping[str, Any]) -> Errored:
    traceback = data.get("traceback") or []
    return Errored(
        node_type=str(data.get("node_type", "")),
        exception_type=str(data.get("exception_type", "")),
        message=str(data.get("exception_message", "")).strip(),
        traceback="".join(map(str, traceback[-3:])),
    )


def video_files(outputs: Mapping[str, Any]) -> Iterator[EngineFile]:
    """The videos among a prompt's outputs. SaveVideo lists them as `images`, so the extension decides."""
    for node_output in outputs.values():
        for entries in (node_output or {}).values():
            for entry in entries if isinstance(entries, list) else ():
                if isinstance(entry, Mapping) and str(entry.get("filename", "")).lower().endswith(VIDEO_EXTENSIONS):
                    yield EngineFile(entry["filename"], entry.get("subfolder", ""), entry.get("type", "output"))


def texts(outputs: Mapping[str, Any]) -> dict[str, str]:
    """The texts among a prompt's outputs, by node id. PreviewAny lists its one as `text`."""
    found = {node_id: text_of(node_output) for node_id, node_output in outputs.items()}
    return {node_id: text for node_id, text in found.items() if text}


def text_of(node_output: Any) -> str:
    """The text in a node's output; empty where there is none."""
    shown = node_output.get("text") if isinstance(node_output, Mapping) else None
    return "\n".join(part for part in shown if isinstance(part, str)).strip() if isinstance(shown, list) else ""


def from_jobs(rows: Sequence[Mapping[str, Any]], prompt_id: str) -> View:
    """The view in the rows of `GET /api/jobs?status=pending,in_progress`."""
    running = [row["id"] for row in rows if row["status"] == "in_progress"]
    waiting = sorted((row.get("priority") or 0, row["id"]) for row in rows if row["status"] == "pending")
    return _placed(running, [row_id for _, row_id in waiting], prompt_id)


def from_queue(queue: Mapping[str, Any], prompt_id: str) -> View:
    """The view in `GET /queue`. Pending items come in heap order, so their numbers decide."""
    running = [item[1] for item in queue["queue_running"]]
    waiting = sorted((item[0], item[1]) for item in queue["queue_pending"])
    return _placed(running, [item_id for _, item_id in waiting], prompt_id)


def _placed(running: list[str], waiting: list[str], prompt_id: str) -> View:
    if prompt_id in running:
        return InProgress()
    if prompt_id in waiting:
        return Pending(len(running) + waiting.index(prompt_id))
    return Unknown()
