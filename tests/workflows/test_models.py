"""The files that a graph names: models in rows of any depth, and uploads."""

from __future__ import annotations

from tests.workflows.graphs import with_nodes
from workflows import manifest, schema
from workflows.models import ModelUse, models_in, uploads_in

LOADER = "Power Lora Loader (rgthree)"


def named(graph) -> list[tuple[str, str, str]]:
    return [(use.class_type, use.path, use.file) for use in models_in(graph)]


def test_the_models_of_a_built_in_graph_are_found_with_class_and_input() -> None:
    found = named(manifest.graph("t2v"))
    assert ("CheckpointLoaderSimple", "ckpt_name", "ltx-2.3-22b-dev-fp8.safetensors") in found
    assert ("LatentUpscaleModelLoader", "model_name", "ltx-2.3-spatial-upscaler-x2-1.1.safetensors") in found
    assert len(found) == 6


def test_a_row_that_is_switched_off_names_no_model() -> None:
    rows = {
        "PowerLoraLoaderHeaderWidget": {"type": "PowerLoraLoaderHeaderWidget"},
        "lora_1": {"on": True, "lora": "kept.safetensors", "strength": 1},
        "lora_2": {"on": False, "lora": "off.safetensors", "strength": 1},
        "lora_3": {"on": True, "lora": "sub/folder.safetensors", "strength": 0.5, "strengthTwo": None},
        "\u2795 Add Lora": "",
        "model": ["1", 0],
    }
    assert named(with_nodes({}, **{"9": (LOADER, rows)})) == [
        (LOADER, "lora_1.lora", "kept.safetensors"),
        (LOADER, "lora_3.lora", "sub/folder.safetensors"),
    ]


def test_rows_within_lists_and_rows_are_walked() -> None:
    deep = {"stack": [{"rows": [{"on": True, "file": "a.gguf"}, {"on": False, "file": "b.gguf"}]}, "c.pth"]}
    assert named(with_nodes({}, **{"1": ("Stack", deep)})) == [
        ("Stack", "stack.0.rows.0.file", "a.gguf"),
        ("Stack", "stack.1", "c.pth"),
    ]


def test_an_input_called_on_is_no_row() -> None:
    assert named(with_nodes({}, **{"1": ("Any", {"on": False, "file": "a.ckpt"})})) == [("Any", "file", "a.ckpt")]


def test_links_numbers_and_plain_text_are_no_models() -> None:
    inputs = {
        "model": ["weights.safetensors", 0],
        "text": "see model.safetensors\nfor more.ckpt",
        "steps": 8,
        "image": "photo.png",
        "lora_name": "None",
    }
    assert models_in(with_nodes({}, **{"1": ("Any", inputs)})) == ()


def test_a_use_knows_its_node() -> None:
    (use,) = models_in({"7": {"class_type": "A", "inputs": {"f": "x.sft"}, "_meta": {"title": "Mine"}}})
    assert use == ModelUse("A", "f", "x.sft", "Mine", "7")


def test_uploads_are_found_by_their_mark_and_by_known_classes() -> None:
    graph = with_nodes(
        {},
        **{
            "1": ("LoadImage", {"image": "a.png"}),
            "2": ("LoadAudio", {"audio": "b.mp3"}),
            "3": ("LoadVideo", {"file": "c.mp4"}),
            "4": ("VHS_LoadVideo", {"video": "d.webm", "force_rate": 0}),
            "5": ("LoadImage", {"image": "e.png [output]"}),
            "6": ("LoadImage", {"image": ["1", 0]}),
            "7": ("CLIPTextEncode", {"text": "f.png"}),
            "8": ("Marked", {"still": "g.png"}),
            "9": ("FromOutput", {"still": "h.png"}),
        },
    )
    interfaces = {
        **schema.recorded(),
        "Marked": {"input": {"optional": {"still": [[], {"image_upload": True}]}}},
        "FromOutput": {"input": {"required": {"still": [[], {"image_upload": True, "image_folder": "output"}]}}},
    }
    assert [(use.file, use.kind) for use in uploads_in(graph, interfaces)] == [
        ("a.png", "image"),
        ("b.mp3", "audio"),
        ("c.mp4", "video"),
        ("d.webm", "video"),
        ("g.png", "image"),
    ]
