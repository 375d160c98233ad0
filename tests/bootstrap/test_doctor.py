"""What the doctor finds, by its own command, and what it lets through to the terminal."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bootstrap import doctor_checks, engines
from bootstrap.comfy import install
from bootstrap.doctor_checks import Case
from bootstrap.doctor_line import Line
from client import installs as state
from client import settings as configuration
from client.comfy_home import comfyui
from tests.bootstrap.conftest import Running
from tests.support import scripted
from tests.support.commands import CHECKOUT, bootstrap, environment
from tests.support.gate import Gate
from tests.support.ports import free_ports
from tests.support.unprivileged import as_nobody, open_folder
from tests.workflows.helpers import server_with
from workflows import needs

TOKEN = "t0ken-s3cret"


def looked(data: Path, *flags: object, **env: str) -> tuple[int, dict[str, tuple[str, str, str]], str]:
    """Exit code, the lines by name as (level, text, do), and everything that was printed."""
    ended = bootstrap("doctor", "--json", "--data", data, *flags, env=env)
    found: dict[str, Any] = json.loads(ended.stdout)
    assert found["blocked"] == (ended.returncode == 1)
    lines = {line["name"]: (line["level"], line["text"], line["do"]) for line in found["checks"]}
    return ended.returncode, lines, ended.stdout + ended.stderr


def levels(lines: dict[str, tuple[str, str, str]]) -> set[str]:
    return {level for level, _, _ in lines.values()}


def ports() -> tuple[object, ...]:
    port, engine_port = free_ports(2)
    return ("--port", port, "--engine-port", engine_port)


def test_nothing_is_wrong_with_the_draft_engine(tmp_path: Path) -> None:
    data = tmp_path / "data"
    code, lines, _ = looked(data, "--engine", "draft", *ports())
    assert code == 0
    assert "problem" not in levels(lines)
    assert {"Python", "Set-up", "Engine", "Data", "Disk", "GPU", "Supervisor", "Ports", "Models"} <= lines.keys()
    assert not data.exists(), "looking has made something"


def test_every_warning_and_problem_says_what_to_do(tmp_path: Path) -> None:
    _, lines, _ = looked(tmp_path, "--engine", "managed", "--device", "cpu", *ports())
    assert {"warning", "problem"} <= levels(lines)
    assert [name for name, (level, text, do) in lines.items() if not text or (level != "ok" and not do)] == []


def test_a_port_that_is_taken_blocks(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, lines, _ = looked(tmp_path, "--engine", "draft", "--port", port, "--engine-port", free_ports(1)[0])
    assert code == 1
    assert lines["Ports"][0] == "problem"
    assert str(port) in lines["Ports"][1]
    assert "--port" in lines["Ports"][2]


def test_a_studio_that_runs_is_found_and_its_ports_are_its_own(running: Running) -> None:
    code, lines, _ = looked(running.data, *running.flags[2:])
    assert code == 0
    assert lines["Supervisor, engine"][0] == lines["Supervisor, studio"][0] == "ok"
    assert running.url in lines["Ports"][1]


def test_a_setting_that_is_none_is_a_problem(tmp_path: Path) -> None:
    code, lines, _ = looked(tmp_path, "--engine", "warp")
    assert (code, lines["Settings"][0]) == (1, "problem")
    assert "warp" in lines["Settings"][1]


def test_text_for_people_has_the_same_lines(tmp_path: Path) -> None:
    ended = bootstrap("doctor", "--engine", "draft", "--data", tmp_path, *ports())
    assert ended.returncode == 0
    assert ended.stdout.startswith("ok ")
    assert ended.stdout.endswith("Nothing keeps the draft engine from working.\n")


@pytest.fixture
def server() -> Iterator[scripted.Scripted]:
    with scripted.engine() as script:
        script.routes["GET /object_info"] = lambda _: (200, server_with(""))
        yield script


def test_an_external_server_that_has_everything_is_fine(server: scripted.Scripted, tmp_path: Path) -> None:
    code, lines, _ = looked(tmp_path, "--port", free_ports(1)[0], STUDIO_COMFYUI_URL=server.url)
    assert code == 0
    assert lines["Server"][:2] == ("ok", f"ComfyUI 0.27.0 at {server.url}")
    assert lines["Server, Restyle"] == ("ok", "ready", "")
    # Its limit for uploads is lower than the studio's.
    assert lines["Uploads"][0] == "warning"
    assert {method for method, _, _ in server.seen} == {"GET"}


def test_an_external_server_without_the_models_blocks(server: scripted.Scripted, tmp_path: Path) -> None:
    server.routes["GET /object_info"] = scripted.engine().routes["GET /object_info"]
    code, lines, _ = looked(tmp_path, "--port", free_ports(1)[0], STUDIO_COMFYUI_URL=server.url)
    assert code == 1
    level, text, do = lines["Server, Text to Video"]
    assert level == "problem"
    assert "ltx-2.3-22b-dev-fp8.safetensors" in text
    assert "python -m client preflight" in do


def test_a_server_with_broken_nodes_and_no_sense_of_size_is_looked_at_all_the_same(
    server: scripted.Scripted, tmp_path: Path
) -> None:
    answer = {**server_with(""), "Broken": None, "SaveVideo": None}
    server.routes["GET /object_info"] = lambda _: (200, answer)
    server.routes["GET /features"] = lambda _: (200, {"max_upload_size": "much"})
    code, lines, _ = looked(tmp_path, "--port", free_ports(1)[0], STUDIO_COMFYUI_URL=server.url)
    assert (code, lines["Server"][0], lines["Server, Text to Video"][0]) == (1, "ok", "problem")
    assert "SaveVideo" in lines["Server, Text to Video"][1]


def test_a_check_that_fails_itself_is_a_problem_and_no_traceback(server: scripted.Scripted, tmp_path: Path) -> None:
    server.routes["GET /object_info"] = lambda _: (200, {"SaveVideo": {"input": ["odd"]}})
    code, lines, said = looked(tmp_path, "--port", free_ports(1)[0], STUDIO_COMFYUI_URL=server.url)
    assert (code, lines["Server"][0]) == (1, "problem")
    assert "The check itself failed" in lines["Server"][1]
    assert "Traceback" not in said


def test_an_environment_that_is_damaged_blocks(server: scripted.Scripted, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for room in ("bootstrap", "client", "workflows"):
        shutil.copytree(CHECKOUT / room, checkout / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "requirements.txt", checkout)
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho \"No module named 'pydantic'\" >&2\nexit 1\n")
    python.chmod(0o755)
    shutil.copy(CHECKOUT / ".venv" / "stamp-studio", checkout / ".venv")
    env = {"STUDIO_COMFYUI_URL": server.url}
    flags = ("--json", "--data", tmp_path / "data", "--port", free_ports(1)[0])
    ended = bootstrap("doctor", *flags, checkout=checkout, env=env)
    lines = {line["name"]: line for line in json.loads(ended.stdout)["checks"]}
    assert ended.returncode == 1
    assert lines["Set-up"]["level"] == lines["Server"]["level"] == "ok"
    assert lines["Models"]["level"] == "problem"
    assert "No module named 'pydantic'" in lines["Models"]["text"]


def test_secrets_open_the_server_and_are_shown_nowhere(server: scripted.Scripted, tmp_path: Path) -> None:
    with Gate(server.url, {"Authorization": f"Bearer {TOKEN}", "X-Key": "k3y-s3cret"}) as gate:
        env = {"STUDIO_COMFYUI_URL": gate.url, "STUDIO_COMFYUI_HEADERS": "X-Key: k3y-s3cret"}
        port = free_ports(1)[0]
        code, lines, said = looked(tmp_path, "--port", port, STUDIO_COMFYUI_TOKEN=TOKEN, **env)
        assert (code, lines["Server"][0]) == (0, "ok")
        wrong, refused, said_too = looked(tmp_path, "--port", port, STUDIO_COMFYUI_TOKEN=f"no-{TOKEN}", **env)
    assert (wrong, refused["Server"][0]) == (1, "problem")
    assert "s3cret" not in said + said_too


def test_a_header_s_short_value_leaves_the_lines_readable(server: scripted.Scripted, tmp_path: Path) -> None:
    env = {"STUDIO_COMFYUI_URL": server.url, "STUDIO_COMFYUI_HEADERS": "X-Tenant: a"}
    _, lines, said = looked(tmp_path, "--port", free_ports(1)[0], **env)
    assert lines["Engine"][1] == f"external, at {server.url}"
    assert "…" not in said


def test_it_works_before_anything_is_set_up(server: scripted.Scripted, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for room in ("bootstrap", "client", "workflows"):
        shutil.copytree(CHECKOUT / room, checkout / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "requirements.txt", checkout)
    flags = ["--data", str(tmp_path / "data"), "--port", str(free_ports(1)[0])]

    def early(url: str) -> subprocess.CompletedProcess[str]:
        # -S leaves out every package that is installed.
        return subprocess.run(
            [sys.executable, "-S", "-m", "bootstrap", "doctor", *flags],
            cwd=checkout,
            env=environment({"STUDIO_COMFYUI_URL": url}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    ended = early(server.url)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ".venv is not set up" in " ".join(ended.stdout.split())
    assert f"{server.url} answers" in ended.stdout
    assert not (checkout / ".venv").exists()
    with Gate(server.url, {"Authorization": f"Bearer {TOKEN}"}) as gate:
        ended = early(gate.url)
    assert ended.returncode == 1
    assert "lets nobody in without credentials that it accepts (status 401)" in ended.stdout
    assert "STUDIO_COMFYUI_TOKEN" in ended.stdout


def managed(data: Path, **env: str) -> Case:
    settings = configuration.read({"STUDIO_DATA": str(data), "STUDIO_ENGINE": "managed", "STUDIO_DEVICE": "cpu", **env})
    return Case(settings, engines.choose(settings, ""), "")


def installed(case: Case, **changes: Any) -> state.Install:
    """An install that is complete as far as its files tell; its interpreter imports no torch."""
    home, asked = comfyui(case.settings), install.wanted(case.settings)
    folder = home.installs / asked.name
    (folder / "venv" / "bin").mkdir(parents=True)
    (folder / "source").mkdir()
    (folder / "source" / "main.py").touch()
    program = f'[ "$1" = -I ] && exec "{sys.executable}" "$@"\necho "ImportError: no torch" >&2\nexit 1\n'
    (folder / "venv" / "bin" / "python").write_text(f"#!/bin/sh\n{program}")
    (folder / "venv" / "bin" / "python").chmod(0o755)
    made = state.Install(asked.name, asked.commit, "0.27.0", "cpu", "core", (), (), "2.13.0+cpu", folder)
    made = replace(made, **changes)
    state.mark_ready(made)
    state.write_json(home.current, {"name": asked.name})
    return made


def by_name(case: Case) -> dict[str, Line]:
    return {line.name: line for line in doctor_checks.before_set_up(case)}


def doctor_lines(case: Case) -> list[Line]:
    """All lines on ComfyUI itself, of which there may be two."""
    return [line for line in doctor_checks.before_set_up(case) if line.name == "ComfyUI"]


def test_comfyui_that_is_absent_is_to_be_installed(tmp_path: Path) -> None:
    found = by_name(managed(tmp_path))["ComfyUI"]
    assert (found.level, found.text) == ("warning", f"absent, in {tmp_path}/comfyui")
    assert "bootstrap install" in found.do


def test_comfyui_is_told_with_its_commit_packs_and_torch(tmp_path: Path) -> None:
    case = managed(tmp_path)
    made = installed(case, failed_packs=(("ComfyMath", "no module named numpy"),))
    found = by_name(case)
    assert found["ComfyUI"].level == "ok"
    assert made.commit in found["ComfyUI"].text
    assert (found["torch"].level, found["torch"].text) == ("problem", "does not import: ImportError: no torch")
    assert (found["Node packs"].level, "ComfyMath" in found["Node packs"].text) == ("warning", True)


def test_another_commit_than_the_settings_ask_for_is_said(tmp_path: Path) -> None:
    installed(managed(tmp_path))
    found = by_name(managed(tmp_path, STUDIO_COMFYUI_COMMIT="a" * 40))["ComfyUI"]
    assert found.level == "warning"
    assert "a" * 40 in found.text


def test_an_install_that_stays_in_use_and_is_damaged_is_a_problem(tmp_path: Path) -> None:
    made = installed(managed(tmp_path), packs=("ComfyMath",))
    case = managed(tmp_path, STUDIO_COMFYUI_COMMIT="a" * 40)
    place = comfyui(case.settings).installs / install.wanted(case.settings).name
    for level in ("warning", "problem"):
        found = by_name(case)["ComfyUI"] if level == "warning" else doctor_lines(case)[-1]
        assert (found.level, f"{made.packs_folder / 'ComfyMath'} is gone" in found.text) == (level, True)
        assert f"STUDIO_COMFYUI_COMMIT={made.commit}" in found.do
        place.mkdir(exist_ok=True)
        state.mark_broken(place, "it did not answer", [])


def test_comfyui_that_is_broken_blocks(tmp_path: Path) -> None:
    case = managed(tmp_path)
    state.mark_broken(installed(case).folder, "it did not answer", ["Killed"])
    found = by_name(case)["ComfyUI"]
    assert (found.level, found.text) == ("problem", "broken: it did not answer")


def test_comfyui_that_is_damaged_blocks_until_it_is_installed_again(tmp_path: Path) -> None:
    case = managed(tmp_path)
    made = installed(case, packs=("ComfyMath",))
    found = by_name(case)["ComfyUI"]
    assert (found.level, found.text) == ("problem", f"broken: {made.packs_folder / 'ComfyMath'} is gone")
    assert "bootstrap install" in found.do


def test_node_packs_that_are_named_and_missing_block(tmp_path: Path) -> None:
    found = by_name(managed(tmp_path, STUDIO_COMFYUI_NODES="mine"))["Custom nodes"]
    assert found.level == "problem"
    assert "mine" in found.text
    (tmp_path / "comfyui" / "base" / "custom_nodes" / "mine").mkdir(parents=True)
    assert by_name(managed(tmp_path, STUDIO_COMFYUI_NODES="mine"))["Custom nodes"].level == "ok"


def test_a_comfyui_folder_that_can_be_none_blocks(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = by_name(managed(tmp_path, STUDIO_COMFYUI_DIR=str(tmp_path / "file")))["ComfyUI"]
    assert (found.level, str(tmp_path / "file") in found.text) == ("problem", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_folders_behind_a_closed_one_are_problems_and_no_traceback() -> None:
    with open_folder() as folder:
        (folder / "closed").mkdir(mode=0o700)
        data = folder / "closed" / "data"
        data.mkdir()
        case = managed(data)

        def levels_by_name() -> dict[str, list[str]]:
            return {name: [line.level, line.text] for name, line in by_name(case).items()}

        found = as_nobody(levels_by_name)
        assert found["Data"] == [
            "problem",
            f"The data folder {data} can't be written (no right to write to {data.parent}).",
        ]
        assert found["ComfyUI"][0] == found["Supervisor"][0] == "problem"
        assert "Disk" in found


def test_models_are_looked_for_mode_by_mode(tmp_path: Path) -> None:
    flags = ("--engine", "managed", "--device", "cpu", *ports())
    for need in needs.of_modes(["t2v"]):
        assert need.model is not None
        # Any variant will do, in a subfolder too.
        variant = need.model.usable()[-1]
        path = comfyui(managed(tmp_path).settings).models / variant.folder / "ltx" / variant.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    code, lines, _ = looked(tmp_path, *flags)
    assert code == 0
    assert lines["Models, Text to Video"][0] == "ok"
    level, text, do = lines["Models, Restyle"]
    assert (level, "union-control" in text) == ("warning", True)
    command = f"python3 -m bootstrap models pull --data {tmp_path} --mode style"
    assert do == f"`{command}` fetches what is missing."
    assert f"`python3 -m bootstrap install --data {tmp_path}` installs" in lines["ComfyUI"][2]
