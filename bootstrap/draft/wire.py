"""Websocket frames as ComfyUI sends them: JSON text, and binary previews behind big-endian uint32 words."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PREVIEW_IMAGE = 1
PREVIEW_IMAGE_WITH_METADATA = 4
JPEG = 1


@dataclass(frozen=True)
class Frame:
    """One websocket message.

    `droppable` frames may be left out for a client that reads too slowly. `metadata` is None where the frame suits
    everybody, else whether it is meant for clients that asked for previews with metadata.
    """

    payload: str | bytes
    droppable: bool = False
    metadata: bool | None = None


def exception_type(error: BaseException) -> str:
    """The full name of an exception's class, built-in ones without their module."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def message(kind: str, data: Mapping[str, Any], droppable: bool = False) -> Frame:
    """A text frame `{"type": kind, "data": data}`."""
    return Frame(json.dumps({"type": kind, "data": data}), droppable)


def status(remaining: int, sid: str | None = None) -> Frame:
    """How many prompts run or wait; `sid` only in a socket's first one."""
    data: dict[str, Any] = {"status": {"exec_info": {"queue_remaining": remaining}}}
    return message("status", data if sid is None else {**data, "sid": sid})


def preview(jpeg: bytes, everybody: bool = False) -> Frame:
    """A preview as older clients know it: which node it belongs to is not said."""
    head = struct.pack(">II", PREVIEW_IMAGE, JPEG)
    return Frame(head + jpeg, droppable=True, metadata=None if everybody else False)


def preview_with_metadata(jpeg: bytes, about: Mapping[str, Any]) -> Frame:
    """A preview that says which node and prompt it belongs to."""
    described = json.dumps({**about, "image_type": "image/jpeg"}).encode()
    head = struct.pack(">II", PREVIEW_IMAGE_WITH_METADATA, len(described))
    return Frame(head + described + jpeg, droppable=True, metadata=True)
