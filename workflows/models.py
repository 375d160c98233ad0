"""The files a graph names: models, however deep in a node's inputs, and uploads that its loaders read. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workflows import schema
from workflows.graph import Graph, is_link, title

MODEL_SUFFIXES = (".safetensors", ".sft", ".gguf", ".ckpt", ".pt", ".pth", ".bin", ".pkl", ".onnx")
SWITCH = "on"
"""What turns a row of a node with many off, as in rgthree's Power Lora Loader."""

KINDS = ("image", "audio", "video")
KNOWN_LOADERS = {
    ("LoadImage", "image"): "image",
    ("LoadImageMask", "image"): "image",
    ("LoadAudio", "audio"): "audio",
    ("LoadVideo", "file"): "video",
    ("VHS_LoadVideo", "video"): "video",
    ("VHS_LoadVideoFFmpeg", "video"): "video",
    ("VHS_LoadAudioUpload", "audio"): "audio",
}
"""Loaders of uploads whose interface doesn't say so everywhere: (class, input) to the kind of file."""


@dataclass(frozen=True)
class ModelUse:
    """A model file that a node names: its class, the input's path (`lora_1.lora` in a row) and the file.

    `title` is the node's title, `node` its id in the graph.
    """

    class_type: str
    path: str
    file: str
    title: str = ""
    node: str = ""


@dataclass(frozen=True)
class UploadUse:
    """An uploaded file that a loader names; `kind` is image, audio or video."""

    class_type: str
    name: str
    file: str
    kind: str
    title: str = ""
    node: str = ""


def models_in(graph: Graph) -> tuple[ModelUse, ...]:
    """Every model file in the graph, in its order. Rows that are switched off (`"on": false`) name none."""
    return tuple(
        ModelUse(node["class_type"], path, value, title(node), node_id)
        for node_id, node in graph.items()
        for name, given in node["inputs"].items()
        for path, value in _texts(name, given)
        if is_model_file(value)
    )


def is_model_file(text: str) -> bool:
    """Whether a text is the name of a model file: one line that ends as they do."""
    name = text.strip()
    return name.lower().endswith(MODEL_SUFFIXES) and name.isprintable() and len(name) < 256


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text within a value and the dotted path to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict) and value.get(SWITCH) is not False:
        for key, inner in value.items():
            yield from _texts(f"{path}.{key}", inner)
    elif isinstance(value, list) and not is_link(value):
        for index, inner in enumerate(value):
            yield from _texts(f"{path}.{index}", inner)


def uploads_in(graph: Graph, interfaces: schema.Interfaces) -> tuple[UploadUse, ...]:
    """Every file that a loader of uploads names, in the graph's order; files of the output folder are left out."""
    return tuple(
        UploadUse(node["class_type"], name, value, kind, title(node), node_id)
        for node_id, node in graph.items()
        for name, value in node["inputs"].items()
        if isinstance(value, str)
        and value
        and not value.endswith(("[output]", "[temp]"))
        and (kind := _kind(node["class_type"], name, interfaces))
    )


def _kind(class_type: str, name: str, interfaces: schema.Interfaces) -> str:
    """What kind of upload an input takes; empty where it takes none."""
    interface = interfaces.get(class_type)
    inputs = interface.get("input") if isinstance(interface, dict) else None
    for group in ("required", "optional") if isinstance(inputs, dict) else ():
        spec: Any = ((inputs or {}).get(group) or {}).get(name)
        if schema.is_upload(spec):
            marked = [kind for kind in KINDS if spec[1].get(f"{kind}_upload")]
            return marked[0] if marked and spec[1].get("image_folder", "input") == "input" else ""
    return KNOWN_LOADERS.get((class_type, name), "")
