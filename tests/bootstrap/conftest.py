from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bootstrap import supervise
from tests.support.comfy_bench import Bench
from tests.support.commands import bootstrap
from tests.support.ports import free_ports


@dataclass(frozen=True)
class Running:
    """A studio started with --detach: its data folder, its flags as given, and what was printed."""

    data: Path
    port: int
    engine_port: int
    printed: str

    @property
    def flags(self) -> tuple[object, ...]:
        return ("--data", self.data, "--port", self.port, "--engine-port", self.engine_port, "--engine", "draft")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def engine_url(self) -> str:
        return f"http://127.0.0.1:{self.engine_port}"

    @property
    def socket(self) -> str:
        found = supervise.find(self.data)
        assert found is not None
        return found.socket


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One studio for all tests that leave it as they found it. The folder's name holds what supervisor expands."""
    data = tmp_path_factory.mktemp("data") / "50% ; of it"
    port, engine_port = free_ports(2)
    studio = Running(data, port, engine_port, "")
    started = bootstrap("up", "--detach", *studio.flags)
    assert started.returncode == 0, started.stderr
    yield Running(data, port, engine_port, started.stdout)
    stopped = bootstrap("down", "--data", data)
    assert stopped.returncode == 0, stopped.stderr


@pytest.fixture(scope="session")
def fresh_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment as an installation makes it; linked where that step is not what a test is about."""
    folder = tmp_path_factory.mktemp("made") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder


@pytest.fixture
def bench(tmp_path: Path, fresh_venv: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A machine to install ComfyUI on, where installing packages is quick."""
    return Bench(tmp_path, fresh_venv, monkeypatch, quick=True)


@pytest.fixture
def pip_bench(tmp_path: Path, fresh_venv: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The same with pip."""
    return Bench(tmp_path, fresh_venv, monkeypatch, quick=False)
