from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from client.models.download import Limits
from client.models.events import Event, Outcome
from client.models.hub import Hub
from client.models.plan import Plan, plan
from client.models.pull import pull
from tests.support.commands import CHECKOUT, bootstrap, environment
from tests.support.hub import FakeHub, serving
from workflows import needs, registry
from workflows.needs import Need
from workflows.registry import Model, Variant

REPO, FILE = "org/weights", "model.safetensors"
PATH = f"split/{FILE}"
QUICK = Limits(stall=20.0, report=0.0, backoff=0.0)
CONTENT = random.Random(1).randbytes(300_000)
CHECKPOINT, ENCODER, LORA = [need.file for need in needs.of_modes(["t2v"], ["fast"])]
FAST = ("--mode", "t2v", "--preset", "fast")
CAME = 128 * 1024


def need(path: str = PATH, repo: str = REPO, **more: object) -> Need:
    """The need for one file of the fake hub."""
    variant = Variant.model_validate({"name": "only", "repo": repo, "path": path, "folder": "loras", **more})
    return Need(variant.file, Model(name=variant.file, title="Weights", variants=(variant,)), ("t2v",))


@dataclass
class Machine:
    """A machine with an empty cache and an empty models folder, and the hub that it fetches from."""

    server: FakeHub
    cache: Path
    models: Path
    token: str | None = None
    offline: bool = False
    events: list[Event] = field(default_factory=list)

    @property
    def hub(self) -> Hub:
        return Hub(self.server.url, self.cache, self.token, self.offline)

    @property
    def placed(self) -> Path:
        return self.models / "loras" / FILE

    def plan(self, *needs: Need) -> Plan:
        return plan(needs or [need()], self.models, self.hub, "fp8")

    def pull(self, *needs: Need, limits: Limits = QUICK) -> tuple[Outcome, ...]:
        return pull(self.plan(*needs), self.events.append, limits)

    def parts(self) -> list[Path]:
        return sorted(path for path in self.cache.rglob("*.part*") if path.is_file())

    def heard(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with serving() as server:
        server.add(REPO, PATH, CONTENT)
        yield Machine(server, tmp_path / "hub", tmp_path / "models")


@dataclass(frozen=True)
class Person:
    """Somebody at a shell, with a data folder and a Hugging Face folder of their own."""

    hub: FakeHub
    folder: Path

    @property
    def models(self) -> Path:
        return self.folder / "data" / "comfyui" / "base" / "models"

    def env(self, **extra: str) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        own = {"HF_ENDPOINT": self.hub.url, "HF_HOME": str(self.folder / "hf"), "HF_HUB_DISABLE_XET": "1"}
        kept = {name: value for name, value in plain.items() if not name.startswith(("HF_", "HUGGING"))}
        return {**kept, **own, **extra}

    def run(self, verb: str, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return bootstrap("models", verb, "--data", self.folder / "data", *arguments, env=self.env(**extra))

    def plan(self, *arguments: str, **extra: str) -> dict[str, Any]:
        ended = self.run("plan", "--json", *arguments, **extra)
        assert ended.returncode == 0, ended.stderr
        planned: dict[str, Any] = json.loads(ended.stdout)
        return planned

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bootstrap", "models", "pull", "--data", str(self.folder / "data")]
        return subprocess.Popen(
            [*command, *arguments],
            cwd=CHECKOUT,
            env={**environment(), **self.env()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def parts(self) -> list[int]:
        """The sizes of the files that have begun to come."""
        return [path.stat().st_size for path in self.folder.rglob("*.part")]


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    with serving() as hub:
        for model in registry.models():
            for variant in model.variants:
                hub.add(variant.repo, variant.path, variant.file.encode() * 5000)
        yield Person(hub, tmp_path)
