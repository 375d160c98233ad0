"""`python -m workflows import`: what is accepted, and exactly what is said of what isn't."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from tests.support.scripted import Scripted
from tests.workflows.graphs import kept, node_of, renumbered, retitled, run, saved, with_nodes
from tests.workflows.helpers import flat, server_with
from workflows import manifest, own
from workflows.build import Capabilities, build
from workflows.checking import sample, samples

PICTURE = {"image": "somebody.jpg"}


def imported(folder: Path, graph, *more: object, mode: str = "t2v"):
    return run("import", saved(folder, graph), "--mode", mode, "--data", folder, *more)


def listed(output: str, heading: str) -> list[str]:
    """The lines below a heading of the report."""
    lines = iter(output.splitlines())
    assert any(line.startswith(heading) for line in lines), output
    below = []
    for line in lines:
        if not line.startswith("  "):
            break
        below.append(line.strip())
    return below


@pytest.mark.parametrize("mode", manifest.MODES)
def test_every_built_in_graph_is_accepted_with_other_ids(tmp_path: Path, mode: str) -> None:
    graph = renumbered(manifest.graph(mode))
    ended = imported(tmp_path, graph, mode=mode)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        f"{manifest.mode(mode).title} now uses {tmp_path}/workflows/{mode}.json: "
        f"{len(graph)} nodes, {7 if mode == 'style' else 6} model files named.",
        "Delete that file to go back to the built-in graph.",
    ]
    assert kept(tmp_path, mode) == graph
    for preset in manifest.mode(mode).presets:
        for _, request in samples(manifest.mode(mode), preset):
            assert flat(own.build_with(request, Capabilities(), tmp_path)) == flat(build(request))


def test_nothing_but_the_accepted_graph_is_left_in_the_folder(tmp_path: Path) -> None:
    imported(tmp_path, manifest.graph("t2v"))
    assert [path.name for path in (tmp_path / "workflows").iterdir()] == ["t2v.json"]


def test_a_prompt_around_the_graph_is_taken_off(tmp_path: Path) -> None:
    assert imported(tmp_path, {"prompt": manifest.graph("t2v"), "client_id": "x"}).returncode == 0
    assert kept(tmp_path, "t2v") == manifest.graph("t2v")


def test_check_only_keeps_nothing(tmp_path: Path) -> None:
    ended = imported(tmp_path, manifest.graph("t2v"), "--check-only")
    assert (ended.returncode, kept(tmp_path, "t2v")) == (0, None)
    assert ended.stdout == f"{tmp_path}/mine.json fits Text to Video; nothing is changed.\n"


def test_the_data_folder_is_the_one_of_the_setting(tmp_path: Path) -> None:
    path = saved(tmp_path, manifest.graph("t2v"))
    assert run("import", path, "--mode", "t2v", STUDIO_DATA=str(tmp_path / "set")).returncode == 0
    assert kept(tmp_path / "set", "t2v") is not None


def test_an_extra_branch_is_accepted_and_never_sent(tmp_path: Path) -> None:
    extra = {
        "901": ("LoadImage", PICTURE),
        "902": ("PreviewImage", {"images": ["901", 0]}),
        "903": ("Foreign Node", {}),
        "904": ("Foreign Node", {}),
    }
    ended = imported(tmp_path, with_nodes(manifest.graph("t2v"), **extra))
    assert ended.returncode == 0
    assert listed(ended.stdout, "nodes that the mode does not use:") == [
        "'LoadImage', 'PreviewImage', 'Foreign Node (903)', 'Foreign Node (904)'"
    ]
    assert listed(ended.stdout, "uploaded files that loaders name:") == [
        "'somebody.jpg' (LoadImage.image of 'LoadImage', in a branch that the mode does not use)"
    ]
    mode = manifest.mode("t2v")
    built = own.build_with(sample(mode, mode.presets[0]), Capabilities(), tmp_path)
    assert built.keys() & extra.keys() == set()
    assert flat(built) == flat(build(sample(mode, mode.presets[0])))


def test_a_title_that_is_gone_is_listed_with_every_binding_and_edit_that_needs_it(tmp_path: Path) -> None:
    ended = imported(tmp_path, retitled(manifest.graph("t2v"), {"Video latent": "EmptyLTXVLatentVideo"}))
    assert ended.returncode == 1
    assert sorted(listed(ended.stdout, "bindings and edits that find nothing:")) == [
        "Video latent.height (half_height): no node has this title",
        "Video latent.height (height): no node has this title",
        "Video latent.length (frames): no node has this title",
        "Video latent.width (half_width): no node has this title",
        "Video latent.width (width): no node has this title",
    ]
    assert ended.stdout.endswith(f"{tmp_path}/mine.json does not fit Text to Video; nothing is changed.\n")
    assert kept(tmp_path, "t2v") is None


def test_a_node_that_only_one_choice_needs_is_needed(tmp_path: Path) -> None:
    ended = imported(tmp_path, retitled(manifest.graph("t2v"), {"Load text encoder": "Encoder"}))
    assert ended.returncode == 1
    assert listed(ended.stdout, "bindings") == [
        "Load text encoder (an edit links to it): no node has this title",
    ]


def test_another_class_a_missing_input_and_a_title_twice_are_said(tmp_path: Path) -> None:
    graph = retitled(manifest.graph("t2v"), {"Stage 1 noise": "Stage 2 noise"})
    node_of(graph, "Prompt")["class_type"] = "CLIPTextEncodeFlux"
    del node_of(graph, "Create video")["inputs"]["fps"]
    ended = imported(tmp_path, graph)
    assert ended.returncode == 1
    found = listed(ended.stdout, "bindings")
    assert "Prompt.text (prompt): the node is a CLIPTextEncodeFlux, a CLIPTextEncode is needed" in found
    assert "Create video.fps (fps): the node has no input 'fps'" in found
    assert "Stage 2 noise.noise_seed (seed): 2 nodes are titled 'Stage 2 noise', one is needed" in found
    assert "Stage 1 noise.noise_seed (seed): no node has this title" in found


def test_a_node_that_an_edit_replaces_may_be_of_any_class(tmp_path: Path) -> None:
    graph = manifest.graph("t2v")
    steps = {"steps": 8, "max_shift": 2.05, "base_shift": 0.95, "stretch": True, "terminal": 0.1}
    node_of(graph, "Stage 1 sigmas").update(class_type="LTXVScheduler", inputs=steps)
    assert imported(tmp_path, graph).returncode == 0


def test_a_setting_that_would_have_no_effect_is_refused(tmp_path: Path) -> None:
    graph = manifest.graph("t2v")
    loose = copy.deepcopy(node_of(graph, "Stage 1 noise"))
    ids = {node["_meta"]["title"]: node_id for node_id, node in graph.items()}
    graph["900"] = {**loose, "_meta": {"title": "Fixed noise"}}
    for node in graph.values():
        for name, value in node["inputs"].items():
            if value == [ids["Stage 1 noise"], 0]:
                node["inputs"][name] = ["900", 0]
    ended = imported(tmp_path, graph)
    assert ended.returncode == 1
    assert listed(ended.stdout, "bindings") == [
        "Stage 1 noise.noise_seed (seed): nothing that 'Save video' saves comes from this node"
    ]


def test_what_the_engine_would_refuse_is_said(tmp_path: Path) -> None:
    graph = manifest.graph("t2v")
    node_of(graph, "Stage 2 sampler")["inputs"]["sampler_name"] = "no such sampler"
    ended = imported(tmp_path, graph)
    assert ended.returncode == 1
    (problem,) = listed(ended.stdout, "what the engine would refuse:")
    assert problem.startswith("Stage 2 sampler.sampler_name: 'no such sampler' is not one of the ")


def test_a_refused_graph_leaves_the_accepted_one(tmp_path: Path) -> None:
    imported(tmp_path, manifest.graph("t2v"))
    assert imported(tmp_path, retitled(manifest.graph("t2v"), {"Prompt": "CLIP"})).returncode == 1
    assert kept(tmp_path, "t2v") == manifest.graph("t2v")


def power_loras(graph, **rows):
    """The graph with rgthree's loader between the checkpoint and the distilled LoRA."""
    loader = node_of(graph, "Distilled LoRA")
    source = loader["inputs"]["model"]
    loader["inputs"]["model"] = ["950", 0]
    return with_nodes(graph, **{"950": ("Power Lora Loader (rgthree)", {**rows, "model": source})})


def test_a_class_that_only_a_server_knows_needs_that_server(tmp_path: Path) -> None:
    graph = power_loras(manifest.graph("t2v"))
    ended = imported(tmp_path, graph)
    assert ended.returncode == 1
    assert listed(ended.stdout, "node classes missing from the recorded interfaces") == [
        "Power Lora Loader (rgthree) ('Power Lora Loader (rgthree)')"
    ]


def test_models_are_missed_where_the_class_of_their_loader_is_missing_too(tmp_path: Path) -> None:
    graph = power_loras(manifest.graph("t2v"), lora_1={"on": True, "lora": "mine.safetensors", "strength": 1})
    with Scripted(refusing(server_with(""))) as server:
        ended = imported(tmp_path, graph, "--server", server.url)
    assert ended.returncode == 1
    assert "Power Lora Loader (rgthree) ('Power Lora Loader (rgthree)')" in ended.stdout
    assert "mine.safetensors (Power Lora Loader (rgthree).lora_1.lora of" in ended.stdout


def with_power_loras() -> dict:
    answer = server_with("")
    answer["Power Lora Loader (rgthree)"] = {
        "input": {"required": {}, "optional": {"model": ["MODEL"], "lora_1": ["ROW"]}},
        "output": ["MODEL", "CLIP"],
    }
    return answer


def refusing(reads: dict) -> dict:
    return {"GET /object_info": lambda _: (200, reads), "GET /view": lambda _: (404, b"")}


def test_rows_of_many_loras_are_looked_up_on_the_server(tmp_path: Path) -> None:
    rows = {
        "lora_1": {"on": True, "lora": "mine.safetensors", "strength": 1},
        "lora_2": {"on": False, "lora": "off.safetensors", "strength": 1},
    }
    graph = power_loras(manifest.graph("t2v"), **rows)
    answer = with_power_loras()
    with Scripted(refusing(answer)) as server:
        ended = imported(tmp_path, graph, "--server", server.url)
        assert ended.returncode == 1
        assert "mine.safetensors (Power Lora Loader (rgthree).lora_1.lora of" in ended.stdout
        assert "off.safetensors" not in ended.stdout
        loader = answer["LoraLoaderModelOnly"]["input"]["required"]["lora_name"]
        (loader[0] if isinstance(loader[0], list) else loader[1]["options"]).append("folder/mine.safetensors")
        graph["950"]["inputs"]["lora_1"]["lora"] = "folder/mine.safetensors"
        # rgthree declares neither the rows nor their type.
        assert imported(tmp_path, graph, "--server", server.url).returncode == 0


def test_models_that_the_server_lacks_are_listed(tmp_path: Path) -> None:
    graph = manifest.graph("t2v")
    node_of(graph, "Load checkpoint")["inputs"]["ckpt_name"] = "mine.safetensors"
    with Scripted(refusing(server_with(""))) as server:
        ended = imported(tmp_path, graph, "--server", server.url)
    assert ended.returncode == 1
    assert listed(ended.stdout, "models missing from the server:") == [
        "mine.safetensors (CheckpointLoaderSimple.ckpt_name of 'Load checkpoint')"
    ]
    assert "what the engine would refuse" not in ended.stdout


def test_what_only_a_choice_of_the_mode_needs_does_not_stand_in_the_way(tmp_path: Path) -> None:
    answer = server_with("")
    del answer["LTXVScheduler"]
    with Scripted(refusing(answer)) as server:
        ended = imported(tmp_path, manifest.graph("t2v"), "--server", server.url)
    assert ended.returncode == 0
    assert "LTXVScheduler" in listed(ended.stdout, "missing from the server, but only needed by some")


def test_credentials_in_the_address_are_sent_and_never_printed(tmp_path: Path) -> None:
    with Scripted(refusing(server_with(""))) as server:
        address = server.url.replace("http://", "http://me:s3cret@")
        ended = imported(tmp_path, with_nodes(manifest.graph("t2v"), **{"909": ("LoadImage", PICTURE)}),
                         "--server", address, "--placeholders")  # fmt: skip
    assert ended.returncode == 2
    assert "status 404" in ended.stderr
    assert len(server.authorizations) == 3
    assert {*server.authorizations} == {"Basic bWU6czNjcmV0"}
    assert "s3cret" not in ended.stdout + ended.stderr
    assert kept(tmp_path, "t2v") is None


def test_placeholders_without_a_server_are_refused(tmp_path: Path) -> None:
    ended = imported(tmp_path, manifest.graph("t2v"), "--placeholders")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Placeholders are uploaded to a server")


def test_a_server_that_does_not_answer_changes_nothing(tmp_path: Path) -> None:
    ended = imported(tmp_path, manifest.graph("t2v"), "--server", "http://127.0.0.1:1")
    assert (ended.returncode, kept(tmp_path, "t2v")) == (2, None)


def test_a_data_folder_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "workflows").write_text("a file")
    ended = imported(tmp_path, manifest.graph("t2v"))
    assert ended.returncode == 2
    assert f"The data folder {tmp_path}/workflows can't be written" in ended.stderr


def test_check_looks_at_own_graphs(tmp_path: Path) -> None:
    imported(tmp_path, renumbered(manifest.graph("t2v")))
    assert run("check", "--data", tmp_path).returncode == 0
    path = own.path_of(tmp_path, "t2v")
    path.write_text(path.read_text().replace("Stage 2 noise", "Second noise"))
    ended = run("check", "--data", tmp_path)
    assert ended.returncode == 1
    assert f"  Your own graph for Text to Video, {path}, does not fit: Stage 2 noise.noise_seed (seed)" in ended.stdout
    assert ended.stdout.count("not fit") > 3
    assert "i2v fast: ok" in ended.stdout
    assert run("check").returncode == 0


def test_the_kept_graph_is_json_that_comfyui_reads(tmp_path: Path) -> None:
    graph = manifest.graph("t2v")
    node_of(graph, "Prompt")["inputs"]["text"] = "a \ud800 half \u2028 line"
    assert imported(tmp_path, graph).returncode == 0
    text = own.path_of(tmp_path, "t2v").read_text(encoding="ascii")
    assert json.loads(text) == graph


@pytest.mark.parametrize(
    "odd",
    [
        {"input": {"required": {"model": ["MODEL"], "x": None, "y": [], "z": [{}]}, "optional": None}},
        {"input": {"required": {"model": ["MODEL"], "x": "text", "y": {}, "z": [None]}}, "name": "Odd"},
    ],
    ids=["empty", "strange"],
)
def test_custom_nodes_with_odd_interfaces_are_taken_as_they_are(tmp_path: Path, odd) -> None:
    graph = power_loras(manifest.graph("t2v"), x=1, y={"a": [1]}, z="text")
    answer = {**server_with(""), "Power Lora Loader (rgthree)": {**odd, "output": ["MODEL", ["a", "b"]]}}
    with Scripted(refusing(answer)) as server:
        ended = imported(tmp_path, graph, "--server", server.url)
    assert (ended.returncode, ended.stderr) == (0, "")
