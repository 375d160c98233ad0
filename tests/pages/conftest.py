"""The pages run by Streamlit's AppTest, in this process, on a manager of their own and the draft engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from client import jobs, settings
from client.jobs import JobManager
from tests.pages.visit import Visit
from tests.support.ports import free_ports


def _serve(data: Path, engine_port: int) -> Iterator[JobManager]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_DATA", str(data))
        patch.setenv("STUDIO_ENGINE_PORT", str(engine_port))
        patch.delenv("STUDIO_COMFYUI_URL", raising=False)
        patch.delenv("STUDIO_ROUTES", raising=False)
        manager = JobManager(data, settings.read().server_url)
        patch.setattr(jobs, "_manager", manager)
        yield manager
        manager.close()


@pytest.fixture(scope="module")
def manager(draft_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobManager]:
    """The manager behind the pages, on the draft engine."""
    yield from _serve(tmp_path_factory.mktemp("studio"), int(draft_url.rsplit(":", 1)[-1]))


@pytest.fixture
def lonely_manager(tmp_path: Path) -> Iterator[JobManager]:
    """A manager whose engine does not answer."""
    yield from _serve(tmp_path, free_ports(1)[0])


@pytest.fixture
def visit(manager: JobManager) -> Visit:
    """A new visitor on the home page."""
    return Visit()
