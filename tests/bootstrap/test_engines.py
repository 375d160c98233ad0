from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootstrap import engines
from bootstrap.engines import Draft, Engine, External, Managed
from client import accelerator
from client import settings as configuration
from client.comfy_home import ComfyHome
from client.settings import Settings
from workflows.errors import StudioError


def settings(engine: str, url: str = "", **more: str) -> Settings:
    return configuration.read({"STUDIO_ENGINE": engine, "STUDIO_COMFYUI_URL": url, "STUDIO_DATA": "/somewhere", **more})


DRAFT = Draft(8188, Path("/somewhere/engine"), 200)
MANAGED = Managed(8188, ComfyHome(Path("/somewhere/comfyui")))


@pytest.mark.parametrize("engine", ["auto", "draft"])
def test_without_a_gpu_the_draft_engine_is_chosen_silently(engine: str) -> None:
    assert engines.choose(settings(engine), gpu="") == DRAFT


@pytest.mark.parametrize(
    ("engine", "gpu", "device", "expected"),
    [
        ("managed", "", "auto", MANAGED),
        ("auto", "cuda", "auto", MANAGED),
        ("auto", "mps", "auto", MANAGED),
        ("auto", "", "cpu", MANAGED),
        ("auto", "", "auto", DRAFT),
        ("draft", "cuda", "cuda", DRAFT),
    ],
)
def test_a_gpu_or_a_named_device_chooses_comfyui_where_nobody_chose(
    engine: str, gpu: str, device: str, expected: Engine
) -> None:
    assert engines.choose(settings(engine, STUDIO_DEVICE=device), gpu) == expected


def test_every_engine_has_the_name_that_chooses_it() -> None:
    for engine in (MANAGED, DRAFT, External("http://host")):
        name = engines.kind(engine)
        url = "http://host" if name == "external" else ""
        assert engines.choose(settings(name, url), gpu="") == engine


@pytest.mark.parametrize("engine", ["auto", "external"])
def test_a_named_server_is_the_engine(engine: str) -> None:
    assert engines.choose(settings(engine, "https://host:8188/comfy/"), gpu="cuda") == External(
        "https://host:8188/comfy"
    )


def test_asking_for_the_draft_engine_wins_over_a_named_server() -> None:
    assert engines.kind(engines.choose(settings("draft", "http://host:8188"), gpu="")) == "draft"


@pytest.mark.parametrize(
    ("engine", "url", "code"),
    [
        ("comfy", "", "engine_unknown"),
        ("external", "", "engine_url_missing"),
        ("external", "host:8188", "engine_url_invalid"),
        ("auto", "ftp://host", "engine_url_invalid"),
        ("auto", "http://[::1", "engine_url_invalid"),
        ("auto", "http://host:99999", "engine_url_invalid"),
    ],
)
def test_a_choice_that_cannot_be_met_says_so(engine: str, url: str, code: str) -> None:
    with pytest.raises(StudioError) as raised:
        engines.choose(settings(engine, url), gpu="")
    assert raised.value.code == code


def test_the_draft_engine_listens_on_loopback_only() -> None:
    command = engines.command(Draft(1234, Path("/base"), 300))
    assert command[command.index("--listen") + 1] == "127.0.0.1"
    assert command[command.index("--port") + 1] == "1234"
    assert command[command.index("--max-upload-size") + 1] == "300"


def nvidia_smi(folder: Path, answer: str, code: int) -> None:
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\necho '{answer}'\nexit {code}\n")
    tool.chmod(0o755)


def test_a_gpu_counts_when_the_driver_lists_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    without = accelerator.detect()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    nvidia_smi(tmp_path, "NVIDIA-SMI has failed", 9)
    assert accelerator.detect() == without
    nvidia_smi(tmp_path, "No devices were found", 0)
    assert accelerator.detect() == without
    nvidia_smi(tmp_path, "GPU 0: NVIDIA L4", 0)
    assert accelerator.detect() == "cuda"


@pytest.mark.parametrize(("machine", "expected"), [("arm64", "mps"), ("x86_64", "")])
def test_a_mac_has_a_gpu_when_it_is_apple_silicon(machine: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert accelerator.detect() == expected


def test_the_environment_of_the_programs_gives_the_same_settings() -> None:
    chosen = configuration.read({"STUDIO_PORT": "9000", "STUDIO_COMFYUI_URL": "http://host:1", "STUDIO_HOST": "::"})
    assert configuration.read(configuration.environment(chosen)) == chosen


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8501"),
        ("0.0.0.0", "http://127.0.0.1:8501"),
        ("::", "http://[::1]:8501"),
        ("studio.lan", "http://studio.lan:8501"),
    ],
)
def test_the_printed_address_can_be_opened_here(host: str, url: str) -> None:
    assert configuration.read({"STUDIO_HOST": host}).studio_url == url
