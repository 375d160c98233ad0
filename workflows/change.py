"""What may be changed in a graph, as manifests write it: edits, and the bindings that go with them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Constraint


class Frozen(BaseModel):
    """A piece of a manifest: never changed, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SetInput(Frozen):
    """Set the input `at` ("Title.input") to a literal value."""

    op: Literal["set"]
    at: str
    value: Any


class LinkInput(Frozen):
    """Link the input `at` to output `slot` of the node titled `to`; `new` is for an optional input not yet there."""

    op: Literal["link"]
    at: str
    to: str
    slot: int = 0
    new: bool = False


class AddNode(Frozen):
    """Add a node; `linked` maps an input to (title, slot) of its source."""

    op: Literal["add"]
    node: str
    class_type: str
    inputs: dict[str, Any] = {}
    linked: dict[str, tuple[str, int]] = {}


class ReplaceNode(Frozen):
    """Give the node another class and other inputs; `linked` maps an input to (title, slot) of its source."""

    op: Literal["replace"]
    node: str
    class_type: str
    inputs: dict[str, Any] = {}
    linked: dict[str, tuple[str, int]] = {}


class InsertLora(Frozen):
    """Put a LoRA loader titled `node` behind the model of the node titled `after`."""

    op: Literal["lora"]
    after: str
    node: str
    lora_name: str
    strength: float = 1.0


class DropNode(Frozen):
    """Remove a node; its users get what its input `bypass` was linked to."""

    op: Literal["drop"]
    node: str
    bypass: str


Edit = Annotated[SetInput | LinkInput | AddNode | ReplaceNode | InsertLora | DropNode, Constraint(discriminator="op")]


class Change(Frozen):
    """One change of a graph.

    `bind` maps "Title.input" to the name of the value that goes there; an empty name undoes a binding of the mode.
    `outputs` are titles of output nodes that the edits add to the mode's own.
    """

    edits: tuple[Edit, ...] = ()
    bind: dict[str, str] = {}
    outputs: tuple[str, ...] = ()
