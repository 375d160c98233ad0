"""Options and fixtures of the whole test suite."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

from client import settings as configuration
from tests.support import gpu
from tests.support.draft import start_draft


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--comfy-real",
        action="store_true",
        help="run the tests marked comfy_real, against the ComfyUI server that COMFYUI_URL names",
    )
    parser.addoption(
        "--gpu",
        action="store_true",
        help="run the tests marked gpu, on the managed engine that is installed here and its weights",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--comfy-real"):
        skip = pytest.mark.skip(reason="needs --comfy-real and a ComfyUI server named by COMFYUI_URL")
        for item in items:
            if "comfy_real" in item.keywords:
                item.add_marker(skip)
    for_gpu = [item for item in items if "gpu" in item.keywords]
    if for_gpu:
        reason = gpu.absence(configuration.read()) if config.getoption("--gpu") else "needs --gpu"
        for item in for_gpu if reason else ():
            item.add_marker(pytest.mark.skip(reason=reason))
    if "PYTEST_XDIST_WORKER" in os.environ:
        items[:] = _mixed(items)


def _mixed(items: list[pytest.Item]) -> list[pytest.Item]:
    """One file of each folder, then the next of each: where browsers compute and programs are waited for, side by
    side, both take less time than one after the other."""
    folders: dict[Path, dict[Path, list[pytest.Item]]] = {}
    for item in items:
        folders.setdefault(item.path.parent, {}).setdefault(item.path, []).append(item)
    rounds = zip_longest(*(files.values() for files in folders.values()), fillvalue=())
    return [item for files in rounds for file in files for item in file]


@pytest.fixture(scope="session")
def draft_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A draft engine in its own process, shared by the tests that leave it in peace."""
    process, url = start_draft(tmp_path_factory.mktemp("draft"))
    yield url
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="session")
def real_url() -> str:
    """The real ComfyUI server to test against."""
    url = os.environ.get("COMFYUI_URL", "")
    if not url:
        pytest.fail("COMFYUI_URL names no server")
    return url.rstrip("/")


@pytest.fixture(params=["draft", pytest.param("real", marks=pytest.mark.comfy_real)])
def engine_url(request: pytest.FixtureRequest) -> str:
    """The draft engine and, with --comfy-real, a real ComfyUI: the same test on both."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where screenshots and the like are kept."""
    folder = Path(__file__).parent / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder
