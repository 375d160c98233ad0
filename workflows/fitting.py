"""What a mode needs of its graph: the nodes that bindings and edits name, by title, class and input. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from workflows import manifest
from workflows.build import bindings, outputs
from workflows.change import AddNode, Change, DropNode, Edit, InsertLora, LinkInput, ReplaceNode, SetInput
from workflows.graph import Graph, links, title
from workflows.manifest import Mode


@dataclass(frozen=True)
class Need:
    """One node that a binding or an edit names. `why` is the field bound there, or what the edit does.

    `name` is the input, empty where the node itself is meant; `linked` says that it must be a link, `of_class` that
    the class counts: a node that is replaced may be of any.
    """

    node: str
    name: str
    why: str
    linked: bool = False
    of_class: bool = True

    @property
    def at(self) -> str:
        """ "Title.input", or the title alone."""
        return f"{self.node}.{self.name}" if self.name else self.node


def needs(mode: Mode, changes: Iterable[Change]) -> Iterator[Need]:
    """What the mode's bindings and the changes need of the graph before anything is changed in it."""
    changes = tuple(changes)
    made: set[str] = set()
    given: set[tuple[str, str]] = set()
    for edit in (edit for change in changes for edit in change.edits):
        for need in _of_edit(edit):
            if need.node not in made and (need.node, need.name) not in given:
                yield need
        if isinstance(edit, AddNode | InsertLora):
            made.add(edit.node)
        elif isinstance(edit, ReplaceNode):
            given |= {(edit.node, name) for name in (*edit.inputs, *edit.linked)}
        elif isinstance(edit, LinkInput) and edit.new:
            given.add((edit.at.partition(".")[0], edit.at.partition(".")[2]))
    for at, value in bindings(mode, changes).items():
        node, _, name = at.partition(".")
        if node not in made and (node, name) not in given:
            yield Need(node, name, value)
    for output in outputs(mode, changes):
        if output not in made:
            yield Need(output, "", "the output")


def _of_edit(edit: Edit) -> Iterator[Need]:
    if isinstance(edit, SetInput):
        yield Need(*_split(edit.at), "an edit sets it")
    elif isinstance(edit, LinkInput):
        node, name = _split(edit.at)
        yield Need(node, "" if edit.new else name, "an edit links it")
        yield Need(edit.to, "", "an edit links to it")
    elif isinstance(edit, AddNode | ReplaceNode):
        if isinstance(edit, ReplaceNode):
            yield Need(edit.node, "", "an edit replaces it", of_class=False)
        for source, _ in edit.linked.values():
            yield Need(source, "", "an edit links to it")
    elif isinstance(edit, InsertLora):
        yield Need(edit.after, "", "LoRAs go behind it")
    elif isinstance(edit, DropNode):
        yield Need(edit.node, edit.bypass, "an edit drops it", linked=True)


def _split(at: str) -> tuple[str, str]:
    node, _, name = at.partition(".")
    return node, name


def unmet(mode: Mode, graph: Graph, changes: Iterable[Change]) -> Iterator[str]:
    """One line for every need that the graph doesn't meet, where the mode's own graph sets the classes."""
    classes = {title(node): node["class_type"] for node in manifest.graph(mode.name).values()}
    for need in dict.fromkeys(needs(mode, changes)):
        reason = _missing(need, graph, classes)
        if reason:
            yield f"{need.at} ({need.why}): {reason}"


def _missing(need: Need, graph: Graph, classes: Mapping[str, str]) -> str:
    nodes = [node for node in graph.values() if title(node) == need.node]
    if len(nodes) != 1:
        return f"{len(nodes)} nodes are titled {need.node!r}, one is needed" if nodes else "no node has this title"
    (node,) = nodes
    if need.of_class and node["class_type"] != classes.get(need.node, node["class_type"]):
        return f"the node is a {node['class_type']}, a {classes[need.node]} is needed"
    if need.name and need.name not in node["inputs"]:
        return f"the node has no input {need.name!r}"
    return "the input is no link" if need.linked and need.name not in links(node) else ""
