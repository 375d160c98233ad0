"""Running the draft engine's nodes without an engine around them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import bootstrap.draft.nodes  # noqa: F401 - registers the nodes
import workflows
from bootstrap.draft.nodes import files
from bootstrap.draft.nodes.registry import NODES, Result
from bootstrap.draft.nodes.values import Guider, VideoLatent
from bootstrap.draft.render.media import Frames

Graph = dict[str, dict[str, Any]]
WORKFLOWS = Path(workflows.__file__).parent
SCHEMA = json.loads((WORKFLOWS / "schema.json").read_text())


@dataclass
class NodeContext:
    """A `Context` over folders below `base`; `on_progress` is called with each value told and may raise."""

    base: Path
    node_id: str = "1"
    graph: Mapping[str, Any] = field(default_factory=dict)
    extra_pnginfo: Mapping[str, Any] = field(default_factory=dict)
    told: list[tuple[int, int, bytes | None]] = field(default_factory=list)
    on_progress: Callable[[int], None] = lambda value: None

    @property
    def folders(self) -> dict[str, Path]:
        return {kind: self.base / kind for kind in files.FOLDERS}

    def progress(self, value: int, maximum: int, preview: bytes | None = None) -> None:
        self.told.append((value, maximum, preview))
        self.on_progress(value)

    def path(self, name: str) -> Path:
        return files.resolve(self.folders, name)

    def run(self, class_type: str, **inputs: Any) -> Any:
        """The node's outputs; the only one where it has but one."""
        outputs = self.result(class_type, **inputs).outputs
        return outputs[0] if len(outputs) == 1 else outputs

    def result(self, class_type: str, **inputs: Any) -> Result:
        """The node's outputs and what it shows."""
        returned = NODES[class_type].run(self, **inputs)
        return returned if isinstance(returned, Result) else Result(tuple(returned))


def workflow(mode: str, **values: Any) -> Graph:
    """The mode's own graph with some inputs set, named "Title.input"."""
    graph: Graph = json.loads((WORKFLOWS / f"{mode}.json").read_text())
    titles = {node["_meta"]["title"]: node for node in graph.values()}
    for place, value in values.items():
        title, _, name = place.partition(".")
        titles[title]["inputs"][name] = value
    return graph


def execute(graph: Graph, context: NodeContext) -> dict[str, Result]:
    """Run all that the graph's output nodes need; results by node title."""
    results: dict[str, Result] = {}

    def evaluated(node_id: str) -> Result:
        if node_id not in results:
            inputs = {
                name: evaluated(value[0]).outputs[value[1]] if isinstance(value, list) else value
                for name, value in graph[node_id]["inputs"].items()
            }
            results[node_id] = context.result(graph[node_id]["class_type"], **inputs)
        return results[node_id]

    for node_id, node in graph.items():
        if SCHEMA[node["class_type"]].get("output_node"):
            evaluated(node_id)
    return {graph[node_id]["_meta"]["title"]: result for node_id, result in results.items()}


def output_file(context: NodeContext, result: Result) -> Path:
    """The first file that a save node shows."""
    assert result.ui is not None
    shown = result.ui["images"][0]
    return context.folders[shown["type"]] / shown["subfolder"] / shown["filename"]


def photograph(width: int, height: int) -> np.ndarray:
    """A picture with soft and hard edges and texture, as a camera would give."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    sky = 150 + 70 * np.sin(x / width * 4) - 60 * y / height
    disc = ((x - 0.62 * width) ** 2 + (y - 0.4 * height) ** 2) < (0.16 * height) ** 2
    texture = 14 * np.sin(x / 5.0) * np.sin(y / 7.0)
    grey = np.where(disc, 235, sky + texture)
    return np.stack([grey, grey * 0.82 + 12, grey * 0.6 + 40], -1).clip(0, 255).astype(np.uint8)


def save_png(path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(path)


def dimensions(frames: Frames) -> tuple[int, int]:
    assert frames.frame(0).shape == (frames.height, frames.width, 3)
    return frames.width, frames.height


def guider(context: NodeContext, text: str, negative: str = "", cfg: float = 1.0, **lora: float) -> Guider:
    model = context.run("CheckpointLoaderSimple", ckpt_name="c")[0]
    for name, strength in lora.items():
        model = context.run("LoraLoaderModelOnly", model=model, lora_name=name, strength_model=strength)
    positive, negative_ = context.run(
        "LTXVConditioning",
        positive=context.run("CLIPTextEncode", text=text, clip=None),
        negative=context.run("CLIPTextEncode", text=negative, clip=None),
        frame_rate=24.0,
    )
    return context.run("CFGGuider", model=model, positive=positive, negative=negative_, cfg=cfg)


def sampled(
    context: NodeContext,
    latent: VideoLatent,
    guider_: Guider,
    seed: int = 1,
    sigmas: str = "1, 0.5, 0",
    sampler: str = "euler",
) -> tuple[VideoLatent, VideoLatent]:
    return context.run(
        "SamplerCustomAdvanced",
        noise=context.run("RandomNoise", noise_seed=seed),
        guider=guider_,
        sampler=context.run("KSamplerSelect", sampler_name=sampler),
        sigmas=context.run("ManualSigmas", sigmas=sigmas),
        latent_image=latent,
    )


def drawn(context: NodeContext, latent: VideoLatent) -> Frames:
    vae = context.run("CheckpointLoaderSimple", ckpt_name="c")[2]
    return context.run(
        "VAEDecodeTiled", samples=latent, vae=vae, tile_size=512, overlap=64, temporal_size=64, temporal_overlap=8
    )


def empty(context: NodeContext, batch: int = 1) -> VideoLatent:
    return context.run("EmptyLTXVLatentVideo", width=192, height=128, length=17, batch_size=batch)
