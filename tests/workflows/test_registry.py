from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.test_architecture import readme_table
from tests.workflows.helpers import model_lists
from workflows import manifest, needs, own, registry
from workflows.build import build
from workflows.checking import sample
from workflows.errors import StudioError
from workflows.models import models_in

VARIANTS = [pytest.param(model, variant, id=variant.file) for model in registry.models() for variant in model.variants]
FOLDERS = {
    ("CheckpointLoaderSimple", "ckpt_name"): "checkpoints",
    ("LTXVAudioVAELoader", "ckpt_name"): "checkpoints",
    ("LTXAVTextEncoderLoader", "ckpt_name"): "checkpoints",
    ("LTXAVTextEncoderLoader", "text_encoder"): "text_encoders",
    ("LoraLoaderModelOnly", "lora_name"): "loras",
    ("LatentUpscaleModelLoader", "model_name"): "latent_upscale_models",
    ("LoadMoGeModel", "model_name"): "geometry_estimation",
}
"""The folder that each loader of the built-in graphs lists, as ComfyUI has it."""


def files(found: tuple[needs.Need, ...]) -> set[str]:
    return {need.file for need in found}


def test_every_file_of_a_built_in_graph_is_the_first_variant_of_a_model_in_its_loader_s_folder() -> None:
    for loader, names in model_lists().items():
        for name in names:
            found = registry.lookup(name)
            assert found is not None, name
            assert found.variant == found.model.variants[0]
            assert found.variant.folder == FOLDERS[loader]


@pytest.mark.parametrize(("model", "variant"), VARIANTS)
def test_a_variant_says_where_it_comes_from_and_where_it_goes(model: registry.Model, variant: registry.Variant) -> None:
    assert registry.lookup(f"some\\folder/{variant.file}") == registry.Listed(model, variant)
    assert variant.page == f"https://huggingface.co/{variant.repo}"
    assert variant.url == f"{variant.page}/resolve/main/{variant.path}"
    assert variant.repo.count("/") == 1
    assert variant.folder in {*FOLDERS.values(), "diffusion_models"}
    assert variant.bytes is None or 10**8 < variant.bytes < 5 * 10**10
    assert set(variant.picked_for) <= set(registry.PICKS)


def test_a_choice_picks_at_most_one_variant_of_a_model() -> None:
    for model in registry.models():
        for choice in registry.PICKS:
            assert sum(choice in variant.picked_for for variant in model.variants) <= 1


def test_the_readme_s_files_come_from_where_the_registry_says() -> None:
    for file, folder, repository, _ in readme_table("file", "folder", "from", "for"):
        found = registry.lookup(file.replace("<move>", "dolly-in"))
        assert found is not None
        assert (found.variant.folder, found.variant.repo) == (folder, repository.replace("<Move>", "Dolly-In"))


@pytest.mark.parametrize(
    ("memory", "able", "choice"),
    [
        (0.0, {}, "fp8"),
        (17.2, {}, "fp8"),
        (85.5, {}, "bf16"),
        (25.7, {"fp4": True}, "nvfp4"),
        (34.2, {"fp4": True}, "fp8"),
        (0.0, {"fp4": True}, "fp8"),
        (192.0, {"fp4": True}, "bf16"),
        (38.0, {"fp8": False}, "bf16"),
    ],
)
def test_the_choice_suits_the_gpu(memory: float, able: dict[str, bool], choice: str) -> None:
    assert registry.choice_for(memory, **able) == choice


def test_a_choice_for_all_takes_what_suits_each_model() -> None:
    picked = {
        choice: [
            registry.pick(registry.model(name), choice).name
            for name in ("checkpoint", "text-encoder", "distilled-lora")
        ]
        for choice in registry.PICKS
    }
    assert picked == {
        "fp8": ["fp8", "fp4", "rank111"],
        "bf16": ["bf16", "bf16", "rank111"],
        "nvfp4": ["nvfp4", "fp4", "rank111"],
    }


def test_a_variant_that_the_graphs_can_t_load_is_refused_with_the_reason() -> None:
    with pytest.raises(StudioError, match="needs the node pack ComfyUI-GGUF") as refused:
        registry.model("checkpoint").variant("gguf-q4")
    assert refused.value.code == "variant_unusable"


def test_an_unknown_model_or_variant_is_refused_with_what_there_is() -> None:
    with pytest.raises(StudioError, match="can't be vae") as refused:
        registry.model("vae")
    assert "checkpoint, text-encoder" in refused.value.hint
    with pytest.raises(StudioError, match="can't be int8") as refused:
        registry.model("checkpoint").variant("int8")
    assert refused.value.hint == "Choose one of fp8, bf16, nvfp4."


def test_stand_ins_do_the_same_job_in_the_same_loader() -> None:
    assert registry.stand_ins("sub/ltx-2.3-22b-dev-fp8.safetensors") == (
        "ltx-2.3-22b-dev.safetensors",
        "ltx-2.3-22b-dev-nvfp4.safetensors",
    )
    assert registry.stand_ins("ltx-2.3-22b-dev-Q4_K_M.gguf") == ()
    assert registry.stand_ins("moge_2_vitl_normal_fp16.safetensors") == ()
    assert registry.stand_ins("mine.safetensors") == ()


def test_what_all_modes_need_is_what_their_graphs_name() -> None:
    found = needs.of_modes()
    named = {
        use.file
        for mode in manifest.modes()
        for preset in needs.DEFAULT_PRESETS
        for use in models_in(build(sample(mode, mode.preset(preset))))
    }
    assert files(found) == named
    assert len(named) == 5
    assert all(need.model for need in found)


def test_a_mode_and_preset_need_only_what_their_graph_names() -> None:
    fast = needs.of_modes(["t2v"], ["fast"])
    assert "ltx-2.3-spatial-upscaler-x2-1.1.safetensors" not in files(fast)
    assert files(needs.of_modes(["t2v"])) - files(fast) == {"ltx-2.3-spatial-upscaler-x2-1.1.safetensors"}
    (union,) = files(needs.of_modes(["style"], ["fast"])) - files(fast)
    assert "union-control" in union


@pytest.mark.parametrize(
    ("extra", "more"),
    [
        ("camera", 7),
        ("dolly-in", 1),
        ("camera=jib-up", 1),
        ("depth", 1),
        ("control", 2),
        ("enhance", 0),
        ("all", 9),
    ],
)
def test_choices_bring_their_files_in_where_they_are_asked_for(extra: str, more: int) -> None:
    plain, asked = needs.of_modes(), needs.of_modes(extras=[extra])
    brought = [need for need in asked if need.extras]
    assert len(brought) == len(files(asked) - files(plain)) == more
    assert {need.file for need in brought} == files(asked) - files(plain)


def test_an_unknown_choice_is_refused_with_those_that_bring_files() -> None:
    with pytest.raises(StudioError, match="--with can't be zoom") as refused:
        needs.of_modes(extras=["zoom"])
    assert refused.value.hint.startswith("Choose one of camera, static, dolly-in")
    assert "depth, pose, all" in refused.value.hint
    assert "enhance" not in refused.value.hint


def test_unknown_modes_and_presets_are_refused() -> None:
    with pytest.raises(StudioError, match="no mode called v2v"):
        needs.of_modes(["v2v"])
    with pytest.raises(StudioError, match="no preset called slow"):
        needs.of_modes(["t2v"], ["slow"])


def test_an_own_graph_needs_its_own_files(tmp_path: Path) -> None:
    graph = manifest.graph("t2v")
    text = json.dumps(graph).replace("ltx-2.3-22b-dev-fp8.safetensors", "sub/mine.safetensors")
    own.keep(json.loads(text), tmp_path, "t2v")
    found = {need.file: need for need in needs.of_modes(["t2v"], data=tmp_path)}
    assert "ltx-2.3-22b-dev-fp8.safetensors" not in found
    assert found["mine.safetensors"].model is None
    request = sample(manifest.mode("t2v"), manifest.mode("t2v").preset("fast"))
    assert "mine.safetensors" in files(needs.of_requests([request], tmp_path))
    assert "mine.safetensors" not in files(needs.of_requests([request]))
