"""What has run: entries as `GET /history` gives them, the newest ten thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LIMIT = 10_000

Message = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Entry:
    """A prompt that has ended.

    `prompt` is its row `[number, prompt_id, graph, extra_data, outputs]`; `messages` the timestamped events, the last
    of which says how it ended; `outputs` and `meta` are by node id.
    """

    prompt: Sequence[Any]
    messages: Sequence[Message]
    outputs: Mapping[str, Mapping[str, Any]]
    meta: Mapping[str, Mapping[str, Any]]

    @property
    def ending(self) -> str:
        """The name of the last message."""
        return self.messages[-1][0] if self.messages else ""

    @property
    def succeeded(self) -> bool:
        """Whether the prompt ran to its end."""
        return self.ending == "execution_success"

    def status(self) -> dict[str, Any]:
        """ComfyUI's `status` object; an interrupted prompt is an error there, too."""
        return {
            "status_str": "success" if self.succeeded else "error",
            "completed": self.succeeded,
            "messages": [[kind, data] for kind, data in self.messages],
        }

    def as_json(self) -> dict[str, Any]:
        """The entry as `/history` lists it."""
        return {"prompt": self.prompt, "outputs": self.outputs, "status": self.status(), "meta": self.meta}


class History:
    """Entries by prompt id, oldest first. Not thread-safe: `PromptQueue` holds the lock."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def add(self, prompt_id: str, entry: Entry) -> None:
        """Add an entry as the newest; an id that ran twice keeps its last."""
        self._entries.pop(prompt_id, None)
        while len(self._entries) >= LIMIT:
            del self._entries[next(iter(self._entries))]
        self._entries[prompt_id] = entry

    def delete(self, prompt_id: str) -> None:
        """Delete one entry, if it is there."""
        self._entries.pop(prompt_id, None)

    def clear(self) -> None:
        """Delete all."""
        self._entries.clear()

    def all(self) -> dict[str, Entry]:
        """A copy of the table."""
        return dict(self._entries)
