"""Drafts beside an engine that makes the real thing: drawn by a child of the studio that is there on demand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.drafting import DraftEngine
from client.jobs import Job, JobManager
from client.states import Failed, Succeeded
from tests.support import scripted
from tests.support.commands import alive, eventually
from tests.support.scripted import Scripted
from workflows.request import parse
from workflows.values import Lora

CHECKOUT = Path(__file__).parents[2]
SECONDS = 60
REQUEST = {"prompt": "a kite over dunes", "preset": "fast", "seconds": 0.4, "width": 192, "height": 128}


@pytest.fixture
def real() -> Iterator[Scripted]:
    """The engine that makes the real thing: it takes jobs and makes nothing."""
    with scripted.engine() as server:
        yield server


@pytest.fixture
def manager(real: Scripted, tmp_path: Path) -> Iterator[JobManager]:
    made = JobManager(tmp_path, real.url)
    yield made
    made.close()


def ended(manager: JobManager, job: Job) -> Job:
    manager.wait(job.id, SECONDS)
    found = manager.get(job.id)
    assert found is not None
    return found


def test_a_draft_is_drawn_beside_the_engine_and_never_reaches_it(manager: JobManager, real: Scripted) -> None:
    assert manager.drafts.pid == 0
    job = ended(manager, manager.submit_draft(parse("t2v", REQUEST), "somebody"))
    assert isinstance(job.state, Succeeded), job.state
    assert job.draft
    assert (manager.folder / job.state.outputs[0].name).is_file()
    assert real.posted("/prompt") == []
    again = ended(manager, manager.retry(job.id))
    assert again.draft
    assert isinstance(again.state, Succeeded)


def test_a_real_job_is_none(manager: JobManager, real: Scripted) -> None:
    job = manager.submit(parse("t2v", REQUEST), "somebody")
    assert not job.draft
    assert eventually(lambda: len(real.posted("/prompt")) == 1)
    assert manager.drafts.pid == 0
    manager.cancel(job.id)
    ended(manager, job)


def test_ones_own_loras_are_kept_with_a_draft_that_has_no_use_for_them(manager: JobManager) -> None:
    own = (Lora("styles/film grain.safetensors", 0.8),)
    job = ended(manager, manager.submit_draft(parse("t2v", {**REQUEST, "loras": own}), "somebody"))
    assert isinstance(job.state, Succeeded), job.state
    assert job.values["loras"] == own


def test_it_ends_with_the_studio_and_leaves_no_files(real: Scripted, tmp_path: Path) -> None:
    manager = JobManager(tmp_path, real.url)
    ended(manager, manager.submit_draft(parse("t2v", REQUEST), "somebody"))
    pid = manager.drafts.pid
    assert alive(pid)
    manager.close()
    assert not alive(pid)
    assert list((tmp_path / "drafts").iterdir()) == []


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DraftEngine]:
    made = DraftEngine(tmp_path / "drafts", tmp_path / "drafts.log", 10, idle_seconds=0.1)
    yield made
    made.close()


def test_after_a_while_without_drafts_it_ends_and_comes_back_at_the_same_address(engine: DraftEngine) -> None:
    with engine.used():
        first, url = engine.pid, engine.url
        assert first
    assert eventually(lambda: engine.pid == 0 and not alive(first))
    with engine.used():
        assert engine.pid not in (0, first)
        assert engine.url == url


def test_one_that_ends_by_itself_is_started_anew_while_somebody_waits(engine: DraftEngine) -> None:
    with engine.used():
        first = engine.pid
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: engine.pid not in (0, first))


def test_a_draft_whose_engine_dies_ends_and_can_be_tried_again(manager: JobManager) -> None:
    job = manager.submit_draft(parse("t2v", {**REQUEST, "seconds": 20.0, "width": 640, "height": 384}), "somebody")
    assert eventually(lambda: getattr(manager.get(job.id), "started_at", None) is not None)
    os.kill(manager.drafts.pid, signal.SIGKILL)
    failed = ended(manager, job)
    assert isinstance(failed.state, Failed)
    assert failed.state.retryable


def test_it_ends_when_the_studio_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, time\n"
        "from client.drafting import DraftEngine\n"
        f"engine = DraftEngine(pathlib.Path({str(tmp_path)!r}), pathlib.Path({str(tmp_path / 'log')!r}), 10)\n"
        "with engine.used():\n"
        "    print(engine.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    studio = subprocess.Popen([sys.executable, "-c", program], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert studio.stdout is not None
    pid = int(studio.stdout.readline())
    assert alive(pid)
    studio.kill()
    studio.wait()
    assert eventually(lambda: not alive(pid))


def test_it_is_told_no_secrets(engine: DraftEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_COMFYUI_TOKEN", "tk-secret")
    monkeypatch.setenv("HF_TOKEN", "hf-secret")
    with engine.used():
        environment = Path(f"/proc/{engine.pid}/environ")
        if not environment.exists():
            pytest.skip("no /proc here")
        assert b"-secret" not in environment.read_bytes()
