"""A studio as it is served, in a process of its own, on a draft engine that runs already."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.support.commands import CHECKOUT
from tests.support.ports import free_ports

START_SECONDS = 60
SERVE = ("-m", "bootstrap.serve")


@dataclass(frozen=True)
class Served:
    """Its process, whose standard input is a pipe, its port and its data folder."""

    process: subprocess.Popen[str]
    port: int
    data: Path

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def served(folder: Path, draft_url: str, program: Sequence[str] = SERVE) -> Iterator[Served]:
    """A studio whose engine is alive, by the arguments of Python that serve it; its data and log lie in `folder`.

    Fails where the log has a traceback in the end.
    """
    port, data = free_ports(1)[0], folder / "data"
    environment = {
        **os.environ,
        "STUDIO_PORT": str(port),
        "STUDIO_HOST": "127.0.0.1",
        "STUDIO_ENGINE_PORT": draft_url.rsplit(":", 1)[-1],
        "STUDIO_COMFYUI_URL": "",
        "STUDIO_DATA": str(data),
        "PYTHONPATH": str(CHECKOUT),
    }
    log = folder / "studio.log"
    folder.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, *program],
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            text=True,
        )
    try:
        studio = Served(process, port, data)
        _wait_until_it_answers(studio, log)
        yield studio
    finally:
        process.terminate()
        process.wait(20)
    said = log.read_text()
    assert "Traceback" not in said, said


def _wait_until_it_answers(studio: Served, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert studio.process.poll() is None, log.read_text()
        try:
            if requests.get(f"{studio.url}/health", timeout=5).json()["engine"] == "alive":
                return
        except (requests.ConnectionError, requests.Timeout):
            pass
        time.sleep(0.1)
    raise AssertionError(f"the studio did not answer within {START_SECONDS} s: {log.read_text()}")
