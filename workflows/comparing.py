"""Does a graph from outside serve as a mode's graph? Compared for every preset and choice of the mode. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workflows import fitting, manifest, schema
from workflows import graph as edit
from workflows.build import Capabilities, bindings, build, changes_of
from workflows.checking import SAMPLE_LORA, problems, samples
from workflows.graph import Graph, GraphError, title
from workflows.manifest import Mode
from workflows.models import ModelUse, UploadUse, models_in, uploads_in
from workflows.request import Request


@dataclass(frozen=True)
class Report:
    """What a comparison found.

    `unbound`: what bindings and edits don't find. `classes`: titles of nodes by a class that the engine lacks.
    `models`: files it lacks. `others`: what else it would refuse in this graph, but not in the mode's own. `optional`:
    classes and files it lacks that the mode's own presets and choices add, with any graph. `uploads`: files that
    loaders name and that no field of the mode replaces, whether the engine has them or not. `unused`: titles of the
    nodes that the mode never sends, `unused_ids` their ids.
    """

    unbound: tuple[str, ...]
    classes: Mapping[str, tuple[str, ...]]
    models: tuple[ModelUse, ...]
    others: tuple[str, ...]
    optional: tuple[str, ...]
    uploads: tuple[UploadUse, ...]
    unused: tuple[str, ...]
    unused_ids: frozenset[str]

    @property
    def fits(self) -> bool:
        """Whether the graph serves, as far as uploads are not concerned."""
        return not (self.unbound or self.classes or self.models or self.others)


def with_titles_apart(graph: Graph, mode: Mode) -> Graph:
    """Every node with a title of its own: one that others have, too, gets its id behind it.

    Titles that the mode asks for stay as they are, so that two nodes of such a title are found.
    """
    titles = [title(node) for node in graph.values()]
    wanted = {need.node for _, request in _requests(mode) for need in fitting.needs(mode, changes_of(request))}

    def apart(node_id: str, name: str) -> str:
        return name if titles.count(name) == 1 or name in wanted else f"{name} ({node_id})"

    return {node_id: {**node, "_meta": {"title": apart(node_id, title(node))}} for node_id, node in graph.items()}


def compare(mode: Mode, graph: Graph, interfaces: schema.Interfaces) -> Report:
    """Compare a graph with what the mode needs and the engine has; titles are to be apart, as above."""
    capabilities = Capabilities.from_object_info(interfaces)
    unbound: dict[str, None] = {}
    refused: dict[str, None] = {}
    used: set[str] = set()
    fixed: list[Graph] = []
    for name, request in _requests(mode):
        missing = list(fitting.unmet(mode, graph, changes_of(request)))
        unbound |= dict.fromkeys(missing)
        if missing:
            continue
        try:
            built = build(request, capabilities, graph)
        except GraphError as error:
            refused[f"{name}: {error}"] = None
            continue
        used |= built.keys()
        fixed.append(built)
        unbound |= dict.fromkeys(_without_effect(mode, request, built))
        ours = build(request, capabilities)
        accepted = {*problems(request, ours, interfaces)}
        refused |= dict.fromkeys(found for found in problems(request, built, interfaces, True) if found not in accepted)
    sent = {node_id: node for node_id, node in graph.items() if node_id in (used or _reached(mode, graph))}
    classes = _lacking_classes([sent], interfaces)
    models = _lacking_models([sent], capabilities)
    added = [
        *_lacking_classes(fixed, interfaces),
        *(use.file for use in _lacking_models(fixed, capabilities)),
    ]
    said = {f"{name}: the engine has no node {class_type}" for class_type, names in classes.items() for name in names}
    files = tuple(f"{use.title}.{use.path}: {use.file!r} is not one of" for use in models)
    return Report(
        unbound=tuple(unbound),
        classes=classes,
        models=models,
        others=tuple(problem for problem in refused if problem not in said and not problem.startswith(files)),
        optional=tuple(name for name in added if name not in {*classes, *(use.file for use in models)}),
        uploads=tuple(use for use in uploads_in(graph, interfaces) if f"{use.title}.{use.name}" not in _media(mode)),
        unused=tuple(title(node) for node_id, node in graph.items() if node_id not in sent),
        unused_ids=frozenset(graph.keys() - sent.keys()),
    )


def _requests(mode: Mode) -> Iterator[tuple[str, Request]]:
    for preset in mode.presets:
        for chosen, request in samples(mode, preset):
            yield f"{mode.name} {preset.name} {chosen}".strip(), request


def _reached(mode: Mode, graph: Graph) -> set[str]:
    """What the mode's output depends on before any edit; all nodes where there is no such output."""
    try:
        return {*edit.prune(graph, mode.output)}
    except GraphError:
        return {*graph}


def _without_effect(mode: Mode, request: Request, built: Graph) -> Iterator[str]:
    """Bindings that reach the output in the mode's own graph, but not in this one: a setting would do nothing."""
    ours = {title(node) for node in build(request).values()}
    theirs = {title(node) for node in built.values()}
    for at, value in bindings(mode, changes_of(request)).items():
        node = at.partition(".")[0]
        if node in ours - theirs:
            yield f"{at} ({value}): nothing that {mode.output!r} saves comes from this node"


def _lacking_classes(graphs: list[Graph], interfaces: schema.Interfaces) -> dict[str, tuple[str, ...]]:
    lacking: dict[str, dict[str, None]] = {}
    for node in (node for graph in graphs for node in graph.values()):
        if node["class_type"] not in interfaces:
            lacking.setdefault(node["class_type"], {})[title(node)] = None
    return {class_type: tuple(names) for class_type, names in lacking.items()}


def _lacking_models(graphs: list[Graph], capabilities: Capabilities) -> tuple[ModelUse, ...]:
    """The files that are not there, each place that names one once."""
    named = {use: None for graph in graphs for use in models_in(graph) if use.file != SAMPLE_LORA}
    return tuple(use for use in named if lacks(use, capabilities))


def lacks(use: ModelUse, capabilities: Capabilities) -> bool:
    """Whether the engine has no such model file; False where it offers no list to look into.

    A row of a node with many is looked up among the files of the nodes that take one such file.
    """
    options = capabilities.options
    key = use.path.rpartition(".")[2]
    if use.path == key:
        listed = [options.get((use.class_type, use.path), ())]
    else:
        listed = [names for (_, name), names in options.items() if name in (key, f"{key}_name")]
    known = {_basename(option) for names in listed for option in names}
    return bool(known) and _basename(use.file) not in known


def _basename(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _media(mode: Mode) -> set[str]:
    """The inputs that get the request's own files, under any preset and choice."""
    fields = {field.name for field in mode.fields if field.type in manifest.MEDIA_TYPES}
    return {
        at
        for _, request in _requests(mode)
        for at, value in bindings(mode, changes_of(request)).items()
        if value in fields
    }
