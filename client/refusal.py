"""Why a server said no, in our own codes. Pure.

The useful part of a refused `POST /prompt` is `node_errors[id].errors[]`; `error.details` is mostly empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from client.states import Failed
from client.views import Errored
from workflows.errors import StudioError

DETAIL_LENGTH = 2000
MODEL_INPUTS = ("ckpt_name", "lora_name", "text_encoder", "model_name", "unet_name", "vae_name", "clip_name")
UNKNOWN_NODE_TYPES = ("missing_node_type", "invalid_prompt")
OUT_OF_MEMORY = ("MemoryError", "OOM")
SAID_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "not enough gpu video memory",
    "_status_alloc_failed",
)
"""What torch says of memory in errors of other types: on Metal, the CPU, DirectML, by cuBLAS and cuDNN; and Linux."""


def explain(status: int, payload: Mapping[str, Any]) -> StudioError:
    """The error for an answer to `POST /prompt` that is not a plain yes."""
    error = payload.get("error")
    error = error if isinstance(error, Mapping) else {}
    if status == 413:
        return StudioError("graph_too_large")
    if status >= 500:
        return StudioError("engine_error", status=status)
    if error.get("type") in UNKNOWN_NODE_TYPES:
        return StudioError("node_missing", reason=error.get("message", ""))
    for found in node_errors(payload):
        name, value = found.get("input_name"), found.get("received_value")
        if found["type"] == "value_not_in_list" and name in MODEL_INPUTS:
            return StudioError("model_missing", value=value)
        if found["type"] == "custom_validation_failed":
            return StudioError("upload_missing", reason=found["details"])
    return StudioError("graph_refused", reason=reason(payload) or f"status {status}")


def node_errors(payload: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each error of each node: its type, message, details, and the input and value concerned."""
    for entry in (payload.get("node_errors") or {}).values():
        for error in entry.get("errors", []):
            yield {
                "class_type": entry.get("class_type", ""),
                "type": error.get("type", ""),
                "message": error.get("message", ""),
                "details": error.get("details", ""),
                **(error.get("extra_info") or {}),
            }


def reason(payload: Mapping[str, Any]) -> str:
    """What the server said, in one line."""
    found = [f"{e['class_type']}: {e['message']} ({e['details']})" for e in node_errors(payload)]
    error = payload.get("error")
    if not found and error:
        found = [str(error.get("message", "")) if isinstance(error, Mapping) else str(error)]
    return "; ".join(found)[:DETAIL_LENGTH]


def failure(errored: Errored) -> StudioError:
    """The error for a prompt that failed while it ran."""
    said = errored.message.lower()
    if any(name in errored.exception_type for name in OUT_OF_MEMORY) or any(words in said for words in SAID_OF_MEMORY):
        return StudioError("out_of_memory", node=errored.node_type)
    first_line = errored.message.partition("\n")[0] or errored.exception_type or "no reason given"
    return StudioError("execution_failed", node=errored.node_type or "A node", reason=first_line[:300])


def failed(error: StudioError, detail: str = "") -> Failed:
    """The state of a job that ended with this error."""
    return Failed(error.code, error.message, error.hint, error.retryable, detail)
