"""Every page under axe-core: nothing that keeps a person who reads, hears or points differently from using it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.window import JOB_MILLISECONDS, Window

pytestmark = pytest.mark.browser

PAGES = sorted(path.stem for path in (Path(__file__).parents[2] / "pages").glob("*.py") if path.stem != "__init__")
GRAVE = ("serious", "critical")


def violations(window: Window) -> list[tuple[str, Any]]:
    """What axe-core finds serious on the page as it is now: its rule, and where."""
    found = Axe().run(window.page).response["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found if one["impact"] in GRAVE]


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_no_page_has_a_serious_violation(browse: Callable[..., Window], width: int, height: int) -> None:
    window = browse(f"reader{width}", width, height)
    window.open("/Text_to_Video").describe("A paper boat on a stream; water.")
    window.choose("Fast")
    window.last("1")
    window.press("Generate")
    expect(window.page.locator('[class*="st-key-progress-"]')).to_be_visible()
    # What stood there before is faded while the page is drawn.
    expect(window.page.locator("[data-stale=true]")).to_have_count(0)
    found = {"a job that runs": violations(window)}
    expect(window.page.locator(".st-key-result video")).to_be_visible(timeout=JOB_MILLISECONDS)
    found["a job that is done"] = violations(window)
    for page in ("", *PAGES):
        window.open(f"/{page}")
        found[page or "Home"] = violations(window)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert (window.errors, window.strangers) == ([], [])


def test_a_page_with_a_violation_is_found(browse: Callable[..., Window]) -> None:
    window = browse("control").open("/Text_to_Video")
    window.page.evaluate("document.querySelector('main, section, body').append(document.createElement('button'))")
    assert "button-name" in dict(violations(window))
