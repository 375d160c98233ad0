"""A studio as it is served, a draft engine behind it, and real Chromium windows on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, expect, sync_playwright

from tests.browser.window import Window
from tests.support.served import served

BUSY_MILLISECONDS = 90_000
"""How long a page may take on a machine that does other things, too; a test that passes waits for none of it."""
expect.set_options(timeout=BUSY_MILLISECONDS)
WINDOWS: pytest.StashKey[list[Window]] = pytest.StashKey()
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
    named = os.environ.get("STUDIO_TEST_URL")
    if named:
        yield named
        return
    with served(tmp_path_factory.mktemp("studio"), request.getfixturevalue("draft_url")) as running:
        yield running.url


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Add to the report of a test that failed what its windows showed."""
    report = yield
    if call.when == "call" and report.failed:
        for window in item.stash.get(WINDOWS, []):
            with suppress(Error):
                shown = window.page.locator("body").aria_snapshot(timeout=5_000)
                report.sections.append((f"Shown at {window.page.url}", shown))
    return report


@pytest.fixture
def browse(
    chromium: str, studio: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Window]]:
    """Opens a browser: `browse(profile, width, height)`. The same profile is the same person, cookies and all."""
    windows = request.node.stash.setdefault(WINDOWS, [])
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
            context.set_default_timeout(BUSY_MILLISECONDS)
            windows.append(stack.enter_context(Window(context, studio)))
            return windows[-1]

        yield open_window
