"""The pages run by Streamlit's AppTest, in this process, on a manager of their own and the draft engine."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.components.v2 import manifest_scanner

from client import jobs, settings
from client.jobs import JobManager
from tests.pages.visit import Visit
from tests.support import scripted
from tests.support.commands import eventually
from tests.support.ports import free_ports
from workflows import schema


@pytest.fixture(scope="session", autouse=True)
def components() -> Iterator[None]:
    """Streamlit looks through all installed packages for every tab that a test opens; what it finds stays the same."""
    found = manifest_scanner.scan_component_manifests()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda: found)
        yield


def serve(data: Path, engine_port: int) -> Iterator[JobManager]:
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
    yield from serve(tmp_path_factory.mktemp("studio"), int(draft_url.rsplit(":", 1)[-1]))


@pytest.fixture
def lonely_manager(tmp_path: Path) -> Iterator[JobManager]:
    """A manager whose engine does not answer."""
    yield from serve(tmp_path, free_ports(1)[0])


SMALL_GPU = {"name": "cuda:0 NVIDIA GeForce RTX 4070", "type": "cuda", "index": 0, "vram_total": 12 * 2**30}
SMALL_STATS = {"system": {"comfyui_version": "0.27.0", "ram_total": 32 * 2**30}, "devices": [SMALL_GPU]}


@pytest.fixture
def small_manager(tmp_path: Path) -> Iterator[JobManager]:
    """A manager on a server with a GPU of 12 GB, which takes jobs and makes nothing."""
    with scripted.engine() as server:
        server.routes["GET /system_stats"] = lambda _: (200, SMALL_STATS)
        for manager in serve(tmp_path, int(server.url.rsplit(":", 1)[-1])):
            assert eventually(lambda manager=manager: manager.engine().status == "alive")
            yield manager


LORAS = ("ink and wash.safetensors", "styles/film grain.safetensors", "somebodys-ic-lora.safetensors")


@pytest.fixture
def lora_manager(tmp_path: Path) -> Iterator[JobManager]:
    """A manager on a server that takes jobs, makes nothing, and lists LoRAs of the person's own."""
    with scripted.engine() as server:
        server.routes["GET /object_info"] = lambda _: (200, _with_loras(dict(schema.recorded())))
        server.routes["POST /upload/image"] = lambda _: (200, {"name": "upload", "subfolder": "", "type": "input"})
        for manager in serve(tmp_path, int(server.url.rsplit(":", 1)[-1])):
            assert eventually(lambda manager=manager: manager.loras() != ())
            yield manager


def _with_loras(interfaces: dict[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(interfaces)
    known = changed["LoraLoaderModelOnly"]["input"]["required"]["lora_name"]
    options = known[1]["options"] if known[0] == "COMBO" else known[0]
    options.extend(LORAS)
    return changed


@pytest.fixture
def visit(manager: JobManager) -> Visit:
    """A new visitor on the home page."""
    return Visit()
