"""What flows along a graph's links: latents, pictures and numbers, as far as their sizes follow from the graph. Pure.

Sizes are those of LTX-2.3: a latent cell covers 32×32 pixels and 8 frames, the first frame alone; sound has 25 latents
a second. A node of a class that isn't known here passes on the first latent, else the first pictures, that it is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from workflows.graph import Graph, is_link
from workflows.grid import FRAME_STEP, Shape

CELL = 32
AUDIO_RATE = 25.0
UNKNOWN_RATE = 24.0
MOST = 1e6
"""The largest number that can be a size, a count or a rate."""


@dataclass(frozen=True)
class Latent:
    """A latent: cells across, down and in time, `guide` cells appended to them, and latents of sound."""

    width: int = 0
    height: int = 0
    frames: int = 0
    guide: int = 0
    audio: int = 0

    @property
    def tokens(self) -> int:
        """Video tokens of a pass, guides included."""
        return self.width * self.height * self.frames + self.guide

    @property
    def pixel_frames(self) -> int:
        """Frames that it decodes to."""
        return max(0, (self.frames - 1) * FRAME_STEP + 1)

    @property
    def megapixels(self) -> float:
        """10^6 pixels that it decodes to, over all frames."""
        return self.width * self.height * CELL * CELL * self.pixel_frames / 1e6


@dataclass(frozen=True)
class Pictures:
    """Pictures of `width` × `height` pixels, 0 where unknown; `count` frames."""

    width: int = 0
    height: int = 0
    count: int = 1

    @property
    def megapixels(self) -> float:
        """10^6 pixels over all frames."""
        return self.width * self.height * self.count / 1e6

    def latent(self, factor: float = 1.0) -> Latent:
        """What they are encoded to, at their size divided by `factor`."""
        side = CELL * factor
        return Latent(int(self.width / side), int(self.height / side), (self.count - 1) // FRAME_STEP + 1)


Flow = Latent | Pictures | float | None


class Flows:
    """The values of a graph's outputs, each found once. `shape` stands in where the graph doesn't tell a size."""

    def __init__(self, graph: Graph, shape: Shape | None = None) -> None:
        self.graph = graph
        self.shape = shape
        self._known: dict[tuple[str, int], Flow] = {}

    def of(self, node_id: str, slot: int = 0) -> Flow:
        """The value of an output; None where it is of another kind or can't be told."""
        key = (node_id, slot)
        if key not in self._known:
            # An own graph may hold a cycle, which ends here.
            self._known[key] = None
            node = self.graph.get(node_id)
            if node is not None:
                self._known[key] = RULES.get(node["class_type"], _passed)(self, node["inputs"], slot)
        return self._known[key]

    def input(self, inputs: Mapping[str, Any], name: str) -> Flow:
        """The value that a linked input gets, or the number that it holds."""
        value = inputs.get(name)
        if is_link(value):
            assert isinstance(value, list)
            return self.of(value[0], value[1])
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        # An own graph may hold any number; what no server would take says nothing.
        return float(value) if 0 <= value <= MOST else None

    def latent(self, inputs: Mapping[str, Any], *names: str) -> Latent:
        """The first of the inputs that is a latent; an empty one where none is."""
        found = (self.input(inputs, name) for name in names)
        return next((value for value in found if isinstance(value, Latent)), Latent())

    def pictures(self, inputs: Mapping[str, Any], *names: str) -> Pictures:
        """The first of the inputs that is pictures; one of unknown size where none is."""
        found = (self.input(inputs, name) for name in names)
        return next((value for value in found if isinstance(value, Pictures)), Pictures())

    def number(self, inputs: Mapping[str, Any], name: str, otherwise: float = 0.0) -> float:
        """The number in an input."""
        value = self.input(inputs, name)
        return value if isinstance(value, float) else otherwise


def guide_factor(lora_name: str) -> float:
    """How much smaller an IC-LoRA's guide is than the video: "…-ref0.5" means 2."""
    found = re.search(r"ref(0?\.\d+)", lora_name)
    return 1 / float(found[1]) if found and float(found[1]) > 0 else 1.0


def scale_of(model_name: str) -> float:
    """How much an upscaler enlarges in each direction, by its file's name."""
    found = re.search(r"x(\d(?:\.\d)?)", model_name)
    return float(found[1]) if found and "temporal" not in model_name else 2.0 if not found else 1.0


def _named_by(flows: Flows, inputs: Mapping[str, Any], link: str, name: str) -> str:
    """The text input `name` of the node that `link` leads to."""
    value = inputs.get(link)
    node = flows.graph.get(value[0]) if is_link(value) and isinstance(value, list) else None
    return str((node or {}).get("inputs", {}).get(name, ""))


def _passed(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    found = [flows.input(inputs, name) for name, value in inputs.items() if is_link(value)]
    latents = [value for value in found if isinstance(value, Latent)]
    pictures = [value for value in found if isinstance(value, Pictures)]
    return (latents or pictures or [None])[0]


def _empty(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    shape = flows.shape
    width = flows.number(inputs, "width", shape.width if shape else 0)
    height = flows.number(inputs, "height", shape.height if shape else 0)
    frames = flows.number(inputs, "length", shape.frames if shape else 0)
    return Latent(int(width) // CELL, int(height) // CELL, (int(frames) - 1) // FRAME_STEP + 1)


def _empty_audio(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    shape = flows.shape
    frames = flows.number(inputs, "frames_number", shape.frames if shape else 0)
    rate = flows.number(inputs, "frame_rate", shape.fps if shape else UNKNOWN_RATE) or UNKNOWN_RATE
    return Latent(audio=ceil(frames / rate * AUDIO_RATE))


def _encoded_audio(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    source = inputs.get("audio")
    node = flows.graph.get(source[0]) if is_link(source) and isinstance(source, list) else None
    seconds = flows.number((node or {}).get("inputs", {}), "duration", flows.shape.seconds if flows.shape else 0.0)
    return Latent(audio=ceil(seconds * AUDIO_RATE))


def _joined(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    return replace(flows.latent(inputs, "video_latent"), audio=flows.latent(inputs, "audio_latent").audio)


def _split(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    both = flows.latent(inputs, "av_latent")
    return Latent(audio=both.audio) if slot == 1 else replace(both, audio=0)


def guide(flows: Flows, inputs: Mapping[str, Any]) -> Latent:
    """The latent of a guide's pictures: they are fitted to the size of the latent that they guide."""
    target = flows.latent(inputs, "latent")
    count = flows.pictures(inputs, "image").count
    fitted = Pictures(target.width * CELL, target.height * CELL, min(count, max(1, target.pixel_frames)))
    parameters = inputs.get("iclora_parameters")
    if not is_link(parameters) or not isinstance(parameters, list):
        return fitted.latent()
    getter = flows.graph.get(parameters[0], {}).get("inputs", {})
    return fitted.latent(guide_factor(_named_by(flows, getter, "iclora_model", "lora_name")))


def _guided(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    if slot != 2:
        return None
    target = flows.latent(inputs, "latent")
    return replace(target, guide=target.guide + guide(flows, inputs).tokens)


def _unguided(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    return replace(flows.latent(inputs, "latent"), guide=0) if slot == 2 else None


def _upsampled(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    source = flows.latent(inputs, "samples")
    name = _named_by(flows, inputs, "upscale_model", "model_name")
    scale, longer = scale_of(name), 2 if "temporal" in name else 1
    return Latent(int(source.width * scale), int(source.height * scale), (source.frames - 1) * longer + 1)


def _decoded(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    source = flows.latent(inputs, "samples")
    return Pictures(source.width * CELL, source.height * CELL, source.pixel_frames)


def _resized(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    source = flows.pictures(inputs, "input", "image")
    width = flows.number(inputs, "resize_type.width", flows.number(inputs, "width", source.width))
    height = flows.number(inputs, "resize_type.height", flows.number(inputs, "height", source.height))
    return Pictures(int(width), int(height), source.count)


def _counted(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    source = flows.pictures(inputs, "image")
    return replace(source, count=int(flows.number(inputs, "length", source.count)))


def _components(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    return Pictures(count=flows.shape.frames if flows.shape else 1) if slot == 0 else None


def _number(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    return flows.input(inputs, "value")


def _video(flows: Flows, inputs: Mapping[str, Any], slot: int) -> Flow:
    return flows.pictures(inputs, "images")


RULES: dict[str, Callable[[Flows, Mapping[str, Any], int], Flow]] = {
    "EmptyLTXVLatentVideo": _empty,
    "LTXVEmptyLatentAudio": _empty_audio,
    "LTXVAudioVAEEncode": _encoded_audio,
    "LTXVConcatAVLatent": _joined,
    "LTXVSeparateAVLatent": _split,
    "LTXVAddGuide": _guided,
    "LTXVCropGuides": _unguided,
    "LTXVLatentUpsampler": _upsampled,
    "VAEDecode": _decoded,
    "VAEDecodeTiled": _decoded,
    "ResizeImageMaskNode": _resized,
    "ImageScale": _resized,
    "ImageFromBatch": _counted,
    "GetVideoComponents": _components,
    "CreateVideo": _video,
    "LoadImage": lambda flows, inputs, slot: Pictures() if slot == 0 else None,
    "PrimitiveInt": _number,
    "PrimitiveFloat": _number,
    "ComfyMathExpression": lambda flows, inputs, slot: None,
    "LTXVConditioning": lambda flows, inputs, slot: None,
    "CLIPTextEncode": lambda flows, inputs, slot: None,
    "CheckpointLoaderSimple": lambda flows, inputs, slot: None,
}
