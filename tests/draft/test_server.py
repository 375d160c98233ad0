"""The process and its routes: starting, stopping, addresses, what it says about itself, and whom it refuses."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from bootstrap.draft.nodes.registry import NODES
from tests.draft.shapes import outline
from tests.support import captures
from tests.support.comfy_client import Listener, endless
from tests.support.draft import CHECKOUT, start_draft
from workflows.build import build
from workflows.checking import SAMPLE_LORA, samples
from workflows.manifest import modes

ROUTES = json.loads((captures.FOLDER / "routes_0.27.0.json").read_text())
SERVED = (
    "/prompt",
    "/queue",
    "/interrupt",
    "/free",
    "/history",
    "/history/{prompt_id}",
    "/view",
    "/upload/image",
    "/upload/mask",
    "/object_info",
    "/object_info/{node_class}",
    "/system_stats",
    "/features",
    "/models",
    "/models/{folder}",
    "/embeddings",
    "/extensions",
    "/ws",
    "/",
    "/api/jobs",
    "/api/jobs/{job_id}",
    "/api/jobs/{job_id}/cancel",
    "/api/jobs/cancel",
)


def exit_of(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bootstrap.draft", *flags]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_even_while_it_works(tmp_path: Path, number: signal.Signals) -> None:
    process, url = start_draft(tmp_path)
    with Listener(url) as listener:
        listener.submit(endless())
        listener.until(lambda message: message["type"] == "progress")
        assert (tmp_path / "temp").is_dir()
        process.send_signal(number)
        assert process.wait(20) == 0
    assert not (tmp_path / "temp").exists()
    assert process.stdout is not None
    assert process.stdout.read() == ""


def test_temp_is_emptied_and_the_rest_kept_at_start(tmp_path: Path) -> None:
    for kind in ("input", "output", "temp"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "old").write_text("old")
    process, _ = start_draft(tmp_path)
    process.terminate()
    process.wait(20)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*")) == ["input/old", "output/old"]


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "temp").mkdir()
    (tmp_path / "temp" / "of-the-other").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = exit_of("--port", port, "--base-directory", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert port in ended.stderr
    assert "--port" in ended.stderr
    assert (tmp_path / "temp" / "of-the-other").exists()


def test_an_address_that_is_not_ours(tmp_path: Path) -> None:
    ended = exit_of("--listen", "192.0.2.1", "--port", "0", "--base-directory", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "192.0.2.1" in ended.stderr


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = exit_of("--port", "0", "--base-directory", str(tmp_path / "file"))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("path", SERVED)
def test_every_route_answers_at_the_addresses_of_comfyui(draft_url: str, path: str) -> None:
    """What is recorded is routed here, with the same methods; `/jobs` without /api is not."""
    concrete = path.replace("{prompt_id}", "x").replace("{job_id}", "x").replace("{node_class}", "x")
    concrete = concrete.replace("{folder}", "loras")
    for address in (concrete, f"/api{concrete}"):
        template = path if address == concrete else f"/api{path}"
        wanted = {method for method, route in ROUTES if route == template}
        assert wanted
        answer = requests.delete(draft_url + address)
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(",")) - {"GET", "HEAD"} == wanted - {"GET", "HEAD"}
        if "GET" in wanted and not path.endswith("/ws") and "{job_id}" not in path and path != "/view":
            assert requests.get(draft_url + address).status_code == 200
            assert requests.head(draft_url + address).status_code == 200


@pytest.mark.parametrize("path", ["/jobs", "/nope", "/api/nope", "/queue/x", "/interrupt"])
def test_anything_else_is_not_found(draft_url: str, path: str) -> None:
    answer = requests.get(draft_url + path)
    assert (answer.status_code, answer.content) == (404, b"")


def test_wrong_methods(draft_url: str) -> None:
    answer = requests.put(f"{draft_url}/queue")
    assert (answer.status_code, answer.text) == (405, "405: Method Not Allowed")


def test_system_stats(draft_url: str) -> None:
    answer = requests.get(f"{draft_url}/system_stats")
    expected = captures.answer("system_stats")
    stats = answer.json()
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert outline({**stats, "system": {**stats["system"], "comfy_package_versions": []}}) == outline(
        {**expected, "system": {**expected["system"], "comfy_package_versions": []}}
    )
    assert stats["system"]["comfyui_version"] == "0.27.0"
    assert stats["system"]["deploy_environment"] == "ltx-studio-draft"
    assert 0 < stats["system"]["ram_free"] <= stats["system"]["ram_total"]
    (device,) = stats["devices"]
    assert (device["name"], device["type"], device["index"]) == ("draft", "cpu", None)


def test_object_info_has_every_node_with_its_recorded_interface(draft_url: str) -> None:
    answer = requests.get(f"{draft_url}/object_info").json()
    recorded = json.loads((CHECKOUT / "workflows" / "schema.json").read_text())
    assert answer.keys() == recorded.keys() & NODES.keys()
    for name, interface in answer.items():
        assert interface["output"] == recorded[name]["output"]
        assert interface["input_order"] == recorded[name]["input_order"]
        assert interface["input"].keys() == recorded[name]["input"].keys()
        assert {"description", "python_module", "is_input_list"} <= interface.keys()
        assert requests.get(f"{draft_url}/object_info/{name}").json() == {name: interface}
    assert requests.get(f"{draft_url}/object_info/NoSuchNode").json() == {}


def test_the_lists_of_models_have_what_the_graphs_name(draft_url: str) -> None:
    info = requests.get(f"{draft_url}/object_info").json()
    named = set()
    asked = [request for mode in modes() for preset in mode.presets for _, request in samples(mode, preset)]
    for node in (node for request in asked for node in build(request).values()):
        for name, value in node["inputs"].items():
            if str(value).endswith(".safetensors") and value != SAMPLE_LORA:
                spec = info[node["class_type"]]["input"]["required"][name]
                options = spec[0] if isinstance(spec[0], list) else spec[1]["options"]
                assert value in options
                named.add(value)
    folders = requests.get(f"{draft_url}/models").json()
    listed = {file for folder in folders for file in requests.get(f"{draft_url}/models/{folder}").json()}
    assert named
    assert listed == named
    assert requests.get(f"{draft_url}/models/no-such-folder").status_code == 404
    assert requests.get(f"{draft_url}/embeddings").json() == []
    assert requests.get(f"{draft_url}/extensions").json() == []


def test_the_list_of_pictures_follows_the_input_folder(tmp_path: Path) -> None:
    (tmp_path / "input" / "sub").mkdir(parents=True)
    for name in ("b.png", "a.jpg", "sound.wav", "notes.txt", "clip.mp4", "sub/c.png"):
        (tmp_path / "input" / name).touch()
    process, url = start_draft(tmp_path)
    try:
        assert requests.get(f"{url}/object_info/LoadImage").json()["LoadImage"]["input"]["required"]["image"] == [
            ["a.jpg", "b.png"],
            {"image_upload": True},
        ]
        (tmp_path / "input" / "c.webp").touch()
        listed = requests.get(f"{url}/object_info").json()["LoadImage"]["input"]["required"]["image"][0]
        assert listed == ["a.jpg", "b.png", "c.webp"]
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:8501"},
        {"Origin": "http://localhost"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example:8188"},
        {"Host": "evil.example:8188", "Origin": "http://evil.example:8188"},
    ],
)
def test_requests_of_other_sites_are_refused(draft_url: str, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/queue"), ("POST", "/prompt"), ("GET", "/ws"), ("OPTIONS", "/prompt")):
        answer = requests.request(method, draft_url + path, headers=headers)
        assert (answer.status_code, answer.content) == (403, b"")


def test_requests_of_our_own_page_are_served(draft_url: str) -> None:
    port = draft_url.rpartition(":")[2]
    for headers in (
        {"Origin": draft_url},
        {"Origin": "http://127.0.0.1"},
        {"Origin": f"http://localhost:{port}", "Host": f"localhost:{port}"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert requests.get(f"{draft_url}/queue", headers=headers).status_code == 200


def test_an_engine_open_to_the_network_goes_by_any_name(tmp_path: Path) -> None:
    process, url = start_draft(tmp_path, "--listen", "0.0.0.0")
    try:
        address = url.replace("0.0.0.0", "127.0.0.1")
        assert requests.get(f"{address}/queue", headers={"Host": "studio.example:8188"}).status_code == 200
        foreign = {"Host": "studio.example:8188", "Origin": "http://evil.example"}
        assert requests.get(f"{address}/queue", headers=foreign).status_code == 403
    finally:
        process.terminate()
        process.wait(20)
