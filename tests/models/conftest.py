from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from client.models.download import Limits
from client.models.events import Event, Outcome
from client.models.hub import Hub
from client.models.plan import Plan, plan
from client.models.pull import pull
from tests.support.hub import FakeHub, serving
from workflows.needs import Need
from workflows.registry import Model, Variant

REPO, FILE = "org/weights", "model.safetensors"
PATH = f"split/{FILE}"
QUICK = Limits(stall=20.0, report=0.0, backoff=0.0)
CONTENT = random.Random(1).randbytes(300_000)


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
