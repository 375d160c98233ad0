"""A studio as it is served, a draft engine behind it, and real Chromium windows on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect, sync_playwright

from tests.browser.window import Window
from tests.support.ports import free_ports

CHECKOUT = Path(__file__).parents[2]
START_SECONDS = 60
expect.set_options(timeout=30_000)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; the tests are skipped where there is none."""
    found = os.environ.get("STUDIO_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip(os.environ.get("STUDIO_TEST_CHROMIUM_REASON") or "Chromium is not installed")
    return found


@pytest.fixture(scope="module")
def studio(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a studio in its own process, on the draft engine.

    STUDIO_TEST_URL names one that runs already, on any engine, for checks by hand on a managed ComfyUI.
    """
    running = os.environ.get("STUDIO_TEST_URL")
    if running:
        yield running
        return
    with served(tmp_path_factory.mktemp("studio"), request.getfixturevalue("draft_url"), "bootstrap.serve") as url:
        yield url


@contextmanager
def served(folder: Path, draft_url: str, program: str) -> Iterator[str]:
    """The address of a studio on a draft engine, by the module that serves it; its data lies in `folder`."""
    port = free_ports(1)[0]
    environment = {
        **os.environ,
        "STUDIO_PORT": str(port),
        "STUDIO_HOST": "127.0.0.1",
        "STUDIO_ENGINE_PORT": draft_url.rsplit(":", 1)[-1],
        "STUDIO_COMFYUI_URL": "",
        "STUDIO_DATA": str(folder / "data"),
    }
    with (folder / "studio.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", program], cwd=CHECKOUT, env=environment, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(url, process, folder / "studio.log")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if requests.get(f"{url}/health", timeout=5).json()["engine"] == "alive":
                return
        except (requests.ConnectionError, requests.Timeout):
            pass
        time.sleep(0.1)
    pytest.fail(f"the studio did not answer within {START_SECONDS} s: {log.read_text()}")


@pytest.fixture
def browse(chromium: str, studio: str, tmp_path: Path) -> Iterator[Callable[..., Window]]:
    """Opens a browser: `browse(profile, width, height)`. The same profile is the same person, cookies and all."""
    with ExitStack() as stack:
        play = stack.enter_context(sync_playwright())

        def open_window(profile: str = "somebody", width: int = 1280, height: int = 900) -> Window:
            context = play.chromium.launch_persistent_context(
                str(tmp_path / profile),
                executable_path=chromium,
                args=FLAGS,
                viewport={"width": width, "height": height},
                accept_downloads=True,
            )
            return stack.enter_context(Window(context, studio))

        yield open_window
