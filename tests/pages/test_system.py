"""The pages of the section System, and the queue: what they say and do, and for whom."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from huggingface_hub import constants

from client import engine_events, jobs, settings
from client.comfy_home import comfyui
from client.doctor import Finding, Report, doctor
from client.jobs import JobManager
from client.models import service as services
from client.models.hub import Hub
from pages.parts import acting
from tests.client.test_order import Worker
from tests.models.conftest import QUICK as QUICK_PULL
from tests.pages.visit import Visit
from tests.support import scripted
from tests.support.commands import eventually
from tests.support.hub import FakeHub, serving
from workflows import registry, schema
from workflows.request import parse

SECRET = "swordfish-2000"
GPU = {
    "name": "cuda:0 NVIDIA H200 : native",
    "type": "cuda",
    "vram_total": 140_000_000_000,
    "vram_free": 90_000_000_000,
    "torch_vram_total": 45_000_000_000,
    "torch_vram_free": 5_000_000_000,
}
STATS = {
    "system": {
        "comfyui_version": "0.27.0",
        "python_version": "3.12.3 x",
        "pytorch_version": "2.13.0",
        "ram_total": 512_000_000_000,
        "ram_free": 500_000_000_000,
    },
    "devices": [GPU],
}


class Studio:
    """A manager on a scripted ComfyUI with a GPU, and the folder of its data."""

    def __init__(self, script: scripted.Scripted, manager: JobManager, data: Path) -> None:
        self.script, self.manager, self.data = script, manager, data
        self.worker = Worker(script)

    def submit(self, visit: Visit, *prompts: str) -> list[str]:
        """Jobs of a visitor, by their ids; the first is on the engine when this returns."""
        made = [self.manager.submit(parse("t2v", {"prompt": prompt}), visit.owner).id for prompt in prompts]
        assert eventually(lambda: made[0] in self.worker.posted)
        return made


def start(tmp_path: Path, stack: ExitStack, **variables: str) -> Studio:
    script = stack.enter_context(scripted.engine())
    script.routes["GET /system_stats"] = lambda _: (200, STATS)
    script.routes["POST /free"] = lambda _: (200, b"")
    script.routes["GET /object_info"] = lambda _: (200, dict(schema.recorded()))
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    for name in [name for name in os.environ if name.startswith(("STUDIO_", "UP_"))]:
        patch.delenv(name)
    patch.setenv("STUDIO_DATA", str(tmp_path))
    patch.setenv("STUDIO_ENGINE_PORT", script.url.rsplit(":", 1)[-1])
    # As bootstrap.serve does, which listens on this machine alone unless told otherwise.
    patch.setenv("STUDIO_ROUTES", "1")
    for name, value in variables.items():
        patch.setenv(name, value.format(url=script.url))
    manager = JobManager(tmp_path, settings.read().server_url)
    stack.callback(manager.close)
    patch.setattr(jobs, "_manager", manager)
    patch.setattr(services, "_service", None)
    assert eventually(lambda: manager.engine().status == "alive")
    return Studio(script, manager, tmp_path)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def studio(tmp_path: Path, stack: ExitStack) -> Studio:
    return start(tmp_path, stack)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with serving() as served:
        for model in registry.models():
            for variant in model.variants:
                served.add(variant.repo, variant.path, variant.file.encode())
        made = services.Models(settings.read(), lambda: Hub(served.url, tmp_path / "hub"), QUICK_PULL)
        monkeypatch.setattr(services, "_service", made)
        yield served


def texts(visit: Visit) -> str:
    return "\n".join(visit.shown)


def code(visit: Visit) -> str:
    return "\n".join(element.value for element in visit.app.code)


# Navigation


def test_the_sidebar_leads_to_every_page_by_sections() -> None:
    visit = Visit()
    assert [caption.value for caption in visit.app.sidebar.caption] == ["Create", "Library", "System"]
    linked = {element.proto.page for element in visit.app.sidebar.get("page_link")}
    pages = {path.stem for path in (Path(__file__).parents[2] / "pages").glob("[A-Z]*.py")}
    assert linked == pages | {""}
    assert all(element.proto.icon for element in visit.app.sidebar.get("page_link"))


def test_the_header_counts_what_runs_and_waits_and_leads_to_the_queue(studio: Studio) -> None:
    visit = Visit()
    studio.submit(visit, "a", "b", "c")
    assert eventually(lambda: studio.manager.traffic(visit.owner).running == 1)
    visit.open("Library")
    (link,) = [element.proto for element in visit.app.main.get("page_link") if element.proto.page == "Queue"]
    assert link.label == "1 running, 2 waiting"
    assert "LTX-2.3 on NVIDIA H200" in texts(visit)


# Queue


def test_own_jobs_wait_in_an_order_that_buttons_change(studio: Studio) -> None:
    visit = Visit()
    _, second, third, fourth = studio.submit(visit, "alpha", "beta", "gamma", "delta")
    visit.open("Queue")
    assert re.findall("beta|gamma|delta", texts(visit)) == ["beta", "gamma", "delta"]
    visit.click(f"first-{fourth}").click(f"down-{second}")
    assert re.findall("beta|gamma|delta", texts(visit)) == ["delta", "gamma", "beta"]
    assert visit.app.button(key=f"up-{fourth}").disabled
    assert visit.app.button(key=f"down-{second}").disabled
    visit.click(f"cancel-{third}")
    studio.manager.wait(third, 20)
    assert "gamma" not in texts(visit.run())


def test_jobs_of_others_are_numbers_without_prompts(studio: Studio) -> None:
    other, visit = Visit(), Visit()
    studio.submit(other, "a secret plan", "another secret")
    assert eventually(lambda: studio.manager.traffic(visit.owner).others_running == 1)
    shown = texts(visit.open("Queue"))
    assert "secret" not in shown
    assert "Of other people" in shown
    assert "1 running" in shown
    assert "1 waiting" in shown
    assert "Nothing of yours waits" in shown


# Engine


def test_the_engine_s_page_says_how_it_is_and_what_it_runs_on(studio: Studio) -> None:
    shown = texts(Visit().open("Engine"))
    for said in ("alive", "It answers, and has nothing to do.", "0.27.0", "NVIDIA H200", "50.0 GB of 140 GB"):
        assert said in shown
    assert "12.0 GB of 512 GB" in shown
    assert "40.0 GB are held" in shown


def test_models_are_unloaded_at_a_press(studio: Studio) -> None:
    Visit().open("Engine").click("unload")
    assert studio.script.posted("/free") == [{"unload_models": True, "free_memory": True}]


def test_an_engine_that_is_not_supervised_here_can_t_be_restarted_from_here(studio: Studio) -> None:
    assert not Visit().open("Engine").has("restart")


def test_the_commit_of_the_install_in_use_is_shown(studio: Studio) -> None:
    home = studio.data / "comfyui"
    install = home / "installs" / "one"
    (install / "venv" / "bin").mkdir(parents=True)
    (install / "source").mkdir()
    (install / "venv" / "bin" / "python").symlink_to(sys.executable)
    (install / "source" / "main.py").touch()
    stamp = {"format": 1, "state": "ready", "commit": "c0ffee" * 6 + "abcd", "version": "0.27.0", "device": "cuda"}
    rest = {"profile": "core", "packs": [], "failed_packs": [], "torch": "2.13.0"}
    (install / "stamp.json").write_text(json.dumps(stamp | rest), encoding="utf-8")
    (home / "current.json").write_text('{"name": "one"}', encoding="utf-8")
    assert "c0ffee" * 6 + "abcd" in texts(Visit().open("Engine"))


def test_the_log_is_filtered_and_masked_and_the_events_are_told(tmp_path: Path, stack: ExitStack) -> None:
    (tmp_path / "logs").mkdir()
    earlier = "Requested to load Flux\n--- The engine starts as process 7. ---\n"
    lines = f"{earlier}loading\n10%|#  |\r100%|###|\nRequested to load LTXAV\nError: token {SECRET} is no good\n"
    (tmp_path / "logs" / "engine.log").write_text(lines, encoding="utf-8", newline="")
    engine_events.append(tmp_path, "ended", "ended by itself, with SIGKILL")
    start(tmp_path, stack, HF_TOKEN=SECRET)
    visit = Visit().open("Engine")
    assert "10%" not in code(visit)
    assert "100%|###|" in code(visit)
    assert SECRET not in code(visit)
    assert "It ended by itself, with SIGKILL." in texts(visit)
    assert "last loaded: LTXAV" in texts(visit)
    assert "Flux" not in texts(visit)
    visit.set("log.filter", "ERROR token")
    assert code(visit).startswith("Error: token")
    assert "loading" not in code(visit)
    visit.set("log.filter", "nothing like this")
    assert "No line fits" in texts(visit)
    assert visit.app.get("download_button")[0].proto.disabled


# Models


def test_a_managed_engine_s_models_are_planned_and_fetched(studio: Studio, hub: FakeHub) -> None:
    visit = Visit().open("Models")
    assert eventually(lambda: services.service().look().plan is not None)
    shown = texts(visit.run())
    assert shown.count("Not ready") == 6
    assert "missing" in shown
    visit.set("models.modes", ["t2v"])
    assert eventually(lambda: services.service().look().plan is not None)
    assert texts(visit.run()).count("Not ready") == 1
    visit.click("models-pull")
    services.service().wait(30)
    assert eventually(lambda: services.service().look().plan is not None)
    shown = texts(visit.run())
    assert "Everything is there" in shown
    assert "Not ready" not in shown
    assert "in place" in shown
    assert not visit.has("models-pull")


def test_a_variant_and_further_files_change_the_plan(studio: Studio, hub: FakeHub) -> None:
    visit = Visit().open("Models").set("models.variant", "bf16").set("models.extras", ["camera=dolly-in"])
    assert eventually(lambda: services.service().look().plan is not None)
    shown = texts(visit.run())
    assert "camera=dolly-in" in shown
    assert "LTX-2.3 22B dev, bf16" in shown
    assert "LTX-2.3 22B dev, fp8" not in shown


def test_a_licence_that_must_be_accepted_is_linked(studio: Studio, hub: FakeHub) -> None:
    checkpoint = registry.models()[0].variants[0]
    hub.gated.add(checkpoint.repo)
    visit = Visit().open("Models")
    assert eventually(lambda: services.service().look().plan is not None)
    assert "A licence has to be accepted first." in texts(visit.run())
    assert any(f'href="{hub.url}/{checkpoint.repo}"' in element.proto.body for element in visit.app.get("html"))


def test_to_somebody_else_s_server_nothing_is_fetched(tmp_path: Path, stack: ExitStack) -> None:
    studio = start(tmp_path, stack, STUDIO_COMFYUI_URL="{url}", STUDIO_COMFYUI_TOKEN=SECRET)
    assert eventually(lambda: studio.manager.engine().preflight is not None)
    visit = Visit().open("Models")
    shown = texts(visit)
    assert "The engine is somebody else's server." in shown
    assert "ltx-2.3-22b-dev-fp8.safetensors" in shown
    assert not [key for key in ("models-look", "models-pull", "models-again") if visit.has(key)]
    assert "External" in texts(visit.open("Engine"))
    assert not [key for key in ("restart", "unload") if visit.has(key)]


def test_the_draft_engine_needs_none_and_says_so(manager: JobManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_ADMIN", "yes")
    assert eventually(lambda: manager.engine().status == "alive")
    visit = Visit().open("Models")
    assert "The draft engine needs no models." in texts(visit)
    assert visit.has("models-look")
    assert not Visit().open("Engine").has("unload")


def test_a_models_folder_that_can_t_be_written_is_said_and_nothing_is_fetched(studio: Studio, hub: FakeHub) -> None:
    models = comfyui(settings.read()).models
    models.parent.mkdir(parents=True)
    models.write_text("")
    visit = Visit().open("Models")
    assert eventually(lambda: services.service().look().plan is not None)
    visit.run()
    assert f"The models folder {models}/checkpoints can't be written (not a directory)." in texts(visit)
    assert visit.app.button(key="models-pull").disabled


def test_a_token_is_said_to_be_there_and_never_shown(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    visit = Visit().open("Models")
    assert "A token is set, from the variable HF_TOKEN" in texts(visit)
    assert SECRET not in texts(visit)
    assert visit.has("token-check")


def test_a_token_that_can_t_be_sent_is_said_on_the_pages(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_gehéim")
    for page in ("Models", "Settings"):
        shown = texts(Visit().open(page))
        assert "The hub's token from HF_TOKEN can't be sent" in shown
        assert "gehéim" not in shown


# Settings


def test_the_hub_s_address_is_shown_without_its_password(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", f"https://bob:{SECRET}@mirror.example")
    shown = texts(Visit().open("Settings"))
    assert "https://mirror.example" in shown
    assert SECRET not in shown


def test_settings_say_where_they_come_from_and_hide_secrets(tmp_path: Path, stack: ExitStack) -> None:
    start(tmp_path, stack, STUDIO_COMFYUI_URL="{url}", STUDIO_COMFYUI_TOKEN=SECRET, UP_ORIGINS="STUDIO_DATA=flag")
    visit = Visit().open("Settings")
    shown = " ".join(texts(visit).split())
    assert SECRET not in shown
    assert re.search(rf"STUDIO_DATA --data .*? {re.escape(str(tmp_path))} flag", shown)
    assert re.search(r"STUDIO_PORT --port Port of the studio\. 8501 default", shown)


def test_what_the_doctor_found_is_shown_with_what_to_do(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Report(0.0, (Finding("Disk", "problem", "0.1 GB free", "Make room with `rm`."),))
    monkeypatch.setattr(doctor, "_report", found)
    shown = texts(Visit().open("Settings"))
    assert "A problem keeps the engine from working." in shown
    assert "0.1 GB free" in shown
    assert "Make room" in shown


# A studio that is open to anybody


@pytest.mark.parametrize(
    "variables",
    [{"STUDIO_ADMIN": "no"}, {"STUDIO_HOST": "0.0.0.0"}, {"STUDIO_ROUTES": ""}],
    ids=["told so", "on the network", "plain streamlit run"],
)
def test_strangers_see_neither_logs_nor_settings_nor_switches(
    tmp_path: Path, stack: ExitStack, variables: dict[str, str]
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "engine.log").write_text("a line of the log\n", encoding="utf-8")
    start(tmp_path, stack, **variables)
    visit = Visit().open("Engine")
    assert "NVIDIA H200" in texts(visit)
    assert code(visit) == ""
    assert not [key for key in ("unload", "restart", "log.filter", "log-download") if visit.has(key)]
    assert str(tmp_path) not in texts(visit)
    visit.open("Settings")
    assert "STUDIO_DATA" not in texts(visit)
    assert not visit.has("doctor")
    visit.open("Models")
    assert not [key for key in ("models-look", "models-pull", "models.modes", "token-check") if visit.has(key)]


def test_a_studio_on_the_network_may_be_opened_to_all(tmp_path: Path, stack: ExitStack) -> None:
    start(tmp_path, stack, STUDIO_HOST="0.0.0.0", STUDIO_ADMIN="yes")
    assert Visit().open("Engine").has("unload")


@pytest.mark.parametrize(
    ("admins", "address", "forwarded", "may"),
    [
        ("auto", "127.0.0.1", [], True),
        ("auto", "::1", [], True),
        ("auto", "localhost", [], True),
        ("auto", "127.0.0.1", ["X-Forwarded-For"], False),
        ("auto", "0.0.0.0", [], False),
        ("auto", "::", [], False),
        ("auto", "studio.example", [], False),
        ("auto", "", [], False),
        ("yes", "0.0.0.0", ["X-Forwarded-For"], True),
        ("no", "127.0.0.1", [], False),
    ],
)
def test_who_may_act_by_where_a_visit_can_come_from(admins: str, address: str, forwarded: list[str], may: bool) -> None:
    assert acting.allowed(admins, address, forwarded) is may
