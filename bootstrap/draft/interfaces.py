"""What `GET /object_info` and `GET /models` answer: the recorded interfaces of the nodes that are registered here,
with their lists of files filled in.

The engine has no model files. It lists those that the studio's graphs name, so that every graph of the studio
validates, and a graph that names another is refused as a server without that file would refuse it.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap.draft.nodes.registry import NODES
from workflows.schema import SCHEMA_FILE, Interfaces, recorded

MODEL_INPUTS = {
    ("CheckpointLoaderSimple", "ckpt_name"): "checkpoints",
    ("LTXVAudioVAELoader", "ckpt_name"): "checkpoints",
    ("LTXAVTextEncoderLoader", "ckpt_name"): "checkpoints",
    ("LTXAVTextEncoderLoader", "text_encoder"): "text_encoders",
    ("LoraLoaderModelOnly", "lora_name"): "loras",
    ("LatentUpscaleModelLoader", "model_name"): "latent_upscale_models",
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


def catalogue(workflows: Path = SCHEMA_FILE.parent) -> Catalogue:
    """The catalogue for the nodes registered so far and the graphs (`*.json`) in a folder."""
    models = {folder: tuple(sorted(names)) for folder, names in _models(workflows).items()}
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


def _models(workflows: Path) -> dict[str, set[str]]:
    models: dict[str, set[str]] = {folder: set() for folder in MODEL_INPUTS.values()}
    for file in sorted(workflows.glob("*.json")):
        for node in _nodes(json.loads(file.read_text(encoding="utf-8"))):
            for name, value in node["inputs"].items():
                folder = MODEL_INPUTS.get((node["class_type"], name))
                if folder is not None and isinstance(value, str):
                    models[folder].add(value)
    return models


def _nodes(graph: Any) -> Iterator[Mapping[str, Any]]:
    """The nodes of an API-format graph; none of any other JSON."""
    for node in graph.values() if isinstance(graph, dict) else ():
        if isinstance(node, dict) and "class_type" in node and isinstance(node.get("inputs"), dict):
            yield node


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
