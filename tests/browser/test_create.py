"""Creating in a real browser: examples, the keyboard, the part that is used, the title and notifications."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.window import JOB_MILLISECONDS, Window

pytestmark = pytest.mark.browser

LOOKING_AWAY = """
    window.noted = [];
    document.hasFocus = () => false;
    window.Notification = class {
        static permission = localStorage.getItem("granted") ?? "default";
        static async requestPermission() {
            localStorage.setItem("granted", "granted");
            return (window.Notification.permission = "granted");
        }
        constructor(title, options) { window.noted.push([title, options.body]); }
        addEventListener() {}
    };
"""


def test_a_lamp_is_made_by_keyboard_and_its_end_is_told_to_who_looks_away(browse: Callable[..., Window]) -> None:
    window = browse("away")
    page = window.page
    page.add_init_script(LOOKING_AWAY)
    window.open("/Text_to_Video")
    bell = page.get_by_role("switch", name="Notify me when a video is ready")
    expect(bell).to_have_attribute("aria-checked", "false")
    bell.click()
    expect(bell).to_have_attribute("aria-checked", "true")
    window.choose("Fast")
    window.last("1")
    prompt = page.get_by_role("textbox", name="Prompt", exact=True)
    prompt.press_sequentially("A lamp on a wall; rain.")
    prompt.press("Control+Enter")
    expect(page).to_have_title(re.compile(r"^● (Waiting|\d+ %) · Text to Video$"), timeout=JOB_MILLISECONDS)
    expect(page).to_have_title("Done · Text to Video", timeout=JOB_MILLISECONDS)
    window.choose("Balanced")
    expect(page).to_have_title("Done · Text to Video")
    assert page.evaluate("window.noted") == [["Done · Text to Video", "A lamp on a wall; rain."]]
    expect(page.locator(".st-key-result video")).to_be_visible()
    expect(page.locator(".st-key-result")).to_contain_text("A lamp on a wall; rain.")
    page.reload()
    expect(bell).to_have_attribute("aria-checked", "true")
    assert (window.errors, window.strangers) == ([], [])


def test_an_example_fills_the_form_by_its_picture_and_the_slider_cuts_its_sound(
    browse: Callable[..., Window], artifacts: Path
) -> None:
    window = browse("exemplary").open("/Audio_to_Video")
    page = window.page
    page.locator(".st-key-examples img").first.click(force=True)
    expect(window.field("audio").locator(".s-line")).to_contain_text("thunder.mp3")
    expect(window.field("audio").locator(".s-wave")).to_be_visible()
    expect(window.text("169 frames").first).to_be_visible()
    end = page.get_by_role("slider").nth(1)
    end.focus()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    expect(window.text("4 s of 7 s, from 0 s on.")).to_be_visible()
    expect(window.text("97 frames").first).to_be_visible()
    window.picture(artifacts / "trim_1280.png")
    window.shrink()
    assert window.width() == 390
    expect(page.get_by_role("button", name="Generate")).to_be_in_viewport()
    window.picture(artifacts / "trim_390.png")
    assert (window.errors, window.strangers) == ([], [])


def test_the_keyboard_sees_on_which_link_it_is(browse: Callable[..., Window]) -> None:
    window = browse("typist").open("/Text_to_Video")
    link = window.page.get_by_test_id("stSidebar").get_by_role("link", name="Home", exact=True)
    window.page.get_by_role("textbox", name="Prompt", exact=True).press("Shift+Tab")
    expect(link).to_have_css("outline-style", "none")
    link.focus()
    expect(link).to_have_css("outline-style", "solid")


def test_a_link_is_followed_right_after_typing_and_what_was_typed_is_kept(browse: Callable[..., Window]) -> None:
    window = browse("hasty").open("/Text_to_Video")
    window.page.get_by_role("textbox", name="Prompt", exact=True).press_sequentially("A kite over dunes.")
    window.go("Keyframes")
    window.go("Text to Video")
    expect(window.page.get_by_role("textbox", name="Prompt", exact=True)).to_have_value("A kite over dunes.")
    assert (window.errors, window.strangers) == ([], [])
