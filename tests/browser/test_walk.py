"""The whole way in a real browser: from the first page to the file on disk, and back again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.window import JOB_MILLISECONDS, Window
from workflows import manifest

pytestmark = pytest.mark.browser

PROMPT = "A lighthouse on a rocky coast at dusk, waves roll in, the camera pans slowly to the right; gulls, surf."
SIZE, SECONDS, FRAMES, RATE = (1280, 704), "10", 241, 24
POSTER_WIDTH = 640
TARGETS = (
    "[data-testid=stButton] button",
    "[data-testid=stButtonGroup] > div button",
    "[data-testid=stFileUploaderDropzone] button",
    "[data-testid=stExpander] summary",
    "[data-testid=stPageLink] a",
)
TOO_SMALL = """targets => [...document.querySelectorAll(`[data-testid=stMain] :is(${targets})`)]
    .filter(target => target.offsetParent && target.getBoundingClientRect().height < 44)
    .filter(target => !target.closest('[class*="st-key-tile-"], [class*="st-key-entry-"]'))
    .map(target => target.innerText)"""
"""What a thumb would miss. A tile is one target as a whole."""


def watch_to_the_end(window: Window) -> None:
    """See a job run with percent and time left, then play."""
    expect(window.text(re.compile(r"^\d+ %$"))).to_be_visible(timeout=JOB_MILLISECONDS)
    expect(window.text(re.compile(r"^about .+ left$"))).to_be_visible(timeout=JOB_MILLISECONDS)
    expect(window.text(re.compile(r"^\d:\d\d elapsed$"))).to_be_visible()
    expect(window.page.locator('li[aria-current="step"]')).to_have_count(1)
    expect(window.page.locator("video")).to_be_visible(timeout=JOB_MILLISECONDS)


def check_that_it_plays(window: Window) -> None:
    video = window.page.locator("video")
    played = video.evaluate(
        """async video => {
            video.muted = true;
            await video.play();
            while (video.currentTime < 0.2) await new Promise(resolve => requestAnimationFrame(resolve));
            return { error: video.error, width: video.videoWidth, height: video.videoHeight, seconds: video.duration };
        }"""
    )
    assert (played["error"], played["width"], played["height"]) == (None, *SIZE)
    assert played["seconds"] == pytest.approx(FRAMES / RATE, abs=0.05)


def check_the_file(path: Path) -> None:
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height, video.average_rate) == (*SIZE, RATE)
        assert sum(1 for _ in container.decode(video)) == FRAMES
        assert float(audio.duration * audio.time_base) == pytest.approx(FRAMES / RATE, abs=0.1)


def test_from_a_prompt_to_a_file(browse: Callable[..., Window], tmp_path: Path, artifacts: Path) -> None:
    window = browse().open()
    page = window.page
    page.locator('[class*="st-key-entry-"]').first.click()
    window.describe(PROMPT)
    window.last(SECONDS)
    expect(window.text(f"{FRAMES} frames").first).to_be_visible()
    window.press("Generate")
    watch_to_the_end(window)
    check_that_it_plays(window)
    page.screenshot(path=artifacts / "text_to_video.png")

    page.reload()
    expect(page.locator("video")).to_be_visible()
    check_that_it_plays(window)

    window.go("Library")
    tile = page.locator('[class*="st-key-tile-"]')
    expect(tile).to_have_count(1)
    poster = page.locator(".st-key-gallery img")
    expect(poster).to_be_visible()
    assert poster.evaluate("async image => { await image.decode(); return image.naturalWidth; }") == POSTER_WIDTH
    tile.click()
    expect(page.locator(".st-key-about")).to_contain_text(PROMPT)
    page.screenshot(path=artifacts / "library_detail.png")
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").click()
    path = tmp_path / "clip.mp4"
    started.value.save_as(path)
    assert re.fullmatch(r"t2v-a-lighthouse-on-[a-z-]+-[0-9a-f]{8}\.mp4", started.value.suggested_filename)
    check_the_file(path)

    address = page.url
    page.go_back()
    expect(page.locator(".st-key-gallery")).to_be_visible()
    window.open(address.removeprefix(window.url))
    expect(page.locator("video")).to_be_visible()

    window.press("Delete")
    expect(window.text("Nothing made yet")).to_be_visible()
    assert (window.errors, window.strangers) == ([], [])


def test_a_picture_a_cancel_and_a_browser_that_is_closed(
    browse: Callable[..., Window], tmp_path: Path, artifacts: Path
) -> None:
    picture = tmp_path / "harbour at dusk.png"
    Image.radial_gradient("L").resize((900, 600)).convert("RGB").save(picture)
    (tmp_path / "notes.png").write_text("not a picture")
    window = browse("keeper").open().go("Image to Video")
    page = window.page
    window.upload(tmp_path / "notes.png")
    expect(window.text("is not a PNG, JPEG or WebP picture")).to_be_visible()
    window.upload(picture)
    expect(window.text("900×600")).to_be_visible()
    expect(window.text("is not a PNG, JPEG or WebP picture")).to_have_count(0)
    window.describe("The lights come on one by one, boats rock; water laps.")
    window.last("20")
    expect(window.text("481 frames").first).to_be_visible()
    window.press("Generate")
    expect(window.text(re.compile(r"^\d+ %$"))).to_be_visible(timeout=JOB_MILLISECONDS)
    page.screenshot(path=artifacts / "image_to_video.png")
    window.go("Text to Video")
    window.go("Image to Video")
    expect(window.text("900×600")).to_be_visible()
    window.press("Cancel")
    expect(window.text("Cancelled.")).to_be_visible(timeout=JOB_MILLISECONDS)

    window.press("Run again")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    assert (window.errors, window.strangers) == ([], [])
    window.close()

    again = browse("keeper").open("/Image_to_Video")
    expect(again.page.get_by_role("button", name="Cancel")).to_be_visible()
    again.press("Cancel")
    expect(again.text("Cancelled.")).to_be_visible(timeout=JOB_MILLISECONDS)
    assert (again.errors, again.strangers) == ([], [])


def test_a_phone_never_scrolls_sideways(browse: Callable[..., Window], artifacts: Path) -> None:
    window = browse("phone", width=390, height=844).open()
    page = window.page
    pages = [f"/{mode.title.replace(' ', '_')}" for mode in manifest.modes()]
    for path in ("/", *pages, "/Library"):
        window.open(path)
        assert window.width() == 390, path
        assert page.evaluate(TOO_SMALL, ", ".join(TARGETS)) == [], path
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Text to Video").click()
    expect(page.get_by_role("button", name="Generate")).to_be_visible()
    expect(page.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", "true")
    window.describe("A paper boat on a stream.")
    window.choose("Fast")
    window.press("Generate")
    expect(page.locator("video, .s-now").first).to_be_in_viewport(timeout=JOB_MILLISECONDS)
    expect(page.locator("video")).to_be_visible(timeout=JOB_MILLISECONDS)
    assert window.width() == 390
    window.last("10")
    window.press("Generate")
    window.open()
    expect(page.locator(".st-key-section-running")).to_be_visible()
    expect(page.locator('[class*="st-key-tile-"]')).to_have_count(2, timeout=JOB_MILLISECONDS)
    expect(page.locator(".st-key-section-running")).to_have_count(0)
    assert window.width() == 390
    page.screenshot(path=artifacts / "phone.png", full_page=True)
    assert (window.errors, window.strangers) == ([], [])


def test_a_number_out_of_range_gets_a_sentence_and_nothing_is_sent(browse: Callable[..., Window]) -> None:
    window = browse("careless").open("/Text_to_Video")
    window.describe(PROMPT)
    window.text("Advanced").click()
    for label, typed, right, sentence in (
        ("Duration", "0", "5", "Duration must be between 0.3 and 20 s; 0 was given."),
        ("Frame rate", "0", "24", "Frame rate must be between 8 and 50 fps; 0 was given."),
        ("Width", "100", "1280", "Width must be between 128 and 2560 px; 100 was given."),
    ):
        number = window.page.get_by_role("spinbutton", name=label)
        number.fill(typed)
        window.page.keyboard.press("Tab")
        expect(window.text(sentence)).to_be_visible()
        window.press("Generate")
        expect(window.text(sentence)).to_be_visible()
        expect(window.text("Your video appears here")).to_be_visible()
        number.fill(right)
        window.page.keyboard.press("Tab")
        expect(window.text(sentence)).to_have_count(0)
    assert (window.errors, window.strangers) == ([], [])
