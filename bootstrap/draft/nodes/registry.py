"""What a node is to the draft engine: a function, registered under ComfyUI's class name.

Its interface (inputs, types, ranges, outputs) is not declared here but in `workflows/schema.json`, as a real server
reports it. A node function gets a `Context` and its inputs by name, widgets and links alike, and returns its outputs
as a tuple in the schema's order, or a `Result` where it also has something to show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class Interrupted(Exception):
    """Raised inside a node when somebody has asked for the running prompt to stop."""


class Context(Protocol):
    """What the executor gives to a running node."""

    node_id: str
    folders: Mapping[str, Path]
    """Absolute folders by type: "input", "output", "temp"."""
    graph: Mapping[str, Any]
    extra_pnginfo: Mapping[str, Any]

    def progress(self, value: int, maximum: int, preview: bytes | None = None) -> None:
        """Report `value` of `maximum` (a `progress` message), with a JPEG to show if there is one.

        Raises Interrupted when the prompt has been interrupted, so call it at every unit of work.
        """

    def path(self, name: str) -> Path:
        """The file behind a widget value such as "sub/a.png" or "c.png [output]"; only inside the known folders."""


@dataclass(frozen=True)
class Result:
    """Outputs of a node, and `ui`: what an `executed` message and the history carry for it."""

    outputs: tuple[Any, ...] = ()
    ui: Mapping[str, Any] | None = None


NodeFunction = Callable[..., tuple[Any, ...] | Result]


@dataclass(frozen=True)
class Node:
    """A registered node.

    `check(folders, inputs)` returns None or ComfyUI's sentence for an unusable widget value ("Invalid image file: x").
    `fingerprint(folders, inputs)` returns what besides its inputs decides the result (the hash of a file).
    """

    run: NodeFunction
    check: Callable[[Mapping[str, Path], Mapping[str, Any]], tuple[str, str] | None] | None = field(default=None)
    fingerprint: Callable[[Mapping[str, Path], Mapping[str, Any]], str] | None = field(default=None)


NODES: dict[str, Node] = {}


def node(class_type: str, *, check: Any = None, fingerprint: Any = None) -> Callable[[NodeFunction], NodeFunction]:
    """Register the decorated function as the node `class_type`."""

    def register(run: NodeFunction) -> NodeFunction:
        NODES[class_type] = Node(run, check, fingerprint)
        return run

    return register
