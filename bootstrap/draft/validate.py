"""Checking a posted graph as ComfyUI does, before it is queued, with ComfyUI's error objects.

Only what an output node depends on is checked. An output that fails is left out and the others run; the prompt is
refused when none is left. Widget values are converted in place to their declared types.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bootstrap.draft.inputcheck import Error, convert, exception, fits, info, is_upload, missing, problem
from bootstrap.draft.links import widgets
from bootstrap.draft.nodes.registry import NODES
from workflows.schema import Interfaces, declared_inputs


class Refused(Exception):
    """The prompt can't run. `error` and `node_errors` are what `POST /prompt` answers with status 400."""

    def __init__(self, error: Error, node_errors: Mapping[str, Any] | None = None) -> None:
        super().__init__(error["message"])
        self.error = error
        self.node_errors = node_errors or {}


@dataclass(frozen=True)
class Accepted:
    """The output nodes that can run, and the errors of those that can't, by node id."""

    outputs: tuple[str, ...]
    node_errors: Mapping[str, Any]


@dataclass
class Verdict:
    """What is known about a node: whether it and all it depends on can run, and its own errors."""

    sound: bool = True
    errors: list[Error] = field(default_factory=list)


def validate(
    graph: dict[str, Any],
    interfaces: Interfaces,
    folders: Mapping[str, Path],
    targets: Container[str] | None = None,
) -> Accepted:
    """Check a graph; `targets` restricts the output nodes to be run. Raises Refused."""
    for node_id, node in graph.items():
        _check_shape(node_id, node, interfaces)
    outputs = [
        node_id
        for node_id, node in graph.items()
        if interfaces[node["class_type"]]["output_node"] and (targets is None or node_id in targets)
    ]
    if not outputs:
        raise Refused(problem("prompt_no_outputs", "Prompt has no outputs", ""))

    validator = _Validator(graph, interfaces, folders)
    node_errors: dict[str, Any] = {}
    reasons: list[str] = []
    sound = []
    for output in outputs:
        verdict = validator.output(output)
        if verdict.sound:
            sound.append(output)
            continue
        reasons += [f"{error['message']}: {error['details']}" for error in verdict.errors]
        for node_id, errors in validator.found():
            entry = {"errors": errors, "dependent_outputs": [], "class_type": graph[node_id]["class_type"]}
            node_errors.setdefault(node_id, entry)["dependent_outputs"].append(output)
    if not sound:
        message = "Prompt outputs failed validation"
        raise Refused(problem("prompt_outputs_failed_validation", message, "\n".join(reasons)), node_errors)
    return Accepted(tuple(sound), node_errors)


def _check_shape(node_id: str, node: Any, interfaces: Interfaces) -> None:
    """Raise Refused for what is no node of ours, reachable or not."""
    if not isinstance(node, dict):
        raise Refused(_invalid(node_id, f"Node 'ID #{node_id}' is not an object. The workflow may be corrupted."))
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, dict) else None
    class_type = node.get("class_type")
    about = {"node_id": node_id, "class_type": class_type, "node_title": title}
    if "class_type" not in node:
        message = (
            f"Node '{title or f'ID #{node_id}'}' has no class_type. "
            "The workflow may be corrupted or a custom node is missing."
        )
        raise Refused(problem("missing_node_type", message, f"Node ID '#{node_id}'", **about))
    if not isinstance(class_type, str) or class_type not in interfaces:
        about["node_title"] = title or class_type
        message = f"Node '{title or class_type}' not found. The custom node may not be installed."
        raise Refused(problem("missing_node_type", message, f"Node ID '#{node_id}'", **about))
    if not isinstance(node.get("inputs"), dict):
        # A real server accepts this and its worker dies of it.
        raise Refused(_invalid(node_id, f"Node '{title or class_type}' has no inputs. The workflow may be corrupted."))


def _invalid(node_id: str, message: str) -> Error:
    return problem("invalid_prompt", message, f"Node ID '#{node_id}'", node_id=node_id)


class _Validator:
    """Verdicts on the nodes of one graph, found depth first from the outputs."""

    def __init__(self, graph: dict[str, Any], interfaces: Interfaces, folders: Mapping[str, Path]) -> None:
        self._graph = graph
        self._interfaces = interfaces
        self._folders = folders
        self._verdicts: dict[str, Verdict] = {}

    def found(self) -> list[tuple[str, list[Error]]]:
        """All nodes so far that have errors of their own."""
        return [(node_id, verdict.errors) for node_id, verdict in self._verdicts.items() if verdict.errors]

    def output(self, node_id: str) -> Verdict:
        """The verdict on an output node."""
        try:
            return self._node(node_id, ())
        except Exception as error:
            known = problem(
                "exception_during_validation", "Exception when validating node", str(error), **exception(error)
            )
            self._verdicts[node_id] = Verdict(False, [known])
            return self._verdicts[node_id]

    def _node(self, node_id: str, path: tuple[str, ...]) -> Verdict:
        if node_id in self._verdicts:
            return self._verdicts[node_id]
        if node_id in path:
            return self._cycle(path[path.index(node_id) :])
        node = self._graph[node_id]
        inputs = node["inputs"]
        declared = declared_inputs(self._interfaces[node["class_type"]], inputs)
        sound = True
        errors: list[Error | None] = []
        for name, (spec, required) in declared.items():
            if name not in inputs:
                errors.append(missing(name) if required else None)
            elif not isinstance(inputs[name], list):
                errors.append(convert(inputs, name, spec))
            elif (wrong := self._link(inputs[name], name, spec)) is not None:
                errors.append(wrong)
            else:
                sound = self._source(inputs[name], name, spec, (*path, node_id)) and sound
        uploads = [name for name, (spec, _) in declared.items() if is_upload(spec)]
        if all(name in widgets(inputs) for name in uploads):
            errors.append(self._own_check(node))
        # A cycle through this node may have been found, and noted, further down.
        own = self._verdicts.get(node_id, Verdict()).errors
        own = own + [error for error in errors if error is not None and error not in own]
        self._verdicts[node_id] = Verdict(sound and not own, own)
        return self._verdicts[node_id]

    def _cycle(self, nodes: tuple[str, ...]) -> Verdict:
        details = " -> ".join(f"{i} ({self._graph[i]['class_type']})" for i in (*nodes, nodes[0]))
        for node_id in nodes:
            error = problem(
                "dependency_cycle", "Dependency cycle detected", details, node_id=node_id, cycle_nodes=list(nodes)
            )
            self._verdicts[node_id] = Verdict(False, [error])
        return self._verdicts[nodes[0]]

    def _link(self, link: list[Any], name: str, spec: list[Any]) -> Error | None:
        """What is wrong with a link itself. One that leads nowhere raises, which `output` and `_source` report."""
        if len(link) != 2:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            return problem("bad_linked_input", message, name, **info(name, spec), received_value=link)
        made = tuple(self._interfaces[self._graph[link[0]]["class_type"]]["output"])[link[1]]
        if fits(made, spec[0]):
            return None
        details = f"{name}, received_type({made}) mismatch input_type({spec[0]})"
        facts = {**info(name, spec), "received_type": made, "linked_node": link}
        return problem("return_type_mismatch", "Return type mismatch between linked nodes", details, **facts)

    def _source(self, link: list[Any], name: str, spec: list[Any], path: tuple[str, ...]) -> bool:
        """Whether the node behind a link is sound. An exception on the way is that node's error."""
        try:
            return self._node(link[0], path).sound
        except Exception as error:
            message = "Exception when validating inner node"
            facts = {**info(name, spec), "exception_message": str(error), **exception(error), "linked_node": link}
            known = problem("exception_during_inner_validation", message, str(error), **facts)
            self._verdicts[link[0]] = Verdict(False, [known])
            return False

    def _own_check(self, node: Mapping[str, Any]) -> Error | None:
        """What the node itself says about its widget values."""
        check = NODES[node["class_type"]].check
        refusal = None if check is None else check(self._folders, widgets(node["inputs"]))
        if refusal is None:
            return None
        name, sentence = refusal
        message = "Custom validation failed for node"
        return problem("custom_validation_failed", message, f"{name} - {sentence}", input_name=name)
