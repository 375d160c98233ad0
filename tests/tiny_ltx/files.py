"""Which model files the studio's graphs name, and the tiny stand-in for each."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bootstrap.draft.interfaces import MODEL_INPUTS
from tests.tiny_ltx.audio_vae import audio_vae, vocoder
from tests.tiny_ltx.bag import Bag
from tests.tiny_ltx.depth import depth_model
from tests.tiny_ltx.pose import pose_model
from tests.tiny_ltx.sizes import CHECKPOINT, UPSCALER
from tests.tiny_ltx.smaller import dit_lora, te_lora, upscaler
from tests.tiny_ltx.text_encoder import text_encoder, text_projection
from tests.tiny_ltx.transformer import transformer
from tests.tiny_ltx.video_vae import video_vae
from workflows import manifest
from workflows.build import build
from workflows.checking import SAMPLE_LORA, samples

OWN_LORAS = ("loras/tiny-one.safetensors", "loras/tiny-two.safetensors")
"""What a person might have added to the engine."""
NOTE = {"tiny_ltx": "1", "description": "Tiny test weights for running ComfyUI graphs. Not a usable model."}
SEED = 7

Filling = tuple[Callable[[Bag], None], dict[str, str]]


def checkpoint(b: Bag) -> None:
    """All that a full LTX-2.3 checkpoint holds."""
    transformer(b)
    text_projection(b)
    video_vae(b)
    audio_vae(b)
    vocoder(b)


def named_files() -> Iterator[str]:
    """`folder/name` of every model file in the graphs of all modes, presets and choices, each once."""
    seen = set()
    for mode in manifest.modes():
        for preset in mode.presets:
            for _, request in samples(mode, preset):
                for node in build(request).values():
                    for name, value in node["inputs"].items():
                        folder = MODEL_INPUTS.get((node["class_type"], name))
                        if folder and value != SAMPLE_LORA and f"{folder}/{value}" not in seen:
                            seen.add(f"{folder}/{value}")
                            yield f"{folder}/{value}"


def filling(path: str) -> Filling:
    """What goes into the file `folder/name`, and its metadata. Raises KeyError for a folder that is not known."""
    folder, _, name = path.partition("/")
    if folder == "checkpoints" and "sdpose" in name:
        return pose_model, {}
    if folder == "loras":
        return _lora(name)
    return {
        "checkpoints": (checkpoint, {"config": json.dumps(CHECKPOINT), "model_version": "2.3.0"}),
        "text_encoders": (text_encoder, {}),
        "latent_upscale_models": (upscaler, {"config": json.dumps(UPSCALER)}),
        "geometry_estimation": (depth_model, {}),
    }[folder]


def _lora(name: str) -> Filling:
    if name.startswith("gemma"):
        return te_lora, {}
    # "ref0.5" in the name of an IC-LoRA means that it was trained with a guide of half the size.
    _, ref, scale = name.partition("ref0.")
    metadata = {"reference_downscale_factor": str(round(10 / int(scale[0])))} if ref else {}
    return lambda b: dit_lora(b, audio=not ref, dynamic_rank="dynamic" in name), metadata


def write(folder: Path, also: Iterable[str] = OWN_LORAS, seed: int = SEED) -> list[Path]:
    """Write all files into `folder`, which is laid out as ComfyUI's `models`; the same bytes for the same seed."""
    written = []
    for path in [*named_files(), *also]:
        fill, metadata = filling(path)
        # The name decides what is random, so that a file is the same whatever is written before it.
        bag = Bag((seed << 32) + zlib.crc32(path.encode()))
        fill(bag)
        bag.save(folder / path, {**NOTE, **metadata})
        written.append(folder / path)
    return written
