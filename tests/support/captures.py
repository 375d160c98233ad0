"""Frames and answers recorded from real servers."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "captures"
JPEG = b"\xff\xd8\xff\xe0picture"


def frames(name: str) -> list[str | bytes]:
    """The frames of a recorded socket; binary ones are rebuilt from their recorded header around a short picture."""
    recorded = [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text().splitlines()]
    return [frame for entry in recorded if (frame := _frame(entry)) is not None]


def _frame(entry: dict[str, Any]) -> str | bytes | None:
    if "text" in entry:
        return json.dumps(entry["text"])
    if "meta" in entry:
        meta = json.dumps(entry["meta"]).encode()
        return struct.pack(">II", entry["event"], len(meta)) + meta + JPEG
    return struct.pack(">II", entry["event"], 1) + JPEG if "event" in entry else None


def prompt_ids(name: str) -> list[str]:
    """The prompts a recorded socket heard of, in their order."""
    ids: dict[str, None] = {}
    for frame in frames(name):
        if isinstance(frame, str):
            prompt_id = json.loads(frame)["data"].get("prompt_id")
            if prompt_id:
                ids[prompt_id] = None
    return list(ids)


def answer(name: str) -> Any:
    """A recorded JSON answer; an HTTP head in front is skipped."""
    text = (FOLDER / f"{name}.json").read_text()
    return json.loads(text[text.index("{") :] if text.startswith("HTTP") else text)
