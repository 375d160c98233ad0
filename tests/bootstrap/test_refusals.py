"""What can't be done as asked: one line that says what to do, exit code 2, nothing started."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bootstrap import supervise
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
        ("--engine", "managed", "The managed engine is not built yet."),
        ("--engine", "external", "Set STUDIO_COMFYUI_URL"),
    ],
)
def test_a_value_that_does_not_fit(flag: str, value: str, expected: str, flags: list[object]) -> None:
    assert expected in refusal(*flags, flag, value)


def test_a_server_that_does_not_answer(flags: list[object]) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    line = refusal(*flags, "--engine", "external", env={"STUDIO_COMFYUI_URL": url})
    assert line.startswith(f"The engine at {url} does not answer (connection refused).")


@pytest.mark.parametrize("inside", ["", "folder"])
def test_a_data_folder_that_cannot_be(inside: str, flags: list[object], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert f"The data folder {file / inside} can't be written" in refusal(*flags, "--data", file / inside)


def test_a_mistyped_flag_or_verb_is_not_passed_over() -> None:
    assert bootstrap("up", "--prot", "1").returncode == 2
    assert bootstrap("upp").returncode == 2
    assert bootstrap().returncode == 2
