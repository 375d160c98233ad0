"""Plans and pulls as pages deal with them: threads, snapshots, and what is left after the studio's end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from client import settings
from client.comfy_home import comfyui
from client.models import token
from client.models.hub import Hub
from client.models.service import NOTE, Choice, Models
from tests.models.conftest import QUICK
from tests.support import scripted
from tests.support.commands import eventually
from tests.support.hub import FakeHub, Stall, serving
from tests.support.ports import free_ports
from workflows import registry

ONE = Choice(modes=("t2v",), variant="fp8")
SIZE = 200_000


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with serving() as served:
        for model in registry.models():
            for variant in model.variants:
                served.add(variant.repo, variant.path, variant.file.encode().ljust(SIZE, b"."))
        yield served


@pytest.fixture
def configured(tmp_path: Path) -> settings.Settings:
    return settings.read({"STUDIO_DATA": str(tmp_path / "data"), "STUDIO_DEVICE": "cpu"})


def make(configured: settings.Settings, hub: FakeHub) -> Models:
    cache = configured.data.parent / "hub"
    return Models(configured, lambda: Hub(hub.url, cache), QUICK)


def files(configured: settings.Settings) -> set[str]:
    return {path.name for path in comfyui(configured).models.rglob("*.safetensors")}


def test_a_plan_is_made_beside_the_page(configured: settings.Settings, hub: FakeHub) -> None:
    models = make(configured, hub)
    assert models.look() is None
    models.ask(ONE)
    assert eventually(lambda: models.look().plan is not None)
    plan = models.look().plan
    assert plan.to_fetch == SIZE * len(plan.items)
    assert {item.state for item in plan.items} == {"missing"}


def test_a_plan_that_can_t_be_made_says_why(configured: settings.Settings, hub: FakeHub) -> None:
    models = make(configured, hub)
    models.ask(Choice(modes=("nonsense",)))
    assert eventually(lambda: models.look().problem is not None)
    assert "nonsense" in models.look().problem.message


def test_what_is_pulled_is_in_its_place_and_the_plan_is_made_anew(configured: settings.Settings, hub: FakeHub) -> None:
    models = make(configured, hub)
    assert models.pull(ONE)
    models.wait(30)
    pull = models.pulling()
    assert (pull.phase, pull.done, pull.problem) == ("done", pull.bytes, None)
    assert {file.state for file in pull.files} == {"done"}
    assert files(configured) == {file.file for file in pull.files}
    assert eventually(lambda: models.look().plan is not None)
    assert models.look().plan.complete


def test_a_pull_is_cancelled_and_goes_on_where_it_was(configured: settings.Settings, hub: FakeHub) -> None:
    checkpoint = registry.models()[0].variant("fp8")
    stall = Stall(after=SIZE // 2)
    hub.stalls.append(stall)
    hub.faults[checkpoint.path].append(stall)
    models = make(configured, hub)
    models.pull(ONE)
    assert stall.reached.wait(20)
    assert not models.pull(ONE)
    assert eventually(lambda: any(file.file == checkpoint.file and file.done for file in models.pulling().files))
    models.cancel()
    stall.release.set()
    models.wait(30)
    assert models.pulling().phase == "cancelled"
    assert checkpoint.file not in files(configured)
    assert models.pull(models.pulling().choice)
    models.wait(30)
    assert models.pulling().phase == "done"
    assert hub.ranges(checkpoint.path)[-1].startswith("bytes=")


def test_a_file_that_can_t_be_had_is_said_with_what_to_do(configured: settings.Settings, hub: FakeHub) -> None:
    checkpoint = registry.models()[0].variant("fp8")
    hub.gated.add(checkpoint.repo)
    models = make(configured, hub)
    models.pull(ONE)
    models.wait(30)
    pull = models.pulling()
    assert pull.phase == "failed"
    assert checkpoint.repo in f"{pull.problem.message} {pull.problem.hint}"
    assert eventually(lambda: models.look().plan is not None)
    assert models.look().plan.licences


def test_a_pull_that_the_studio_s_end_cut_short_is_known_and_can_go_on(
    configured: settings.Settings, hub: FakeHub
) -> None:
    models = make(configured, hub)
    models.pull(ONE)
    models.wait(30)
    note = configured.data / NOTE
    row = json.loads(note.read_text(encoding="utf-8"))
    note.write_text(json.dumps({**row, "phase": "fetching", "rate": 5.0, "done": 7}), encoding="utf-8")
    later = make(configured, hub)
    pull = later.pulling()
    assert (pull.phase, pull.choice, pull.done, pull.rate) == ("interrupted", ONE, 7, 0.0)
    assert later.pull(pull.choice)
    later.wait(30)
    assert later.pulling().phase == "done"
    note.write_text("{", encoding="utf-8")
    assert make(configured, hub).pulling() is None


@pytest.mark.parametrize(("text", "verdict"), [(None, "none"), ("right", "accepted"), ("wrong", "refused")])
def test_the_hub_says_whether_it_takes_the_token(hub: FakeHub, tmp_path: Path, text: str | None, verdict: str) -> None:
    assert token.check(Hub(hub.url, tmp_path, text))[0] == verdict


def test_a_page_to_sign_in_where_the_hub_should_be_leaves_the_token_unknown(tmp_path: Path) -> None:
    with scripted.Scripted({"GET /api/whoami-v2": lambda _: (200, b"<html>Sign in</html>")}) as server:
        verdict, reason = token.check(Hub(server.url, tmp_path, "right"))
    assert (verdict, reason) == ("unknown", f"{server.url[7:]} answered something else than the hub does")


def test_a_hub_that_does_not_answer_leaves_the_token_unknown(tmp_path: Path) -> None:
    verdict, reason = token.check(Hub(f"http://127.0.0.1:{free_ports(1)[0]}", tmp_path, "right"))
    assert verdict == "unknown"
    assert "right" not in reason
    assert token.check(Hub("http://127.0.0.1:1", tmp_path, "right", offline=True)) == (
        "unknown",
        "HF_HUB_OFFLINE forbids asking",
    )
