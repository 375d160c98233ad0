"""What `GET /object_info` and `GET /models` answer: the recorded interfaces of the nodes that are registered here,
with their lists of files filled in.

The engine has no model files. It lists those that the studio's graphs name, so that every graph of the studio
validates, and a graph that names another is refused as a server without that file would refuse it.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap.draft.nodes.registry import NODES
from workflows import manifest
from workflows.change import AddNode, InsertLora, ReplaceNode, SetInput
from workflows.schema import Interfaces, recorded

MODEL_INPUTS = {
    ("CheckpointLoaderSimple", "ckpt_name"): "checkpoints",
    ("LTXVAudioVAELoader", "ckpt_name"): "checkpoints",
    ("LTXAVTextEncoderLoader", "ckpt_name"): "checkpoints",
    ("LTXAVTextEncoderLoader", "text_encoder"): "text_encoders",
    ("LoraLoaderModelOnly", "lora_name"): "loras",
    ("LatentUpscaleModelLoader", "model_name"): "latent_upscale_models",
    ("LoadMoGeModel", "model_name"): "geometry_estimation",
}
"""Inputs that name a model file, and the folder which the file lies in."""

EMPTY_MODEL_FOLDERS = (
    "vae",
    "diffusion_models",
    "clip_vision",
    "embeddings",
    "controlnet",
    "upscale_models",
    "audio_encoders",
)
"""Folders that other ComfyUI clients look into; nothing in them is needed here."""

UPLOADS = {"image_upload": ("image",), "video_upload": ("video",), "audio_upload": ("audio", "video")}
"""What an input marked so offers from the input folder, by content type."""

UNRECORDED = {
    "is_input_list": False,
    "description": "",
    "python_module": "nodes",
    "has_intermediate_output": False,
    "search_aliases": [],
}
"""Fields which a real server gives for every node, and which the recorded interfaces leave out."""


@dataclass(frozen=True)
class Catalogue:
    """The interfaces of the registered nodes, and the model files by folder."""

    nodes: Interfaces
    models: Mapping[str, tuple[str, ...]]

    def object_info(self, input_folder: Path) -> dict[str, Any]:
        """All interfaces, with the files that lie in the input folder now."""
        offered = {mark: uploaded(input_folder, kinds) for mark, kinds in UPLOADS.items()}
        return {name: _with_uploads(interface, offered) for name, interface in self.nodes.items()}


def catalogue() -> Catalogue:
    """The catalogue for the nodes registered so far and the studio's graphs, under every preset and choice."""
    models = {folder: tuple(sorted(names)) for folder, names in _models().items()}
    nodes = {
        name: _with_models(name, {**UNRECORDED, **interface}, models)
        for name, interface in recorded().items()
        if name in NODES
    }
    return Catalogue(nodes, {**models, **dict.fromkeys(EMPTY_MODEL_FOLDERS, ())})


def uploaded(folder: Path, kinds: tuple[str, ...]) -> list[str]:
    """The names of the files in a folder, not below it, whose content type is one of `kinds`."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    return [name for name in names if (mimetypes.guess_type(name)[0] or "").split("/")[0] in kinds]


def _models() -> dict[str, set[str]]:
    models: dict[str, set[str]] = {folder: set() for folder in MODEL_INPUTS.values()}
    for mode in manifest.modes():
        for class_type, name, value in _values(mode):
            folder = MODEL_INPUTS.get((class_type, name))
            if folder is not None and isinstance(value, str):
                models[folder].add(value)
    return models


def _values(mode: manifest.Mode) -> Iterator[tuple[str, str, Any]]:
    """(class, input, value) of the inputs in the mode's graph, and of those that its presets and choices bring."""
    graph = manifest.graph(mode.name)
    changes = [*mode.presets, *(choice for field in mode.fields for choice in field.choices.values())]
    edits = [edit for change in changes for edit in change.edits]
    nodes = [(node["_meta"]["title"], node["class_type"], node["inputs"]) for node in graph.values()]
    for edit in edits:
        if isinstance(edit, AddNode | ReplaceNode):
            nodes.append((edit.node, edit.class_type, edit.inputs))
        elif isinstance(edit, InsertLora):
            nodes.append((edit.node, "LoraLoaderModelOnly", {"lora_name": edit.lora_name}))
    for _, class_type, inputs in nodes:
        for name, value in inputs.items():
            yield class_type, name, value
    for edit in edits:
        if isinstance(edit, SetInput):
            title, _, name = edit.at.partition(".")
            for class_type in {node[1] for node in nodes if node[0] == title}:
                yield class_type, name, edit.value


def _with_models(class_type: str, interface: Any, models: Mapping[str, tuple[str, ...]]) -> Any:
    def fill(name: str, spec: list[Any]) -> list[Any]:
        folder = MODEL_INPUTS.get((class_type, name))
        return spec if folder is None else _with_options(spec, list(models[folder]))

    return _mapped(interface, fill)


def _with_uploads(interface: Any, offered: Mapping[str, list[str]]) -> Any:
    def fill(name: str, spec: list[Any]) -> list[Any]:
        marks = [mark for mark in offered if len(spec) > 1 and spec[1].get(mark)]
        return _with_options(spec, offered[marks[0]]) if marks else spec

    return _mapped(interface, fill)


def _mapped(interface: Any, change: Callable[[str, list[Any]], list[Any]]) -> Any:
    inputs = {
        group: {name: change(name, spec) for name, spec in specs.items()} if group != "hidden" else specs
        for group, specs in interface["input"].items()
    }
    return {**interface, "input": inputs}


def _with_options(spec: list[Any], names: list[str]) -> list[Any]:
    """The specification with another list to choose from, in whichever of the two shapes it has."""
    if isinstance(spec[0], list):
        return [names, *spec[1:]]
    return [spec[0], {**spec[1], "options": names}]
