"""How far a graph has come: which node belongs to which stage, and what share of the work it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workflows.graph import Graph, title
from workflows.manifest import Mode, Preset


@dataclass(frozen=True)
class Plan:
    """Stages in order, and for each node id its stage (index) and weight. Weights of the whole plan sum to 1."""

    stages: tuple[str, ...]
    nodes: Mapping[str, tuple[int, float]]


def plan(mode: Mode, preset: Preset, graph: Graph) -> Plan:
    """The plan for a graph built with the preset, by the manifest's weights: only the stages that have nodes in it."""
    ids = {title(node): node_id for node_id, node in graph.items()}
    stages = [
        (
            stage.title,
            {ids[name]: preset.weights.get(name, weight) for name, weight in stage.nodes.items() if name in ids},
        )
        for stage in mode.stages
    ]
    present = [(name, nodes) for name, nodes in stages if nodes]
    total = sum(weight for _, nodes in present for weight in nodes.values())
    return Plan(
        stages=tuple(name for name, _ in present),
        nodes={
            node_id: (index, weight / total)
            for index, (_, nodes) in enumerate(present)
            for node_id, weight in nodes.items()
        },
    )
