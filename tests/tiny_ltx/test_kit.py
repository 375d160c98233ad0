"""The tiny stand-ins: complete, the same every time, and readable as safetensors."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from bootstrap.draft.interfaces import MODEL_INPUTS
from tests.tiny_ltx.files import NOTE, OWN_LORAS, named_files, write
from workflows import manifest
from workflows.build import build
from workflows.checking import SAMPLE_LORA, samples

BYTES = {"BF16": 2, "F32": 4, "U8": 1}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write(folder)
    return folder


def header(path: Path) -> dict[str, dict]:
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        return json.loads(file.read(size))


def files(folder: Path) -> dict[str, Path]:
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_model_file_in_any_graph_has_a_known_folder():
    named = {
        (node["class_type"], name)
        for mode in manifest.modes()
        for preset in mode.presets
        for _, request in samples(mode, preset)
        for node in build(request).values()
        for name, value in node["inputs"].items()
        if isinstance(value, str) and value.endswith(".safetensors") and value != SAMPLE_LORA
    }
    assert named == set(MODEL_INPUTS)


def test_all_files_that_the_graphs_name_are_written(models):
    assert set(files(models)) == {*named_files(), *OWN_LORAS}


def test_the_same_bytes_are_written_again(models, tmp_path):
    write(tmp_path)
    for name, path in files(models).items():
        assert path.read_bytes() == (tmp_path / name).read_bytes(), name


def test_another_seed_writes_other_weights(models, tmp_path):
    write(tmp_path, seed=8)
    same = {name for name, path in files(models).items() if path.read_bytes() == (tmp_path / name).read_bytes()}
    assert same == {"checkpoints/sdpose_wholebody_fp16.safetensors"}


def test_headers_account_for_every_byte(models):
    for name, path in files(models).items():
        described = header(path)
        assert described.pop("__metadata__").items() >= NOTE.items(), name
        end = 0
        for tensor in sorted(described.values(), key=lambda tensor: tensor["data_offsets"]):
            begin, after = tensor["data_offsets"]
            assert begin == end, name
            assert after - begin == math.prod(tensor["shape"]) * BYTES[tensor["dtype"]], name
            end = after
        with path.open("rb") as file:
            assert path.stat().st_size == 8 + int.from_bytes(file.read(8), "little") + end, name


def test_files_have_what_their_loaders_look_for(models):
    dev = header(models / "checkpoints/ltx-2.3-22b-dev-fp8.safetensors")
    assert json.loads(dev["__metadata__"]["config"])["transformer"]["num_layers"] == 2
    parts = ("model.diffusion_model.", "vae.", "audio_vae.", "vocoder.", "text_embedding_projection.")
    assert all(any(name.startswith(part) for name in dev) for part in parts)
    union = header(models / "loras/ltx-2.3-22b-ic-lora-union-control-ref0.5.safetensors")
    assert union["__metadata__"]["reference_downscale_factor"] == "2"
    assert "model.layers.47.self_attn.q_norm.weight" in header(
        models / "text_encoders/gemma_3_12B_it_fp4_mixed.safetensors"
    )


def test_all_files_together_are_small(models):
    assert sum(path.stat().st_blocks * 512 for path in files(models).values()) < 30_000_000
