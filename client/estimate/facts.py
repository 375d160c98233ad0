"""What a graph will do, node by node, read from the graph as it is sent, so that it can't drift from it. Pure.

FLOPs are those of LTX-2.3's 48 blocks (width 4096, 385.9 M parameters each): 25.77 GFLOP a token and 786 432 FLOP a
pair of tokens for each pass. The VAE's are of its default configuration. Measured by nobody here: the others are orders
of magnitude, which learning puts right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from client.estimate.learning import REST
from client.estimate.shapes import Flows, Latent, guide
from workflows import registry
from workflows.graph import Graph, is_link, title
from workflows.grid import Shape
from workflows.models import models_in

TOKEN_TFLOP = 0.02577
PAIR_TFLOP = 786_432e-12
AUDIO_TOKEN_TFLOP = 0.00644
"""Half as wide, so a quarter of a video token's."""

AROUND_SAMPLING = 1.03
"""Text and the exchange between picture and sound."""

ENCODE_TFLOP = 3.1
DECODE_TFLOP = 1.3
"""Of the video VAE, for 10^6 pixels of a frame."""

TEXT_TFLOP = 26.0
"""Gemma 3 12B over the 1024 tokens that every prompt is filled up to, and the connectors."""

UPSCALE_TFLOP = 0.001
"""A latent cell through the 0.5 G parameters of the latent upscaler."""

DEPTH_TFLOP = 2.5
POSE_TFLOP = 6.0
"""A frame through MoGe 2 (ViT-L) and through SDPose with its VAE."""

TRANSFORMER_SHARE = 0.87
"""Of a checkpoint's bytes; the rest are VAEs, vocoder and text projection."""

UNKNOWN_STEPS = 20
TWO_EVALUATIONS = ("heun", "dpm_2", "dpmpp_2s", "exp_heun_2", "dpmpp_sde", "seeds_2", "res_2s", "uni_pc_bh2_2s")
"""Samplers, by how their names begin, that ask the model twice a step."""

GUESSED_GB = {
    "CheckpointLoaderSimple": 29.1,
    "UNETLoader": 24.0,
    "LTXAVTextEncoderLoader": 12.5,
    "DualCLIPLoader": 12.5,
    "CLIPLoader": 12.5,
}
GUESSED_OTHER_GB = 0.7
"""Size of a file that nobody published, by the class of its loader."""

TRANSFORMERS = ("CheckpointLoaderSimple", "UNETLoader")
TEXT_ENCODERS = ("LTXAVTextEncoderLoader", "DualCLIPLoader", "CLIPLoader")


@dataclass(frozen=True)
class Work:
    """What a node does. `kind` is what is learnt of together.

    `tflop` in 10^12 operations, of which `steps` are reported one by one; `megapixels` in 10^6 pixels over all frames;
    `tokens` are those of one pass of a sampler, `written` those that a text encoder writes.
    """

    node: str
    title: str
    kind: str
    tflop: float = 0.0
    megapixels: float = 0.0
    steps: int = 0
    passes: int = 1
    tokens: int = 0
    written: int = 0


@dataclass(frozen=True)
class Load:
    """A model file of `gb` GB (10^9 bytes) and the nodes that load it or parts of it."""

    file: str
    gb: float
    nodes: frozenset[str]


@dataclass(frozen=True)
class Facts:
    """A graph's work in its order, and what it needs memory for. Sizes of files and memory in GB (10^9 bytes).

    `loads` are the model files, each once; `tokens` is the largest number of tokens of a sampler, `tile` the latent
    cells of the largest tile of a decoder with the cells in time.
    """

    works: tuple[Work, ...]
    loads: tuple[Load, ...]
    transformer_gb: float
    text_gb: float
    tokens: int
    tile: int

    @property
    def files(self) -> frozenset[str]:
        """The names of the model files."""
        return frozenset(load.file for load in self.loads)


def read(graph: Graph, shape: Shape | None = None) -> Facts:
    """The facts of a graph. `shape` is what is to be made, for what an own graph computes by itself."""
    flows = Flows(graph, shape)
    works = tuple(_work(flows, node_id, node) for node_id, node in graph.items())
    loads: dict[str, Load] = {}
    largest = {"transformer": 0.0, "text": 0.0}
    for use in models_in(graph):
        name = registry.basename(use.file)
        known = loads.get(name) or Load(name, _gigabytes(name, use.class_type), frozenset())
        loads[name] = replace(known, nodes=known.nodes | {use.node})
        size = known.gb
        if use.class_type in TRANSFORMERS:
            share = TRANSFORMER_SHARE if use.class_type == "CheckpointLoaderSimple" else 1.0
            largest["transformer"] = max(largest["transformer"], share * size)
        elif use.class_type in TEXT_ENCODERS and use.path != "ckpt_name":
            largest["text"] = max(largest["text"], size)
    return Facts(
        works=works,
        loads=tuple(loads.values()),
        transformer_gb=largest["transformer"],
        text_gb=largest["text"],
        tokens=max((work.tokens for work in works), default=0),
        tile=max((_tile(flows, node) for node in graph.values()), default=0),
    )


def _gigabytes(name: str, class_type: str) -> float:
    found = registry.lookup(name)
    if found is not None and found.variant.bytes:
        return found.variant.bytes / 1e9
    return GUESSED_GB.get(class_type, GUESSED_OTHER_GB)


def _tile(flows: Flows, node: Mapping[str, Any]) -> int:
    """Latent cells that a decoder holds at once; temporal tiles count frames, 8 of them to a cell."""
    if node["class_type"] not in ("VAEDecode", "VAEDecodeTiled"):
        return 0
    latent = flows.latent(node["inputs"], "samples")
    if node["class_type"] == "VAEDecode":
        return latent.tokens
    side = max(1, int(flows.number(node["inputs"], "tile_size", 768)) // 32)
    deep = max(1, int(flows.number(node["inputs"], "temporal_size", 4096)) // 8)
    return min(latent.width, side) * min(latent.height, side) * min(latent.frames, deep)


def _work(flows: Flows, node_id: str, node: Mapping[str, Any]) -> Work:
    return Work(node_id, title(node), **READERS.get(node["class_type"], _rest)(flows, node["inputs"]))


Read = dict[str, Any]


def _rest(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    return {"kind": REST}


def forward_tflop(tokens: float, audio: float = 0.0) -> float:
    """One pass of the transformer over so many video and audio tokens."""
    return (TOKEN_TFLOP * tokens + PAIR_TFLOP * tokens * tokens + AUDIO_TOKEN_TFLOP * audio) * AROUND_SAMPLING


def _sampling(flows: Flows, latent: Latent, steps: int, sampler: str, cfg: float) -> Read:
    passes = (1 if cfg == 1 else 2) * (2 if sampler.startswith(TWO_EVALUATIONS) else 1)
    tflop = steps * passes * forward_tflop(latent.tokens, latent.audio)
    return {"kind": "sample", "tflop": tflop, "steps": steps, "passes": passes, "tokens": latent.tokens}


def _linked(flows: Flows, inputs: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The inputs of the node that an input is linked to; empty where it isn't."""
    value = inputs.get(name)
    if not is_link(value) or not isinstance(value, list):
        return {}
    found: Mapping[str, Any] = flows.graph.get(value[0], {}).get("inputs", {})
    return found


def _custom_sampler(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    guider = _linked(flows, inputs, "guider") or inputs
    sigmas = _linked(flows, inputs, "sigmas")
    if isinstance(sigmas.get("sigmas"), str):
        steps = max(0, len(re.findall(r"[-+]?\d*\.?\d+", sigmas["sigmas"])) - 1)
    else:
        steps = int(flows.number(sigmas, "steps", UNKNOWN_STEPS))
    sampler = str(_linked(flows, inputs, "sampler").get("sampler_name", ""))
    return _sampling(flows, flows.latent(inputs, "latent_image"), steps, sampler, flows.number(guider, "cfg", 1.0))


def _plain_sampler(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    steps = int(flows.number(inputs, "steps", UNKNOWN_STEPS))
    sampler = str(inputs.get("sampler_name", ""))
    return _sampling(flows, flows.latent(inputs, "latent_image"), steps, sampler, flows.number(inputs, "cfg", 1.0))


def _text(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    return {"kind": "text", "tflop": TEXT_TFLOP}


def _enhance(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    return {"kind": "enhance", "tflop": TEXT_TFLOP, "written": int(flows.number(inputs, "max_length", 512))}


def _decode(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    latent = flows.latent(inputs, "samples")
    side = flows.number(inputs, "tile_size", 0.0)
    overlap = min(flows.number(inputs, "overlap", 64.0), side / 4)
    # Where tiles overlap, the seams are decoded twice.
    again = 1.0
    for cells in (latent.width, latent.height):
        again *= side / (side - overlap) if side and cells * 32 > side else 1.0
    pixels = latent.megapixels
    return {"kind": "decode", "tflop": DECODE_TFLOP * pixels * again, "megapixels": pixels}


def _encode(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    """One picture at the size of the latent."""
    latent = flows.latent(inputs, "latent")
    pixels = latent.width * latent.height * 1024 / 1e6
    return {"kind": "encode", "tflop": ENCODE_TFLOP * pixels, "megapixels": pixels}


def _encode_guide(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    pixels = guide(flows, inputs).megapixels
    return {"kind": "encode", "tflop": ENCODE_TFLOP * pixels, "megapixels": pixels}


def _upscale(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    source = flows.latent(inputs, "samples")
    return {"kind": "upscale", "tflop": UPSCALE_TFLOP * 4 * source.tokens}


def _audio(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    return {"kind": "audio", "tflop": 0.01 * flows.latent(inputs, "samples").audio}


def _depth(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    pictures = flows.pictures(inputs, "image")
    return {"kind": "depth", "tflop": DEPTH_TFLOP * pictures.count, "megapixels": pictures.megapixels}


def _pose(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    pictures = flows.pictures(inputs, "image")
    return {"kind": "pose", "tflop": POSE_TFLOP * pictures.count, "megapixels": pictures.megapixels}


def _canny(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    return {"kind": "edges", "megapixels": flows.pictures(inputs, "image").megapixels}


def _pictures(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    """Work on pictures by the processor, on as many pixels as come in or, where that isn't known, go out."""
    source = flows.pictures(inputs, "input", "image", "images", "video")
    width = flows.number(inputs, "resize_type.width", source.width)
    height = flows.number(inputs, "resize_type.height", source.height)
    return {"kind": "pictures", "megapixels": width * height * source.count / 1e6}


def _components(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    """Decoding a source, whose size the graph doesn't tell."""
    shape = flows.shape
    return {"kind": "pictures", "megapixels": shape.width * shape.height * shape.frames / 1e6 if shape else 0.0}


def _save(flows: Flows, inputs: Mapping[str, Any]) -> Read:
    return {"kind": "save", "megapixels": flows.pictures(inputs, "video", "images").megapixels}


READERS: dict[str, Callable[[Flows, Mapping[str, Any]], Read]] = {
    "SamplerCustomAdvanced": _custom_sampler,
    "SamplerCustom": _custom_sampler,
    "KSampler": _plain_sampler,
    "KSamplerAdvanced": _plain_sampler,
    "CLIPTextEncode": _text,
    "TextGenerateLTX2Prompt": _enhance,
    "VAEDecode": _decode,
    "VAEDecodeTiled": _decode,
    "LTXVImgToVideoInplace": _encode,
    "LTXVAddGuide": _encode_guide,
    "LTXVLatentUpsampler": _upscale,
    "LTXVAudioVAEDecode": _audio,
    "LTXVAudioVAEEncode": _audio,
    "MoGeInference": _depth,
    "DA3Inference": _depth,
    "SDPoseKeypointExtractor": _pose,
    "Canny": _canny,
    "MoGeRender": _pictures,
    "SDPoseDrawKeypoints": _pictures,
    "ResizeImageMaskNode": _pictures,
    "LTXVPreprocess": _pictures,
    "GetVideoComponents": _components,
    "SaveVideo": _save,
}
