"""What can't be done as asked: one line that says what to do, exit code 2, nothing started."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bootstrap import supervise
from tests.support import scripted
from tests.support.commands import bootstrap
from tests.support.ports import free_ports


def refusal(*arguments: object, env: dict[str, str] | None = None) -> str:
    """The one line with which `up` refuses."""
    ended = bootstrap("up", *arguments, env=env)
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    return line


@pytest.fixture
def flags(tmp_path: Path) -> list[object]:
    port, engine_port = free_ports(2)
    return ["--data", tmp_path / "data", "--port", port, "--engine-port", engine_port, "--engine", "draft"]


@pytest.mark.parametrize(("flag", "program"), [("--port", "studio"), ("--engine-port", "engine")])
def test_a_port_in_use(flag: str, program: str, flags: list[object], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refusal(*flags, flag, port)
    assert line == f"Port {port} for the {program} is already in use. Stop what uses it, or choose another with {flag}."
    assert supervise.find(tmp_path / "data") is None
    assert not (tmp_path / "data" / "run" / "studio.json").exists()


def test_a_port_in_use_on_every_address(flags: list[object]) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        assert "already in use" in refusal(*flags, "--port", taken.getsockname()[1])


def test_one_port_for_both(flags: list[object]) -> None:
    (port,) = free_ports(1)
    assert f"can't both have port {port}" in refusal(*flags, "--port", port, "--engine-port", port)


@pytest.mark.parametrize(
    ("flag", "value", "expected"),
    [
        ("--port", "eighty", "--port must be a whole number; eighty was given."),
        ("--port", "70000", "--port must be between 1 and 65535; 70000 was given."),
        ("--engine-port", "0", "--engine-port must be between 1 and 65535; 0 was given."),
        ("--host", "203.0.113.7", "Choose another with --host."),
        ("--engine", "comfy", "There is no engine called comfy. Choose one of auto, draft, managed, external."),
        ("--engine", "external", "Set STUDIO_COMFYUI_URL"),
        ("--host", "a..b", "The studio can't listen on a..b, port "),
        ("--data", "~nosuchuser/x", "--data leads to no folder: ~nosuchuser/x (Could not determine home directory)."),
    ],
)
def test_a_value_that_does_not_fit(flag: str, value: str, expected: str, flags: list[object]) -> None:
    assert expected in refusal(*flags, flag, value)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("STUDIO_MAX_UPLOAD_MB", "much", "STUDIO_MAX_UPLOAD_MB must be a whole number; much was given."),
        ("STUDIO_VRAM", "lots", "STUDIO_VRAM can't be lots. Choose one of auto, gpu-only, high, normal, low, none."),
        ("STUDIO_RESERVE_VRAM_GB", "two", "STUDIO_RESERVE_VRAM_GB must be a number; two was given."),
        ("STUDIO_RESERVE_VRAM_GB", "-1", "STUDIO_RESERVE_VRAM_GB must be between 0 and 1000 GB; -1 was given."),
        ("STUDIO_RESERVE_VRAM_GB", "nan", "STUDIO_RESERVE_VRAM_GB must be between 0 and 1000 GB; nan was given."),
        ("STUDIO_COMFYUI_NODES", "good,../evil", "STUDIO_COMFYUI_NODES must be names of folders; ../evil was given."),
        ("STUDIO_COMFYUI_NODES", "--listen", "STUDIO_COMFYUI_NODES must be names of folders; --listen was given."),
        ("STUDIO_COMFYUI_URL", "127.0.0.1:8188", "STUDIO_COMFYUI_URL is no web address: 127.0.0.1:8188"),
    ],
)
def test_a_variable_that_does_not_fit_is_named(variable: str, value: str, expected: str, flags: list[object]) -> None:
    assert refusal(*flags, env={variable: value}).startswith(expected)


def test_a_node_pack_that_is_not_there_is_named(flags: list[object], tmp_path: Path) -> None:
    env = {"STUDIO_COMFYUI_NODES": "absent"}
    line = refusal(*flags, "--engine", "managed", env=env)
    assert line.startswith(f"STUDIO_COMFYUI_NODES names absent, and there is no such folder in {tmp_path}")


def test_a_value_is_named_after_where_it_came_from() -> None:
    assert refusal(env={"STUDIO_PORT": "abc"}).startswith("STUDIO_PORT must be")
    assert refusal("--port", "abc", env={"STUDIO_PORT": "1"}).startswith("--port must be")


def test_looking_and_stopping_need_the_data_folder_alone(tmp_path: Path) -> None:
    env = {"STUDIO_PORT": "abc", "STUDIO_COMFYUI_URL": "nowhere", "STUDIO_DATA": str(tmp_path)}
    for verb, code in (("status", 3), ("down", 0)):
        ended = bootstrap(verb, env=env)
        assert (ended.returncode, ended.stderr) == (code, "")
        assert ended.stdout == f"No studio runs on the data folder {tmp_path}.\n"


def test_a_name_that_the_terminal_cannot_show_is_no_failure(tmp_path: Path) -> None:
    ended = bootstrap("down", "--data", tmp_path / "é", env={"PYTHONIOENCODING": "ascii"})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert r"\xe9" in ended.stdout


def test_a_server_that_does_not_answer(flags: list[object]) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    line = refusal(*flags, "--engine", "external", env={"STUDIO_COMFYUI_URL": url})
    assert line.startswith(f"The engine at {url} does not answer (connection refused).")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            (401, b""),
            "lets nobody in without credentials that it accepts (status 401). Put user and password into STUDIO_",
        ),
        (
            (403, b""),
            "lets nobody in without credentials that it accepts (status 403). Put user and password into STUDIO_",
        ),
        ((404, b""), "does not answer (status 404)."),
        ((502, b""), "does not answer (status 502)."),
        ((200, b"<html>Welcome to nginx</html>"), "does not answer (its answer is not ComfyUI's)."),
        ((200, [1]), "does not answer (its answer is not ComfyUI's)."),
    ],
)
def test_a_server_that_is_none_for_us_is_said_to_be_so(
    answer: tuple[int, object], expected: str, flags: list[object]
) -> None:
    with scripted.engine() as server:
        server.routes["GET /team/system_stats"] = lambda _: answer
        line = refusal(*flags, "--engine", "external", env={"STUDIO_COMFYUI_URL": f"{server.url}/team"})
    assert line.startswith(f"The engine at {server.url}/team {expected}")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://other:8443/comfy/system_stats", "https://other:8443/comfy"),
        ("/login?next=/system_stats&token=s3cret", "{url}"),
        ("https://bob:s3cret@other/sso", "https://other"),
    ],
)
def test_a_server_that_sends_requests_on_is_not_followed(location: str, target: str, flags: list[object]) -> None:
    with scripted.engine() as server:
        server.redirect = location
        line = refusal(*flags, "--engine", "external", env={"STUDIO_COMFYUI_URL": server.url})
        assert len(server.seen) == 1
    assert line.startswith(
        f"The engine at {server.url} sends requests on to {target.format(url=server.url)}. Name that"
    )
    assert "s3cret" not in line


@pytest.mark.parametrize("inside", ["", "folder"])
def test_a_data_folder_that_cannot_be(inside: str, flags: list[object], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert f"The data folder {file / inside} can't be written" in refusal(*flags, "--data", file / inside)


def test_a_mistyped_flag_or_verb_is_not_passed_over() -> None:
    assert bootstrap("up", "--prot", "1").returncode == 2
    assert bootstrap("upp").returncode == 2
    assert bootstrap().returncode == 2
