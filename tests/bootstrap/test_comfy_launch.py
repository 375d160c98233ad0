"""How the managed ComfyUI is started: every argument one that it has, nothing of the studio's handed down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootstrap.comfy import launch
from client import settings as configuration
from client.comfy_home import comfyui
from client.installs import Install
from client.settings import VRAM_TIERS, Settings
from tests.support.comfy_flags import FLAGS


def settings(data: Path, **variables: str) -> Settings:
    return configuration.read({"STUDIO_DATA": str(data), "STUDIO_ENGINE_PORT": "8190", **variables})


def install(data: Path, device: str = "cuda", packs: tuple[str, ...] = ()) -> Install:
    folder = comfyui(settings(data)).installs / "one"
    return Install("one", "b" * 40, "0.27.0", device, "core", packs, (), "2.13.0", folder)


def command(data: Path, device: str = "cuda", packs: tuple[str, ...] = (), **variables: str) -> list[str]:
    configured = settings(data, **variables)
    return launch.command(comfyui(configured), install(data, device, packs), configured)


def options(arguments: list[str]) -> dict[str, list[str]]:
    """Every option with its values."""
    found: dict[str, list[str]] = {}
    for argument in arguments[3:]:
        if argument.startswith("--"):
            assert argument not in found
            found[argument] = []
        else:
            found[[*found][-1]].append(argument)
    return found


def test_it_runs_on_its_own_interpreter_in_its_own_folders_on_loopback(tmp_path: Path) -> None:
    arguments = command(tmp_path)
    folder = tmp_path / "comfyui"
    one = folder / "installs" / "one"
    assert arguments[:3] == [str(one / "venv" / "bin" / "python"), "-s", str(one / "source" / "main.py")]
    assert options(arguments) == {
        "--listen": ["127.0.0.1"],
        "--port": ["8190"],
        "--base-directory": [str(folder / "base")],
        "--temp-directory": [str(folder / "scratch")],
        "--database-url": [f"sqlite:///{folder / 'base' / 'user' / 'comfyui.db'}"],
        "--disable-auto-launch": [],
        "--disable-api-nodes": [],
        "--max-upload-size": ["200"],
        "--disable-all-custom-nodes": [],
    }
    assert "sqlite:////" in options(arguments)["--database-url"][0]


@pytest.mark.parametrize("device", ["cuda", "rocm", "mps", "cpu"])
@pytest.mark.parametrize("tier", VRAM_TIERS)
def test_every_option_is_one_that_comfyui_has(tier: str, device: str, tmp_path: Path) -> None:
    more = {"STUDIO_VRAM": tier, "STUDIO_RESERVE_VRAM_GB": "2.5", "STUDIO_COMFYUI_NODES": "mine"}
    assert options(command(tmp_path, device, ("pack",), **more)).keys() <= FLAGS


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        ("auto", set()),
        ("gpu-only", {"--gpu-only"}),
        ("high", {"--highvram"}),
        ("normal", {"--disable-dynamic-vram"}),
        ("low", {"--lowvram", "--disable-dynamic-vram"}),
        ("none", {"--novram"}),
    ],
)
def test_each_tier_is_asked_for_in_comfyuis_words(tier: str, expected: set[str], tmp_path: Path) -> None:
    plain, asked = options(command(tmp_path)), options(command(tmp_path, STUDIO_VRAM=tier))
    assert asked.keys() - plain.keys() == expected


def test_a_cpu_computes_in_full_precision_and_has_no_tier(tmp_path: Path) -> None:
    asked = options(command(tmp_path, "cpu", STUDIO_VRAM="low"))
    assert asked.keys() - options(command(tmp_path)).keys() == {"--cpu", "--fp32-text-enc"}


def test_the_upload_cap_and_what_is_left_to_others_are_the_studios(tmp_path: Path) -> None:
    asked = options(command(tmp_path, STUDIO_MAX_UPLOAD_MB="321", STUDIO_RESERVE_VRAM_GB="1.5"))
    assert (asked["--max-upload-size"], asked["--reserve-vram"]) == (["321"], ["1.5"])
    assert options(command(tmp_path, STUDIO_RESERVE_VRAM_GB="0"))["--reserve-vram"] == ["0"]


def test_only_installed_packs_and_named_folders_are_loaded(tmp_path: Path) -> None:
    asked = options(command(tmp_path, packs=("pack", "other"), STUDIO_COMFYUI_NODES="mine, yours,mine"))
    assert asked["--whitelist-custom-nodes"] == ["pack", "other", "mine", "yours"]
    (paths,) = asked["--extra-model-paths-config"]
    home, made = comfyui(settings(tmp_path)), install(tmp_path, packs=("pack",))
    launch.prepare(home, made)
    assert json.loads(Path(paths).read_text()) == {"studio": {"custom_nodes": str(made.packs_folder)}}


def test_without_packs_no_further_folder_is_searched(tmp_path: Path) -> None:
    asked = options(command(tmp_path, STUDIO_COMFYUI_NODES="mine"))
    assert asked["--whitelist-custom-nodes"] == ["mine"]
    assert "--extra-model-paths-config" not in asked


def test_the_folders_that_comfyui_lists_at_its_start_are_there(tmp_path: Path) -> None:
    home = comfyui(settings(tmp_path))
    launch.prepare(home, install(tmp_path))
    launch.prepare(home, install(tmp_path))
    assert {path.name for path in home.base.iterdir()} >= {"models", "input", "output", "user", "custom_nodes"}
    assert home.temp.is_dir()


def test_nothing_of_the_studio_is_handed_down(tmp_path: Path) -> None:
    inherited = {
        "STUDIO_COMFYUI_URL": "http://user:password@host",
        "STUDIO_COMFYUI_TOKEN": "secret",
        "WATCHDOG_SILENT_SECONDS": "1",
        "VIRTUAL_ENV": "/studio/.venv",
        "PYTHONPATH": "/elsewhere",
        "PATH": "/studio/.venv/bin:/usr/bin",
        "HF_HOME": "/cache",
        "UP_SOCKET": "/run/supervisor.sock",
    }
    made = install(tmp_path)
    assert launch.environment(made, inherited) == {
        "PATH": f"{made.python.parent}:/studio/.venv/bin:/usr/bin",
        "HF_HOME": "/cache",
        "UP_SOCKET": "/run/supervisor.sock",
        "PYTHONUNBUFFERED": "1",
    }
