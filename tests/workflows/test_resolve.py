"""Logical models under an engine's own names: subfolders, and other variants of the same model."""

from __future__ import annotations

import itertools

import pytest

from tests.workflows.helpers import model_lists, request
from workflows import manifest, registry
from workflows.build import Capabilities, build
from workflows.models import models_in

CHECKPOINTS = [
    ("CheckpointLoaderSimple", "ckpt_name"),
    ("LTXVAudioVAELoader", "ckpt_name"),
    ("LTXAVTextEncoderLoader", "ckpt_name"),
]
ENCODERS = [("LTXAVTextEncoderLoader", "text_encoder")]
LORAS = [("LoraLoaderModelOnly", "lora_name")]
FP8, BF16, NVFP4 = (f"ltx-2.3-22b-dev{end}.safetensors" for end in ("-fp8", "", "-nvfp4"))
DISTILLED, GGUF = "ltx-2.3-22b-distilled-fp8.safetensors", "ltx-2.3-22b-dev-Q4_K_M.gguf"
RANK_111 = "ltx_2.3_22b_distilled_1.1_lora_dynamic_fro09_avg_rank_111_bf16.safetensors"
RANK_384 = "ltx-2.3-22b-distilled-lora-384-1.1.safetensors"
GEMMA_FP4, GEMMA_FP8, GEMMA = (f"gemma_3_12B_it{end}.safetensors" for end in ("_fp4_mixed", "_fp8_scaled", ""))


def engine(loaders: list[tuple[str, str]], *names: str) -> Capabilities:
    return Capabilities(dict.fromkeys(loaders, names))


@pytest.mark.parametrize(
    ("loaders", "wanted", "listed", "found"),
    [
        (CHECKPOINTS, FP8, (BF16, NVFP4, FP8), FP8),
        (CHECKPOINTS, FP8, (NVFP4, BF16), BF16),
        (CHECKPOINTS, FP8, (NVFP4,), NVFP4),
        (CHECKPOINTS, FP8, (BF16, f"ltx/{FP8}"), f"ltx/{FP8}"),
        (CHECKPOINTS, FP8, (f"LTX\\2.3\\{BF16}",), f"LTX\\2.3\\{BF16}"),
        (CHECKPOINTS, BF16, (FP8,), FP8),
        (ENCODERS, GEMMA_FP4, (GEMMA, GEMMA_FP8), GEMMA_FP8),
        (ENCODERS, GEMMA_FP4, (GEMMA,), GEMMA),
        (LORAS, RANK_111, ("mine.safetensors", RANK_384), RANK_384),
    ],
)
def test_another_variant_of_the_same_model_takes_its_place(
    loaders: list[tuple[str, str]], wanted: str, listed: tuple[str, ...], found: str
) -> None:
    assert engine(loaders, *listed).resolve(*loaders[0], wanted) == found
    if "/" not in found and "\\" not in found:
        assert {engine(loaders, *names).resolve(*loaders[0], wanted) for names in itertools.permutations(listed)} == {
            found
        }


@pytest.mark.parametrize("listed", [(DISTILLED,), (GGUF,), (RANK_384,), ("ltx-2.3-22b-dev-fp8.safetensors.bak",), ()])
def test_another_kind_of_model_never_does(listed: tuple[str, ...]) -> None:
    assert engine(CHECKPOINTS, *listed).resolve(*CHECKPOINTS[0], FP8) == FP8


@pytest.mark.parametrize("mode", manifest.MODES)
def test_every_loader_of_a_checkpoint_gets_the_same_one(mode: str) -> None:
    offered = {
        CHECKPOINTS[0]: (BF16, f"x/{NVFP4}"),
        CHECKPOINTS[1]: (f"x/{NVFP4}",),
        CHECKPOINTS[2]: (BF16, f"x/{NVFP4}"),
    }
    asked = request(manifest.mode(mode), manifest.mode(mode).preset("fast"))
    named = {
        use.file
        for use in models_in(build(asked, Capabilities(offered)))
        if registry.lookup(use.file).model.name == "checkpoint"  # type: ignore[union-attr]
    }
    assert named == {f"x/{NVFP4}"}


def test_a_loader_whose_list_is_unknown_goes_with_the_others() -> None:
    asked = request(manifest.mode("t2v"), manifest.mode("t2v").preset("fast"))
    built = build(asked, Capabilities({CHECKPOINTS[0]: (f"x/{BF16}",)}))
    assert {use.file for use in models_in(built) if use.path == "ckpt_name"} == {f"x/{BF16}"}


@pytest.mark.parametrize("mode", manifest.MODES)
def test_nothing_but_the_names_of_models_changes(mode: str) -> None:
    asked = request(manifest.mode(mode), manifest.mode(mode).preset("balanced"))
    offered = {
        loader: tuple(other for name in names for other in registry.stand_ins(name) or (name,))
        for loader, names in model_lists().items()
    }
    plain, resolved = build(asked), build(asked, Capabilities(offered))
    assert plain.keys() == resolved.keys()
    pairs = {
        (value, resolved[node_id]["inputs"][name])
        for node_id, node in plain.items()
        for name, value in node["inputs"].items()
        if value != resolved[node_id]["inputs"][name]
    }
    assert (FP8, BF16) in pairs
    assert (RANK_111, RANK_384) in pairs
    assert all(new in registry.stand_ins(old) for old, new in pairs)
