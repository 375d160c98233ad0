from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bootstrap import supervise
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
