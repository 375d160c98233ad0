"""The pages of the section System and the queue in a real browser, on a studio that is really supervised."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.window import Window
from tests.support.hub import FakeHub, serving
from tests.support.supervised import Supervised, supervised
from workflows import registry

pytestmark = pytest.mark.browser

DESK, PHONE = (1280, 900), (390, 844)
WIDTHS = pytest.mark.parametrize(("width", "height"), [DESK, PHONE])
THUMB = 44
TOKEN = "hf_swordfish2000swordfish"


@pytest.fixture(scope="module")
def hub() -> Iterator[FakeHub]:
    with serving() as served:
        for model in registry.models():
            for variant in model.variants:
                served.add(variant.repo, variant.path, variant.file.encode().ljust(2_000_000, b"."))
        yield served


@pytest.fixture(scope="module")
def whole(hub: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    """Engine and studio, both supervised; models come from a hub on loopback."""
    folder = tmp_path_factory.mktemp("whole")
    variables = {
        "STUDIO_ENGINE": "draft",
        "HF_ENDPOINT": hub.url,
        "HF_HUB_CACHE": str(folder / "hub"),
        "HF_TOKEN": TOKEN,
    }
    with supervised(folder / "data", **variables) as running:
        yield running


@pytest.fixture(scope="module")
def studio(whole: Supervised) -> str:
    """What `browse` opens."""
    return whole.url


def generate(window: Window, *prompts: str) -> None:
    """Ask for long videos, one after the other."""
    window.open("/Text_to_Video")
    window.last("20")
    expect(window.text("481 frames").first).to_be_visible()
    for number, prompt in enumerate(prompts, 1):
        window.describe(prompt)
        window.press("Generate")
        expect(window.page.locator('[class*="st-key-cancel-"]')).to_have_count(number)


def fits(window: Window, width: int) -> None:
    """Nothing is wider than the window, nothing went wrong, and nobody else was asked."""
    assert window.width() <= width
    assert (window.errors, window.strangers) == ([], [])


def test_a_thumb_goes_everywhere_by_the_drawer(browse: Callable[..., Window]) -> None:
    window = browse("walker", *PHONE).open()
    page = window.page
    bar = page.get_by_test_id("stSidebar")
    for name in ("Engine", "Models"):
        expect(bar).to_have_attribute("data-collapsed", "true")
        page.get_by_test_id("stExpandSidebarButton").click()
        expect(bar).to_have_attribute("data-collapsed", "false")
        box = bar.get_by_role("link", name=name, exact=True).bounding_box()
        assert box is not None
        assert box["height"] >= THUMB
        window.go(name)
    expect(bar).to_have_attribute("data-collapsed", "true")
    fits(window, PHONE[0])


def test_a_tablet_has_the_drawer_too(browse: Callable[..., Window]) -> None:
    window = browse("tablet", 900, 1000).open("/Queue")
    page = window.page
    bar = page.get_by_test_id("stSidebar")
    expect(bar).to_have_attribute("data-collapsed", "true")
    assert window.width() == 900
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(bar).to_be_in_viewport()
    assert window.width() == 900
    page.mouse.click(800, 500)
    expect(bar).to_have_attribute("data-collapsed", "true")
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(bar).to_have_attribute("data-collapsed", "false")
    fits(window, 1280)


@WIDTHS
def test_the_queue_is_ordered_and_emptied(
    browse: Callable[..., Window], artifacts: Path, width: int, height: int
) -> None:
    window = browse(f"orderly{width}", width, height)
    page = window.page
    generate(window, "Alpha runs", "Beta waits", "Gamma waits")
    page.locator(".st-key-status a").click()
    expect(page.get_by_role("heading", level=1, name="Queue")).to_be_visible()
    expect(page.locator('[class*="st-key-held-"]')).to_have_count(2)
    expect(page.locator(".st-key-status")).to_contain_text("2 waiting")
    held = page.locator('[class*="st-key-held-"] .s-task')
    expect(held).to_have_text([re.compile("Beta waits"), re.compile("Gamma waits")])
    button = page.get_by_role("button", name="Move to the front").nth(1)
    box = button.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= THUMB
    button.click()
    expect(held).to_have_text([re.compile("Gamma waits"), re.compile("Beta waits")])
    page.screenshot(path=artifacts / f"queue_{width}.png")
    for left in (2, 1, 0):
        page.get_by_role("button", name="Cancel", exact=True).last.click()
        expect(page.locator('[class*="st-key-cancel-"]')).to_have_count(left)
    expect(window.text("Nothing of yours waits")).to_be_visible()
    fits(window, width)


def is_replaced(window: Window, whole: Supervised, before: object) -> None:
    """Another process answers, as the page says."""
    page = window.page
    expect(page.locator(".st-key-engine-state")).not_to_contain_text(f"{before}, up")
    expect(page.locator(".s-condition")).to_contain_text("alive")
    assert whole.programs()["engine"]["pid"] != before


def test_a_restart_asks_first_when_a_job_runs(browse: Callable[..., Window], whole: Supervised) -> None:
    window = browse("operator", *DESK)
    page = window.page
    generate(window, "A long one")
    expect(window.text(re.compile(r"^\d+ %$"))).to_be_visible()
    window.go("Engine")
    before = whole.programs()["engine"]["pid"]
    expect(page.locator(".s-condition")).to_contain_text("busy")
    window.press("Restart")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("would be lost")
    dialog.get_by_role("button", name="Keep it running").click()
    expect(dialog).to_have_count(0)
    assert whole.programs()["engine"]["pid"] == before
    window.press("Restart")
    dialog.get_by_role("button", name="Restart").click()
    is_replaced(window, whole, before)
    fits(window, DESK[0])


@WIDTHS
def test_an_idle_engine_is_restarted_and_its_log_read(
    browse: Callable[..., Window], whole: Supervised, artifacts: Path, width: int, height: int
) -> None:
    window = browse(f"operator{width}", width, height).open("/Engine")
    page = window.page
    expect(page.locator(".s-condition")).to_contain_text("alive")
    before = whole.programs()["engine"]["pid"]
    window.press("Restart")
    is_replaced(window, whole, before)
    page.get_by_role("textbox", name="Only lines with").fill("ready")
    page.keyboard.press("Enter")
    lines = page.locator(".st-key-log-lines")
    expect(lines).not_to_contain_text("starts as process")
    expect(lines).to_contain_text("The draft engine is ready")
    with page.expect_download() as started:
        window.press("Download")
    assert "The draft engine is ready" in Path(started.value.path()).read_text(encoding="utf-8")
    window.picture(artifacts / f"engine_{width}.png")
    fits(window, width)


@WIDTHS
def test_models_are_planned_fetched_and_there(
    browse: Callable[..., Window], artifacts: Path, width: int, height: int
) -> None:
    window = browse("keeper", width, height).open("/Models")
    page = window.page
    variant = {1280: "fp8", 390: "nvfp4"}[width]
    window.choose(variant)
    window.press("Look what is there")
    expect(page.locator(".s-unready")).to_have_count(6)
    page.get_by_role("button", name=re.compile("^Fetch")).click()
    expect(window.text("Everything is there")).to_be_visible()
    expect(page.locator(".s-unready")).to_have_count(0)
    window.press("Check it")
    expect(window.text("The hub accepts the token.")).to_be_visible()
    assert TOKEN not in page.content()
    window.picture(artifacts / f"models_{width}.png")
    fits(window, width)


@WIDTHS
def test_settings_and_the_doctor(
    browse: Callable[..., Window], whole: Supervised, artifacts: Path, width: int, height: int
) -> None:
    window = browse("curious", width, height).open("/Settings")
    page = window.page
    row = page.locator(".s-settings li", has_text="STUDIO_DATA")
    expect(row).to_contain_text(str(whole.data))
    expect(row).to_contain_text("flag")
    expect(page.locator(".s-settings li", has_text="HF_TOKEN")).to_contain_text("environment")
    assert TOKEN not in page.content()
    page.locator(".st-key-doctor button").click()
    expect(page.locator(".s-findings li").first).to_be_visible()
    expect(page.locator(".s-findings")).to_contain_text("Supervisor, engine")
    window.picture(artifacts / f"settings_{width}.png")
    fits(window, width)
