"""A plain ComfyUI client, as anybody might write one: it submits graphs and listens to the websocket."""

from __future__ import annotations

import itertools
import json
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Any
from uuid import uuid4

import requests
import websocket

Graph = dict[str, Any]
Message = dict[str, Any]

COLORS = itertools.count(0x100000)

PATIENCE = 30.0
"""Seconds without a frame after which a test gives up."""


class Listener:
    """A connected client. With `flags` it asks for previews with metadata, as its first message.

    `heard` holds every frame so far: text frames decoded, binary ones as bytes.
    """

    def __init__(self, url: str, client_id: str | None = None, flags: bool = True) -> None:
        self.url = url
        self.client_id = client_id or uuid4().hex
        self.heard: list[Message | bytes] = []
        address = url.replace("http", "ws", 1)
        self.socket = websocket.create_connection(f"{address}/ws?clientId={self.client_id}", timeout=PATIENCE)
        if flags:
            self.socket.send(json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}}))
            self.until(lambda message: message["type"] == "feature_flags")

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.socket.close()

    def listen(self) -> Message | bytes:
        """The next frame."""
        opcode, data = self.socket.recv_data()
        frame: Message | bytes = json.loads(data) if opcode == websocket.ABNF.OPCODE_TEXT else data
        self.heard.append(frame)
        return frame

    def until(self, wanted: Callable[[Message], bool]) -> list[Message | bytes]:
        """Everything heard from now on up to the first wanted message, that included."""
        frames = []
        while True:
            frames.append(self.listen())
            if isinstance(frames[-1], dict) and wanted(frames[-1]):
                return frames

    def submit(self, graph: Graph, **more: Any) -> str:
        """Post a graph; its prompt id."""
        answer = requests.post(f"{self.url}/prompt", json={"prompt": graph, "client_id": self.client_id, **more})
        assert answer.status_code == 200, answer.text
        prompt_id: str = answer.json()["prompt_id"]
        return prompt_id

    def follow(self, prompt_id: str) -> list[Message | bytes]:
        """Everything heard up to the end of a prompt."""
        return self.until(lambda message: is_end(message, prompt_id))

    def run(self, graph: Graph, **more: Any) -> list[Message | bytes]:
        """Submit a graph and follow it."""
        return self.follow(self.submit(graph, **more))


def is_end(message: Message, prompt_id: str) -> bool:
    """Whether a message says that a prompt is over."""
    return message["type"] == "executing" and message["data"] == {"node": None, "prompt_id": prompt_id}


def messages(frames: list[Message | bytes], *kinds: str) -> list[Message]:
    """The text frames, or those of these types."""
    return [frame for frame in frames if isinstance(frame, dict) and (not kinds or frame["type"] in kinds)]


def executed_nodes(frames: list[Message | bytes]) -> list[str]:
    """The nodes that ran, in their order."""
    return [frame["data"]["node"] for frame in messages(frames, "executing") if frame["data"]["node"]]


def event(frame: bytes) -> int:
    """The event number of a binary frame."""
    number: int = struct.unpack(">I", frame[:4])[0]
    return number


def video(color: int = 255, prefix: str = "probe/clip", **image: int) -> Graph:
    """EmptyImage and EmptyAudio to CreateVideo to SaveVideo, the graph of the recorded transcripts."""
    size = {"width": 256, "height": 256, "batch_size": 24, "color": color}
    return {
        "1": {"class_type": "EmptyImage", "inputs": {**size, **image}},
        "3": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 24.0, "audio": ["2", 0]}},
        "4": {
            "class_type": "SaveVideo",
            "inputs": {"video": ["3", 0], "filename_prefix": prefix, "format": "auto", "codec": "auto"},
        },
        "2": {"class_type": "EmptyAudio", "inputs": {"duration": 1.0, "sample_rate": 44100, "channels": 2}},
    }


def text(value: Any) -> Graph:
    """A graph that shows a value; it takes no time."""
    return {"1": {"class_type": "PreviewAny", "inputs": {"source": value}}}


def endless() -> Graph:
    """A graph that is busy until it is interrupted; far longer than any test waits."""
    return video(unused_color(), prefix="endless/clip", width=2048, height=2048, batch_size=4096)


def unused_color() -> int:
    """A colour that no other graph of the session has, so that nothing of it is cached."""
    return next(COLORS)
