"""What a built graph is made of: numbers as asked, presets, nodes, and file names as the engine spells them."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.helpers import (
    CASES,
    CONTROLS,
    circumstances,
    classes,
    difference,
    flat,
    model_lists,
    request,
    server_with,
)
from tests.workflows.test_controls import another
from workflows import manifest, schema
from workflows.build import Capabilities, build, changes_of, outputs
from workflows.graph import Graph, is_link
from workflows.manifest import Field, Mode, Preset
from workflows.values import MAX_SEED, Media

OFFICIAL_FILES = {
    "ltx-2.3-22b-dev-fp8.safetensors",
    "ltx_2.3_22b_distilled_1.1_lora_dynamic_fro09_avg_rank_111_bf16.safetensors",
    "ltx-2.3-spatial-upscaler-x2-1.1.safetensors",
    "gemma_3_12B_it_fp4_mixed.safetensors",
    "ltx-2.3-22b-ic-lora-union-control-ref0.5.safetensors",
    "moge_2_vitl_normal_fp16.safetensors",
    "sdpose_wholebody_fp16.safetensors",
    *(
        f"ltx-2-19b-lora-camera-control-{move}.safetensors"
        for move in ("static", "dolly-in", "dolly-out", "dolly-left", "dolly-right", "jib-up", "jib-down")
    ),
}
"""As Lightricks and Comfy-Org publish them."""


ARRIVING = {
    "Video latent.width": 960,
    "Video latent.height": 544,
    "Video latent.length": 177,
    "Audio latent.frames_number": 177,
    "Audio latent.frame_rate": 30,
    "Conditioning.frame_rate": 29.97,
    "Create video.fps": 29.97,
    "Stage 1 noise.noise_seed": 18446744073709551615,
    "Stage 2 noise.noise_seed": 18446744073709551615,
}
ARRIVING_WITH_AN_IMAGE = {
    "Image.image": "first.image",
    "Fit image.resize_type.width": 1920,
    "Fit image.resize_type.height": 1088,
    "Stage 1 first frame.strength": 0.35,
    "Stage 2 first frame.strength": 1.0,
}


@pytest.mark.parametrize(
    ("name", "own", "expected"),
    [("t2v", {}, ARRIVING), ("i2v", {"image_strength": 0.35}, {**ARRIVING, **ARRIVING_WITH_AN_IMAGE})],
)
def test_the_numbers_of_a_request_arrive(name: str, own: dict[str, Any], expected: dict[str, Any]) -> None:
    mode = manifest.mode(name)
    values = {"width": 1920, "height": 1080, "seconds": 6, "fps": 29.97, "seed": MAX_SEED, **own}
    sent = flat(json.loads(json.dumps(build(request(mode, mode.preset("balanced"), **values)))))
    assert {at: sent[at] for at in expected} == expected
    assert type(sent["Audio latent.frame_rate"]) is int
    assert sent["Save video.filename_prefix"] == f"ltx-studio/{name}"


# Presets


@pytest.mark.parametrize("mode", manifest.modes(), ids=lambda mode: mode.name)
def test_presets_give_different_graphs(mode: Mode) -> None:
    graphs = [build(request(mode, preset)) for preset in mode.presets]
    for index, graph in enumerate(graphs):
        for other in graphs[index + 1 :]:
            assert difference(graph, other)


@pytest.mark.parametrize("mode", manifest.modes(), ids=lambda mode: mode.name)
def test_presets_differ_by_more_than_their_size(mode: Mode) -> None:
    same = {"width": 640, "height": 384}
    graphs = {preset.name: build(request(mode, preset, **same)) for preset in mode.presets}
    assert difference(graphs["balanced"], graphs["quality"])
    # In style the guide is what costs: fast is the pass of balanced within a limit of size, and says so.
    assert bool(difference(graphs["fast"], graphs["balanced"])) == (mode.name != "style")
    assert mode.preset("fast").max_pixels is not None


ONE_PASS = {"fast": {"style", *manifest.MODES}, "balanced": {"style"}, "quality": set()}
"""By preset the modes that sample once, at the final size; style's guide is too dear for two passes that have it."""


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_a_preset_has_its_passes(mode: Mode, preset: Preset) -> None:
    graph = build(request(mode, preset, width=768, height=512))
    one = mode.name in ONE_PASS[preset.name]
    assert classes(graph).count("SamplerCustomAdvanced") == (1 if one else 2)
    assert classes(graph).count("LTXVLatentUpsampler") == classes(graph).count("LatentUpscaleModelLoader") == 1 - one
    size = (flat(graph)["Video latent.width"], flat(graph)["Video latent.height"])
    assert size == ((768, 512) if one else (384, 256))


S8 = "1.0, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875, 0.0"


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_the_first_pass_is_distilled_or_guided(mode: Mode, preset: Preset) -> None:
    values = flat(build(request(mode, preset)))
    guided = preset.name == "quality" and mode.name != "style"
    if guided:
        assert values["Stage 1 sigmas"] == "LTXVScheduler"
        assert 20 <= values["Stage 1 sigmas.steps"] <= 30
        assert values["Stage 1 guider.cfg"] == 3.0
        assert values["Stage 1 guider.model"] == ("Load checkpoint", 0)
    else:
        assert values["Stage 1 sigmas.sigmas"] == S8
        assert values["Stage 1 guider.cfg"] == 1.0
        assert values["Stage 1 guider.model"][0] == ("Control LoRA" if mode.name == "style" else "Distilled LoRA")
    assert ("guidance" in preset.provides) == guided
    if "Stage 2" in values:
        assert values["Stage 2 guider.cfg"] == 1.0
        assert values["Stage 2 guider.model"] == ("Distilled LoRA", 0)


# Graphs


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_the_same_request_gives_the_same_bytes(mode: Mode, preset: Preset) -> None:
    capabilities = Capabilities.from_object_info(server_with("ltx/"))
    texts = {json.dumps(build(request(mode, preset), capabilities)) for _ in range(3)}
    assert len(texts) == 1


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_building_leaves_the_request_and_the_shipped_graph_alone(mode: Mode, preset: Preset) -> None:
    shipped, asked = manifest.graph(mode.name), request(mode, preset)
    build(asked)["1"]["inputs"].clear()
    assert manifest.graph(mode.name) == shipped
    assert asked == request(mode, preset)
    assert build(asked)["1"]["inputs"]


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_every_node_is_of_the_core_and_has_its_own_title(mode: Mode, preset: Preset) -> None:
    graph = build(request(mode, preset))
    assert set(classes(graph)) <= schema.recorded().keys()
    titles = [node["_meta"]["title"] for node in graph.values()]
    assert len(set(titles)) == len(titles)
    assert all(titles)


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_the_only_output_is_the_one_of_the_manifest_and_uses_every_node(mode: Mode, preset: Preset) -> None:
    graph = build(request(mode, preset))
    outputs = [node for node in graph.values() if schema.recorded()[node["class_type"]]["output_node"]]
    assert [node["_meta"]["title"] for node in outputs] == [mode.output]
    used = {value[0] for node in graph.values() for value in node["inputs"].values() if is_link(value)}
    assert graph.keys() - used == {node_id for node_id, node in graph.items() if node in outputs}


@pytest.mark.parametrize(("mode", "preset", "field"), CONTROLS)
def test_the_engine_takes_the_graph_at_every_limit(mode: Mode, preset: Preset, field: Field) -> None:
    for limit in (field.min, field.max):
        values = {**circumstances(field), field.name: another(field) if limit is None else limit}
        if field.name == "loras":
            values[field.name] = f"a:{limit:g}"
        if field.name in ("canny_low", "canny_high"):
            values |= {"canny_low": limit, "canny_high": limit}
        if field.name == "seconds" and limit == field.max and not mode.rate_of:
            values["fps"] = 48
        if field.name == "fps" and limit == field.max:
            values["seconds"] = 10
        if field.name in ("width", "height"):
            most = (preset.max_pixels or 128 * 4096) // 128
            values = {"width": 128, "height": 128, field.name: min(limit or 128, most)}
        asked = request(mode, preset, **values)
        count = len(outputs(mode, changes_of(asked)))
        assert list(schema.problems(build(asked), schema.recorded(), outputs=count)) == []


def test_model_files_have_their_official_names() -> None:
    files = {file for names in model_lists().values() for file in names}
    assert files == OFFICIAL_FILES


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_a_graph_exported_again_from_the_editor_keeps_working(
    mode: Mode, preset: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = build(request(mode, preset))
    exported = shutil.copytree(manifest.FOLDER, tmp_path / "workflows")
    renumbered = json.dumps(with_other_ids(manifest.graph(mode.name)))
    (exported / f"{mode.name}.json").write_text(renumbered, encoding="utf-8")
    monkeypatch.setattr(manifest, "FOLDER", exported)
    after = build(request(mode, preset))
    assert not before.keys() & after.keys()
    assert flat(after) == flat(before)


def with_other_ids(graph: Graph) -> Graph:
    """The same graph, its nodes in another order and with other ids, some of them as subgraphs have them."""
    order = list(graph)
    random.Random(1).shuffle(order)
    ids = {old: f"57:{number}" if number % 3 == 0 else str(400 + number) for number, old in enumerate(order)}

    def relinked(value: Any) -> Any:
        return [ids[value[0]], value[1]] if is_link(value) else value

    return {
        ids[old]: {**graph[old], "inputs": {name: relinked(value) for name, value in graph[old]["inputs"].items()}}
        for old in order
    }


# File names


OLD_STYLE = {"CheckpointLoaderSimple": {"input": {"required": {"ckpt_name": [["sub/a.safetensors", "b.safetensors"]]}}}}
NEW_STYLE = {
    "CheckpointLoaderSimple": {
        "input": {
            "required": {"ckpt_name": ["COMBO", {"options": ["sub/a.safetensors", "b.safetensors"]}]},
            "hidden": {"prompt": "PROMPT"},
        }
    }
}


@pytest.mark.parametrize("object_info", [OLD_STYLE, NEW_STYLE], ids=["list", "combo"])
def test_both_ways_to_write_a_list_are_read(object_info: dict[str, Any]) -> None:
    capabilities = Capabilities.from_object_info(object_info)
    assert capabilities.options == {("CheckpointLoaderSimple", "ckpt_name"): ("sub/a.safetensors", "b.safetensors")}


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        (("sub/a.safetensors", "a.safetensors"), "a.safetensors"),
        (("sub/a.safetensors",), "sub/a.safetensors"),
        (("sub\\deep\\a.safetensors",), "sub\\deep\\a.safetensors"),
        (("b.safetensors", "not-a.safetensors", "a.safetensors.bak"), "a.safetensors"),
        ((), "a.safetensors"),
    ],
)
def test_a_file_is_found_by_its_name_in_any_subfolder(listed: tuple[str, ...], found: str) -> None:
    capabilities = Capabilities({("CheckpointLoaderSimple", "ckpt_name"): listed})
    assert capabilities.resolve("CheckpointLoaderSimple", "ckpt_name", "a.safetensors") == found


def test_a_list_of_another_input_is_not_looked_into() -> None:
    capabilities = Capabilities({("CheckpointLoaderSimple", "ckpt_name"): ("sub/a.safetensors",)})
    assert capabilities.resolve("LoraLoaderModelOnly", "lora_name", "a.safetensors") == "a.safetensors"


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_a_graph_names_files_as_the_engine_does(mode: Mode, preset: Preset) -> None:
    server = server_with("ltx 2.3/")
    plain, resolved = build(request(mode, preset)), build(request(mode, preset), Capabilities.from_object_info(server))
    changed = difference(plain, resolved)
    assert changed
    for at in changed:
        assert flat(resolved)[at] == f"ltx 2.3/{flat(plain)[at]}"
    assert {value for value in flat(plain).values() if value in OFFICIAL_FILES} == {flat(plain)[at] for at in changed}
    assert list(schema.problems(resolved, server)) == []


def test_an_upload_is_not_taken_for_another_file_of_the_same_name() -> None:
    listed = {"LoadImage": {"input": {"required": {"image": [["cat.png"], {"image_upload": True}]}}}}
    mode = manifest.mode("i2v")
    asked = request(mode, mode.preset("fast"), image=Media("ltx-studio/cat.png"))
    graph = build(asked, Capabilities.from_object_info(listed))
    assert flat(graph)["Image.image"] == "ltx-studio/cat.png"
