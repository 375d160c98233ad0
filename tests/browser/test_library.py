"""What of the Library only a browser shows: videos in step, the way back after deleting, a dropped file."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.window import JOB_MILLISECONDS, Window

pytestmark = pytest.mark.browser

PROMPT = "A paper boat on a stream in a forest; water."
ALL_LOADED = """() => [...document.querySelectorAll(".st-key-compare video")].every(video => video.readyState >= 2)"""
STATES = """() => [...document.querySelectorAll(".st-key-compare video")].map(video => ({
    at: video.currentTime, still: video.paused, ended: video.ended, muted: video.muted }))"""
IN_STEP = """([still, from, to]) => {
    const videos = [...document.querySelectorAll(".st-key-compare video")];
    const apart = Math.abs(videos[0].currentTime - videos[1].currentTime);
    return videos.every(video => video.paused === still && !video.seeking) && apart < (still ? 0.001 : 0.15)
        && videos[0].currentTime >= from && videos[0].currentTime <= to;
}"""
DROP = """([name, data]) => {
    const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, { type: "video/mp4" }));
    const target = document.querySelector(".st-key-header h1");
    for (const type of ["dragover", "drop"])
        target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
}"""


def in_step(page: Page, still: bool, first: float, last: float) -> None:
    """Wait until both videos stand still or play at the same time between these seconds."""
    page.wait_for_function(IN_STEP, arg=[still, first, last])


def check_sync(page: Page) -> None:
    """Both controls of the page and those of either video move both."""
    page.wait_for_function(ALL_LOADED)
    # Slowly, so that a clip of one second has not ended before a busy machine pauses it; the other one follows.
    page.locator(".st-key-compare video").first.evaluate("video => { video.playbackRate = 0.2; }")
    page.get_by_role("button", name="Play both").click()
    in_step(page, False, 0.1, 1.0)
    page.get_by_role("button", name="Pause both").click()
    in_step(page, True, 0.1, 1.04)
    page.get_by_role("slider", name="Position in both").fill("500")
    in_step(page, True, 0.5, 0.54)
    page.get_by_role("button", name="One frame back").click()
    in_step(page, True, 0.46, 0.5)
    second = page.locator(".st-key-compare video").nth(1)
    second.evaluate("video => { video.currentTime = 0.25; }")
    in_step(page, True, 0.25, 0.25)
    second.evaluate("video => video.play()")
    in_step(page, False, 0.3, 1.0)
    second.evaluate("video => video.pause()")
    in_step(page, True, 0.3, 1.04)
    assert [state["muted"] for state in page.evaluate(STATES)] == [False, True]


def test_compared_deleted_and_had_back_exported_and_dropped(
    browse: Callable[..., Window], tmp_path: Path, artifacts: Path
) -> None:
    window = browse("librarian").open("/Text_to_Video")
    page = window.page
    window.describe(PROMPT)
    window.choose("Fast")
    window.last("1")
    window.select("Variations", "2 variations")
    window.press("Generate")
    expect(page.locator(".st-key-result video")).to_have_count(2, timeout=JOB_MILLISECONDS)

    window.go("Library")
    tiles = page.locator('[class*="st-key-tile-"]')
    expect(tiles).to_have_count(2)
    page.get_by_role("button", name="Select", exact=True).click()
    # Until then a poster is a link.
    expect(window.text("0 selected")).to_be_visible()
    for number in (0, 1):
        # Anywhere on the poster.
        tiles.nth(number).click(position={"x": 60, "y": 40})
        expect(window.text(f"{number + 1} selected")).to_be_visible()
    window.press("Compare")
    videos = page.locator(".st-key-compare video")
    expect(videos).to_have_count(2)
    check_sync(page)
    assert len({video.bounding_box()["y"] for video in videos.all()}) == 1
    window.picture(artifacts / "compare_1280.png")
    window.shrink()
    assert len({video.bounding_box()["x"] for video in videos.all()}) == 1
    assert window.width() == 390
    page.get_by_role("slider", name="Position in both").fill("0")
    in_step(page, True, 0.0, 0.0)
    check_sync(page)
    window.picture(artifacts / "compare_390.png")

    window.text("All videos").click()
    expect(window.text("2 selected")).to_be_visible()
    window.picture(artifacts / "library_selecting_390.png")
    window.press("Delete")
    expect(window.text("Nothing made yet")).to_be_visible()
    undo = page.locator(".st-key-undo")
    expect(undo).to_contain_text("2 videos deleted")
    expect(undo).to_be_in_viewport()
    window.press("Undo")
    expect(tiles).to_have_count(2)
    expect(undo).to_have_count(0)
    assert window.width() == 390

    window.press("Export all")
    with page.expect_download() as started:
        window.text("Download ZIP").click()
    packed = tmp_path / "videos.zip"
    started.value.save_as(packed)
    assert started.value.suggested_filename.startswith("ltx-studio-2-videos-")
    with zipfile.ZipFile(packed) as archive:
        (first, _) = sorted(name for name in archive.namelist() if name.endswith(".mp4"))
        clip = archive.read(first)

    page.evaluate(DROP, ["holiday.mp4", base64.b64encode(b"no video at all").decode()])
    expect(window.text("holiday.mp4 carries no settings of this studio.")).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate(DROP, ["mine.mp4", base64.b64encode(clip).decode()])
    expect(page.get_by_role("heading", level=1, name="Text to Video")).to_be_visible()
    expect(page.get_by_role("textbox", name="Prompt", exact=True)).to_have_value(PROMPT)
    expect(page.locator('[role="radio"][aria-checked="true"]:has-text("Fast")')).to_be_visible()
    assert (window.errors, window.strangers) == ([], [])
