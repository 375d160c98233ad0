"""What a server can make, judged from what it answers."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client import preflight
from client.engine import Monitor
from client.preflight import Preflight
from client.transport import Server
from tests.support import scripted
from tests.support.commands import CHECKOUT, environment, eventually
from tests.workflows.helpers import server_with
from workflows import manifest, schema

FP8, BF16 = "ltx-2.3-22b-dev-fp8.safetensors", "ltx-2.3-22b-dev.safetensors"
UPSCALER, MOGE = "ltx-2.3-spatial-upscaler-x2-1.1.safetensors", "moge_2_vitl_normal_fp16.safetensors"
CHECKPOINT_LOADERS = ("CheckpointLoaderSimple", "LTXVAudioVAELoader", "LTXAVTextEncoderLoader")


def without(*files: str, nodes: tuple[str, ...] = ()) -> dict[str, Any]:
    """A server with everything but these."""
    answer = server_with("")
    for interface in answer.values():
        for spec in interface["input"].get("required", {}).values():
            listed = schema.options(spec)
            if listed is not None:
                listed[:] = [option for option in listed if option not in files]
    return {name: interface for name, interface in answer.items() if name not in nodes}


def judged(interfaces: dict[str, Any], version: str = "0.27.0") -> Preflight:
    return preflight.judge("http://host", interfaces, {"system": {"comfyui_version": version}, "devices": []})


def states(found: Preflight) -> dict[str, tuple[str, ...]]:
    """The presets that can run, by mode."""
    return {mode.name: tuple(preset.name for preset in mode.presets if preset.gap.empty) for mode in found.modes}


EVERY = ("fast", "balanced", "quality")


def test_a_server_that_has_everything_is_ready() -> None:
    found = judged(server_with("ltx/"))
    assert found.ready
    assert states(found) == dict.fromkeys(manifest.MODES, EVERY)
    assert found.files == ()
    assert [mode.choices for mode in found.modes] == [()] * 6


def test_another_variant_of_a_model_is_as_good() -> None:
    interfaces = without(FP8)
    for name in CHECKPOINT_LOADERS:
        listed = schema.options(interfaces[name]["input"]["required"]["ckpt_name"])
        assert listed is not None
        listed.append(BF16)
    assert judged(interfaces).ready


def test_a_missing_file_is_named_with_its_size_and_source() -> None:
    found = judged(without(FP8))
    assert states(found) == dict.fromkeys(manifest.MODES, ())
    (missing,) = found.files
    assert (missing.file, missing.folder, missing.bytes) == (FP8, "checkpoints", 29_100_000_000)
    assert missing.url == f"https://huggingface.co/Lightricks/LTX-2.3-fp8/resolve/main/{FP8}"
    assert found.mode("t2v").sentence() == (
        f"The server lacks the file {FP8} (29.1 GB from https://huggingface.co/Lightricks/LTX-2.3-fp8, "
        "for checkpoints)."
    )


def test_a_preset_that_does_not_need_the_file_can_run() -> None:
    found = judged(without(UPSCALER))
    assert states(found)["t2v"] == ("fast",)
    assert not found.mode("t2v").ready
    assert found.mode("t2v").usable
    assert found.mode("t2v").sentence().startswith(f"Only fast can run: the server lacks the file {UPSCALER}")


def test_a_choice_that_lacks_more_does_not_hold_up_the_mode() -> None:
    found = judged(without(MOGE))
    assert found.ready
    assert [(choice.name, choice.gap.files[0].file) for choice in found.mode("style").choices] == [
        ("control=depth", MOGE)
    ]
    assert [file.file for file in found.files] == [MOGE]


def test_nodes_of_a_newer_core_ask_for_its_version() -> None:
    moge = judged(without(nodes=("ImageScaleDown", "LTXVAudioVAELoader")), "0.8.0")
    assert not any(mode.usable for mode in moge.modes)
    assert moge.mode("t2v").needs == "0.16.0"
    assert moge.mode("style").needs == "0.22.0"
    assert moge.mode("t2v").sentence() == "Text to Video needs ComfyUI 0.16.0 or newer, and this server has 0.8.0."


def test_a_server_that_does_not_say_its_version_is_asked_for_one() -> None:
    found = preflight.judge("http://host", without(nodes=("LTXVAudioVAELoader",)), {"system": {}, "devices": []})
    assert found.version == ""
    assert found.mode("a2v").sentence().endswith("this server does not say which it has.")


def test_a_node_that_a_new_server_lacks_is_named() -> None:
    found = judged(without(nodes=("LTXVAudioVAELoader",)))
    assert found.mode("t2v").needs == ""
    assert found.mode("t2v").gap.nodes == ("LTXVAudioVAELoader",)
    assert found.mode("t2v").sentence() == "The server lacks the node LTXVAudioVAELoader."


def test_a_version_alone_keeps_nothing_from_running() -> None:
    assert judged(server_with(""), "0.9.0").ready


def test_an_interface_that_has_changed_is_said() -> None:
    interfaces = copy.deepcopy(server_with(""))
    interfaces["EmptyLTXVLatentVideo"]["input"]["required"]["mood"] = ["STRING", {}]
    found = judged(interfaces)
    assert not found.mode("t2v").usable
    assert "the input mood is missing" in found.mode("t2v").sentence()


def test_an_own_graph_is_judged_in_place_of_ours(tmp_path: Path) -> None:
    graph = manifest.graph("t2v")
    loader = next(node for node in graph.values() if node["class_type"] == "CheckpointLoaderSimple")
    loader["inputs"]["ckpt_name"] = "mine.safetensors"
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "t2v.json").write_text(json.dumps(graph))
    stats = {"system": {"comfyui_version": "0.27.0"}}
    found = preflight.judge("http://host", server_with(""), stats, None, tmp_path)
    assert [file.file for file in found.files] == ["mine.safetensors"]
    assert (found.mode("t2v").ready, found.mode("i2v").ready) == (False, True)


@pytest.mark.parametrize(
    ("version", "than", "answer"),
    [
        ("0.16.0", "0.16.0", False),
        ("0.3.64", "0.16.0", True),
        ("0.22", "0.16.0", False),
        ("v0.27.1-3-gabc", "0.22.0", False),
        ("", "0.16.0", True),
        ("1.0", "0.22.0", False),
    ],
)
def test_versions_are_compared_by_number(version: str, than: str, answer: bool) -> None:
    assert preflight.older(version, than) is answer


@pytest.fixture
def server() -> Iterator[scripted.Scripted]:
    """A server without the checkpoint in its place: the file lies in another folder."""
    with scripted.engine() as script:
        script.routes["GET /object_info"] = lambda _: (200, without(FP8))
        script.routes["GET /models"] = lambda _: (200, ["checkpoints", "diffusion_models"])
        script.routes["GET /models/checkpoints"] = lambda _: (200, [])
        script.routes["GET /models/diffusion_models"] = lambda _: (200, [f"ltx/{FP8}"])
        yield script


def test_a_file_in_the_wrong_folder_is_found_there(server: scripted.Scripted) -> None:
    found = preflight.ask(Server(server.url))
    assert found.max_upload_bytes == 104857600
    assert [file.elsewhere for file in found.files] == ["diffusion_models"]
    assert "(it lies in diffusion_models instead of checkpoints)" in found.mode("t2v").sentence()
    assert {method for method, _, _ in server.seen} == {"GET"}


def test_a_server_that_does_not_list_its_folders_is_judged_all_the_same(server: scripted.Scripted) -> None:
    del server.routes["GET /models"]
    assert [file.elsewhere for file in preflight.ask(Server(server.url)).files] == [""]


@pytest.mark.parametrize("answer", [(404, b""), (200, {}), (200, b"<html>")])
def test_a_server_that_has_no_features_is_judged_all_the_same(
    server: scripted.Scripted, answer: tuple[int, Any]
) -> None:
    """Old ones lack the route, and a proxy may not pass it on."""
    server.routes["GET /features"] = lambda _: answer
    found = preflight.ask(Server(server.url))
    assert found.max_upload_bytes is None
    assert [file.file for file in found.files] == [FP8]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "client", "preflight", *arguments],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_line_says_what_is_missing(server: scripted.Scripted) -> None:
    said = run("--server", server.url)
    assert said.returncode == 1
    assert f"  Text to Video: can't run; the server lacks\n    files: {FP8}\n" in said.stdout
    assert said.stdout.rstrip().endswith(f"{FP8}  (it lies in diffusion_models)")
    found = json.loads(run("--server", server.url, "--json").stdout)
    assert (found["ready"], found["version"]) == (False, "0.27.0")
    assert found["modes"][0]["presets"][0]["gap"]["files"][0]["url"].endswith(FP8)
    server.routes["GET /object_info"] = lambda _: (200, server_with(""))
    ready = run("--server", server.url)
    assert ready.returncode == 0
    assert ready.stdout.count(": ready") == 6


def test_the_command_line_names_every_node_and_file_that_is_missing(server: scripted.Scripted) -> None:
    """Of a server that has none of the models' nodes, and of one that lacks the files of every choice, too."""
    interfaces = without()
    nodes = sorted(name for name in interfaces if name.startswith("LTX"))
    server.routes["GET /object_info"] = lambda _: (200, without(FP8, nodes=tuple(nodes)))
    found = json.loads(run("--server", server.url, "--json").stdout)
    used = {node for mode in found["modes"] for preset in mode["presets"] for node in preset["gap"]["nodes"]}
    assert len(used) > 10
    said = run("--server", server.url).stdout
    assert [node for node in used if node not in said] == []
    server.routes["GET /object_info"] = lambda _: (200, without(FP8, UPSCALER, MOGE))
    said = run("--server", server.url).stdout
    assert f"  Text to Video: can't run; the server lacks\n    files: {FP8}, {UPSCALER}\n" in said
    assert f"    control=depth lacks files: {MOGE}\n" in said
    assert " more" not in said


def test_an_older_server_s_missing_nodes_are_named_beside_the_version(server: scripted.Scripted) -> None:
    server.routes["GET /object_info"] = lambda _: (200, without(nodes=("LTXVAudioVAELoader", "LTXVConcatAVLatent")))
    server.routes["GET /system_stats"] = lambda _: (200, {"system": {"comfyui_version": "0.8.0"}, "devices": [{}]})
    said = run("--server", server.url).stdout
    assert "Text to Video: needs ComfyUI 0.16.0 or newer, and this server has 0.8.0." in said
    assert (
        "    nodes: LTXVAudioVAELoader, LTXVConcatAVLatent\n" in said or "    nodes: LTXVConcatAVLatent, LTXVA" in said
    )


def test_the_command_line_says_where_nothing_answers() -> None:
    said = run("--server", "http://127.0.0.1:9")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("The engine at http://127.0.0.1:9 does not answer")


def test_the_draft_engine_is_ready(draft_url: str) -> None:
    assert preflight.ask(Server(draft_url)).ready


@pytest.mark.comfy_real
def test_a_real_server_is_ready(real_url: str) -> None:
    assert preflight.ask(Server(real_url)).ready


def test_pages_read_it_from_the_engine_s_snapshot(server: scripted.Scripted) -> None:
    monitor = Monitor(Server(server.url))
    try:
        assert eventually(lambda: monitor.snapshot().preflight is not None)
        found = monitor.snapshot().preflight
        assert found is not None
        assert not found.ready
        # The engine goes and comes back as another version: it is asked anew.
        server.routes["GET /object_info"] = lambda _: (200, server_with(""))
        server.routes["GET /system_stats"] = lambda _: (200, {"system": {"comfyui_version": "0.28.0"}, "devices": [{}]})
        monitor.refresh()
        assert eventually(lambda: getattr(monitor.snapshot().preflight, "ready", False))
    finally:
        monitor.close()
