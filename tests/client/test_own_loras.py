"""The list of LoRAs that a form offers: a person's own ones, as the engine names them."""

import json
import time

import pytest

from client.jobs import JobManager
from client.loras import of_the_studio, own
from tests.client.test_watching import QUICK, ends, engine, manager, request
from tests.support import scripted
from workflows import manifest

__all__ = ["engine", "manager"]
OURS = (
    "ltx-2-19b-lora-camera-control-dolly-in.safetensors",
    "video/ltx-2.3-22b-ic-lora-union-control-ref0.5.safetensors",
    "ltxv\\ltx_2.3_22b_distilled_1.1_lora_dynamic_fro09_avg_rank_111_bf16.safetensors",
)


def lists(engine, *names, new_style=False):
    spec = ["COMBO", {"options": list(names)}] if new_style else [list(names), {"tooltip": "t"}]
    engine.routes["GET /object_info/LoraLoaderModelOnly"] = lambda _: (
        200,
        {"LoraLoaderModelOnly": {"input": {"required": {"model": ["MODEL"], "lora_name": spec}}}},
    )


def hears(manager, wanted):
    """Whether the list becomes `wanted`."""
    end = time.monotonic() + 20
    while manager.loras() != wanted:
        if time.monotonic() > end:
            return False
        manager._monitor.refresh()
        time.sleep(0.01)
    return True


def test_every_file_of_a_graph_or_choice_is_the_studios():
    assert {name.replace("\\", "/").rpartition("/")[2] for name in OURS} <= of_the_studio()
    moves = [name for name in manifest.fields()["camera"].choices if name != "none"]
    others = ("ltx-2.3-22b-distilled-lora-384-1.1.safetensors",)
    assert of_the_studio() >= {*others}
    assert len(of_the_studio()) == len(moves) + 2 + len(others)


def test_own_ones_are_sorted_and_keep_their_folders():
    assert own(["b.safetensors", *OURS, "a/z.safetensors", "a.safetensors"]) == (
        "a.safetensors", "a/z.safetensors", "b.safetensors",
    )  # fmt: skip


@pytest.mark.parametrize("new_style", [False, True])
def test_the_engines_list_is_offered_without_the_studios_files(tmp_path, new_style):
    with scripted.engine() as script:
        lists(script, "b.safetensors", *OURS, "a.safetensors", new_style=new_style)
        manager = JobManager(tmp_path, script.url, QUICK)
        assert hears(manager, ("a.safetensors", "b.safetensors"))
        manager.close()


def test_nothing_is_offered_while_nothing_is_known(tmp_path):
    manager = JobManager(tmp_path, "http://127.0.0.1:9", QUICK)
    assert manager.loras() == ()
    manager.close()


@pytest.mark.parametrize("odd", [(200, {}), (200, []), (404, b""), (500, b""), (200, {"LoraLoaderModelOnly": None})])
def test_an_odd_answer_costs_neither_the_engine_nor_the_list(tmp_path, odd):
    with scripted.engine() as script:
        script.routes["GET /object_info/LoraLoaderModelOnly"] = lambda _: odd
        manager = JobManager(tmp_path, script.url, QUICK)
        while manager.engine().status != "alive":
            manager._monitor.refresh()
            time.sleep(0.01)
        assert manager.loras() == ()
        manager.close()


def test_an_engine_that_comes_back_is_asked_again(tmp_path):
    with scripted.engine() as script:
        lists(script, "old.safetensors")
        manager = JobManager(tmp_path, script.url, QUICK)
        assert hears(manager, ("old.safetensors",))
        usual = script.routes.pop("GET /system_stats")
        while manager.engine().status != "gone":
            manager._monitor.refresh()
            time.sleep(0.01)
        assert manager.loras() == ("old.safetensors",)
        lists(script, "new.safetensors", "old.safetensors")
        script.routes["GET /system_stats"] = usual
        assert hears(manager, ("new.safetensors", "old.safetensors"))
        manager.close()


def test_a_lora_that_the_engine_lacks_is_named(engine, manager):
    def refuse(body):
        graph = json.loads(body)["prompt"]
        (node_id, node), *_ = [
            (node_id, node) for node_id, node in graph.items() if node["inputs"].get("lora_name") == "gone.safetensors"
        ]
        error = {
            "type": "value_not_in_list",
            "message": "Value not in list",
            "details": "lora_name: 'gone.safetensors' not in ['a.safetensors']",
            "extra_info": {
                "input_name": "lora_name",
                "input_config": [["a.safetensors"], {}],
                "received_value": node["inputs"]["lora_name"],
            },
        }
        errors = {node_id: {"errors": [error], "dependent_outputs": ["29"], "class_type": node["class_type"]}}
        failed = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}
        return 400, {"error": failed, "node_errors": errors}

    engine.routes["POST /prompt"] = refuse
    state = ends(manager, manager.submit(request(loras="gone.safetensors:0.5"), "me"))
    assert (state.code, state.retryable) == ("model_missing", True)
    assert "gone.safetensors" in state.message
