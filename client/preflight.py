"""Can a server make what the studio asks of it? For each mode: ready, or exactly what is missing and where it is had.

The judgement is pure: the graphs of every mode, preset and choice are built for the server and compared with its nodes
(`GET /object_info`). `ask` gets what it needs over HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from client.transport import Server, Unreachable
from workflows import manifest, own, registry, schema
from workflows.build import Capabilities, build
from workflows.checking import SAMPLE_LORA, problems, samples
from workflows.errors import StudioError
from workflows.graph import Graph, GraphError
from workflows.manifest import Mode, Preset
from workflows.models import is_model_file
from workflows.request import Request
from workflows.schema import Interfaces


@dataclass(frozen=True)
class MissingFile:
    """A model file that no loader of the server lists.

    `bytes` is its size as published, None where nobody says; `folder` is the one within the models folder that it
    belongs in, `page` and `url` where it is had, `licence` the page with its terms; all "" for a file that the registry
    doesn't know. `elsewhere` is the folder in which the server has a file of that name, "" where it has none.
    """

    file: str
    title: str = ""
    folder: str = ""
    bytes: int | None = None
    page: str = ""
    url: str = ""
    licence: str = ""
    gated: bool = False
    elsewhere: str = ""


@dataclass(frozen=True)
class Gap:
    """What a server lacks for some graphs: node classes, files, and sentences on whatever else doesn't fit."""

    nodes: tuple[str, ...] = ()
    files: tuple[MissingFile, ...] = ()
    other: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is missing."""
        return not (self.nodes or self.files or self.other)

    def sentence(self) -> str:
        """What is missing, in one sentence that names the first of each kind; "" where nothing is."""
        parts = [
            *([_listing("the node", self.nodes)] if self.nodes else []),
            *([_listing("the file", [_described(file) for file in self.files])] if self.files else []),
        ]
        if parts:
            return f"The server lacks {' and '.join(parts)}."
        return f"The graph does not fit the server: {self.other[0]}." if self.other else ""

    def lines(self) -> list[str]:
        """All that is missing, one line a kind."""
        kinds = {"nodes": self.nodes, "files": tuple(file.file for file in self.files)}
        lacking = [f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names]
        return [*lacking, *(f"the graph does not fit: {one}" for one in self.other)]


@dataclass(frozen=True)
class PresetCheck:
    """A preset with the defaults."""

    name: str
    gap: Gap


@dataclass(frozen=True)
class ChoiceCheck:
    """A choice beside the defaults, as `control=depth`, that lacks more than every preset does."""

    name: str
    gap: Gap


@dataclass(frozen=True)
class ModeCheck:
    """A mode on a server. `needs` is the version that its nodes came with, where the server is older or doesn't say."""

    name: str
    title: str
    presets: tuple[PresetCheck, ...]
    choices: tuple[ChoiceCheck, ...] = ()
    needs: str = ""
    version: str = ""

    @property
    def ready(self) -> bool:
        """Whether every preset can run."""
        return all(preset.gap.empty for preset in self.presets)

    @property
    def usable(self) -> bool:
        """Whether some preset can run."""
        return any(preset.gap.empty for preset in self.presets)

    @property
    def gap(self) -> Gap:
        """What all presets together lack."""
        return _together(preset.gap for preset in self.presets)

    def sentence(self) -> str:
        """What keeps the mode from running, in one sentence; "" where nothing does."""
        if self.needs:
            has = f"this server has {self.version}" if self.version else "this server does not say which it has"
            return f"{self.title} needs ComfyUI {self.needs} or newer, and {has}."
        if self.ready:
            return ""
        if self.usable:
            running = ", ".join(preset.name for preset in self.presets if preset.gap.empty)
            return f"Only {running} can run: {_decapitalized(self.gap.sentence())}"
        return self.gap.sentence()


@dataclass(frozen=True)
class Preflight:
    """What a server can do. `version` is "" where it doesn't say, `max_upload_bytes` None likewise."""

    url: str
    version: str
    max_upload_bytes: int | None
    modes: tuple[ModeCheck, ...]

    @property
    def ready(self) -> bool:
        """Whether every preset of every mode can run."""
        return all(mode.ready for mode in self.modes)

    def mode(self, name: str) -> ModeCheck:
        """One mode, which must be there."""
        return next(mode for mode in self.modes if mode.name == name)

    @property
    def files(self) -> tuple[MissingFile, ...]:
        """Every file that something lacks, choices included, each once."""
        gaps = [gap for mode in self.modes for gap in (mode.gap, *(choice.gap for choice in mode.choices))]
        return _together(gaps).files

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {
            "url": self.url,
            "version": self.version or None,
            "max_upload_bytes": self.max_upload_bytes,
            "ready": self.ready,
            "modes": [
                {
                    **asdict(mode),
                    "ready": mode.ready,
                    "usable": mode.usable,
                    "reason": mode.sentence() or None,
                }
                for mode in self.modes
            ],
        }


def ask(server: Server, data: Path | None = None) -> Preflight:
    """Ask a server and judge; people's own graphs in `data` count. Raises Unreachable and StudioError as `Server`."""
    stats, interfaces = server.system_stats(), server.object_info()
    found = judge(server.url, interfaces, stats, server.max_upload_bytes(), data)
    return locate(found, _listings(server)) if found.files else found


def judge(
    url: str,
    interfaces: Interfaces,
    stats: Mapping[str, Any],
    max_upload_bytes: int | None = None,
    data: Path | None = None,
) -> Preflight:
    """What a server can do that answers so to `GET /object_info`, `GET /system_stats` and `GET /features`."""
    capabilities = Capabilities.from_object_info(interfaces, stats)
    system = stats.get("system")
    version = str(system.get("comfyui_version") or "") if isinstance(system, Mapping) else ""
    modes = tuple(_mode(mode, interfaces, capabilities, version, data) for mode in manifest.modes())
    return Preflight(url, version, max_upload_bytes, modes)


def locate(found: Preflight, listings: Mapping[str, Iterable[str]]) -> Preflight:
    """The same with the folders in which the server has the missing files; `listings` are names by folder."""
    folders = {registry.basename(name): folder for folder, names in listings.items() for name in names}

    def located(gap: Gap) -> Gap:
        return replace(gap, files=tuple(replace(one, elsewhere=folders.get(one.file, "")) for one in gap.files))

    modes = tuple(
        replace(
            mode,
            presets=tuple(replace(preset, gap=located(preset.gap)) for preset in mode.presets),
            choices=tuple(replace(choice, gap=located(choice.gap)) for choice in mode.choices),
        )
        for mode in found.modes
    )
    return replace(found, modes=modes)


def older(version: str, than: str) -> bool:
    """Whether a version is older than another; one that is "" or no version counts as older."""
    return _numbers(version) < _numbers(than)


def size(count: int | None) -> str:
    """Bytes as people say them."""
    if count is None:
        return "size unknown"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _listings(server: Server) -> dict[str, tuple[str, ...]]:
    """The files in every models folder, as far as the server tells."""
    try:
        return {folder: server.models(folder) for folder in server.model_folders()}
    except (Unreachable, StudioError):
        return {}


def _mode(mode: Mode, interfaces: Interfaces, capabilities: Capabilities, version: str, data: Path | None) -> ModeCheck:
    presets: list[PresetCheck] = []
    choices: dict[str, Gap] = {}
    for preset in mode.presets:
        gaps = dict(_gaps(mode, preset, interfaces, capabilities, data))
        presets.append(PresetCheck(preset.name, gaps[""]))
        for chosen, gap in gaps.items():
            if chosen and (more := _beyond(gap, gaps[""])):
                choices[chosen] = _together([choices[chosen], more]) if chosen in choices else more
    lacking = any(preset.gap.nodes or preset.gap.other for preset in presets)
    needs = mode.comfyui if lacking and older(version, mode.comfyui) else ""
    kept = tuple(ChoiceCheck(chosen, gap) for chosen, gap in choices.items())
    return ModeCheck(mode.name, mode.title, tuple(presets), kept, needs, version)


def _gaps(
    mode: Mode, preset: Preset, interfaces: Interfaces, capabilities: Capabilities, data: Path | None
) -> Iterator[tuple[str, Gap]]:
    for chosen, request in samples(mode, preset):
        try:
            graph = own.build_with(request, capabilities, data) if data else build(request, capabilities)
        except (GraphError, StudioError) as error:
            yield chosen, Gap(other=(str(error).rstrip("."),))
            continue
        is_own = data is not None and own.path_of(data, mode.name).exists()
        yield chosen, _gap(request, graph, interfaces, is_own)


def _gap(request: Request, graph: Graph, interfaces: Interfaces, is_own: bool) -> Gap:
    nodes = dict.fromkeys(node["class_type"] for node in graph.values() if node["class_type"] not in interfaces)
    files: dict[str, MissingFile] = {}
    fitted: dict[str, Any] = {}
    for node_id, node in graph.items():
        inputs = dict(node["inputs"])
        for name, listed in _file_lists(node, interfaces):
            file = registry.basename(inputs[name])
            if file != SAMPLE_LORA:
                files[file] = _missing(file)
            # What is left is compared as if the file were there.
            inputs[name] = next((option for option in listed if isinstance(option, str)), inputs[name])
        fitted[node_id] = {**node, "inputs": inputs}
    other = () if nodes else tuple(problems(request, fitted, interfaces, is_own))
    return Gap(tuple(nodes), tuple(files.values()), other)


def _file_lists(node: Mapping[str, Any], interfaces: Interfaces) -> Iterator[tuple[str, list[Any]]]:
    """The inputs of a node that name a model file which the server does not list, and what it lists there."""
    interface = interfaces.get(node["class_type"])
    if not isinstance(interface, Mapping):
        return
    declared = schema.declared_inputs(interface, node["inputs"])
    for name, value in node["inputs"].items():
        spec = declared[name][0] if name in declared else None
        listed = schema.options(spec)
        is_file = isinstance(value, str) and is_model_file(value) and not schema.is_upload(spec)
        if listed is not None and is_file and value not in listed:
            yield name, listed


def _missing(file: str) -> MissingFile:
    found = registry.lookup(file)
    if found is None:
        return MissingFile(file)
    one = found.variant
    return MissingFile(
        file, found.model.title, one.folder, one.bytes, one.page, one.url, one.licence or one.page, one.gated
    )


def _beyond(gap: Gap, usual: Gap) -> Gap | None:
    """What a choice lacks beyond what the defaults lack; None where that is nothing."""
    more = Gap(
        tuple(node for node in gap.nodes if node not in usual.nodes),
        tuple(file for file in gap.files if file not in usual.files),
        tuple(one for one in gap.other if one not in usual.other),
    )
    return None if more.empty else more


def _together(gaps: Iterable[Gap]) -> Gap:
    found = tuple(gaps)
    return Gap(
        tuple(dict.fromkeys(node for gap in found for node in gap.nodes)),
        tuple(dict.fromkeys(file for gap in found for file in gap.files)),
        tuple(dict.fromkeys(one for gap in found for one in gap.other)),
    )


def _described(missing: MissingFile) -> str:
    if missing.elsewhere and missing.elsewhere == missing.folder:
        return f"{missing.file} (it lies in {missing.folder}, and the loader does not list it)"
    if missing.elsewhere:
        where = f" instead of {missing.folder}" if missing.folder else ""
        return f"{missing.file} (it lies in {missing.elsewhere}{where})"
    if not missing.page:
        return missing.file
    return f"{missing.file} ({size(missing.bytes)} from {missing.page}, for {missing.folder})"


def _listing(what: str, things: Iterable[str]) -> str:
    """ "the file a", "the files a and b", "the file a and 3 more"."""
    first, *rest = things
    if len(rest) == 1:
        return f"{what}s {first} and {rest[0]}"
    return f"{what} {first} and {len(rest)} more" if rest else f"{what} {first}"


def _decapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(map(int, found.group(1).split("."))) if found else ()
