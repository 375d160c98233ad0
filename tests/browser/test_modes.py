"""All six modes in a real browser: real media go in, the result plays, and each page fits a desk and a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from pages.parts import sizes
from tests.browser.window import JOB_MILLISECONDS, Window
from tests.support.uploads import clip, wav
from workflows import manifest
from workflows.manifest import MEDIA_TYPES, Mode
from workflows.request import parse
from workflows.values import Media

pytestmark = pytest.mark.browser

PROMPT = "A woman in a red coat on a harbour wall at dusk says: good evening; the camera stands still; waves."
SECONDS = 2.0
LOADED = """async element => {
    if (element.readyState < 1) await new Promise(resolve => element.addEventListener("loadedmetadata", resolve));
    return { error: element.error, width: element.videoWidth, height: element.videoHeight, seconds: element.duration };
}"""
PLAYED = """async video => {
    video.muted = true;
    await video.play();
    while (video.currentTime < 0.2) await new Promise(resolve => requestAnimationFrame(resolve));
    video.pause();
}"""


def photograph(path: Path, width: int, height: int, turn: int) -> None:
    """A sky over a sea with a sun, in colors of its own for every turn."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    light = np.exp(-40 * ((across - 0.3 - 0.3 * turn) ** 2 + (down - 0.4) ** 2)) + (down < 0.6) * (1 - down)
    pixels = np.stack([light * shade for shade in np.roll([235, 160, 110], turn)], axis=2)
    Image.fromarray(np.clip(pixels + 20, 0, 255).astype(np.uint8)).save(path)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A file for each media field of the six modes."""
    paths = {
        "image": "portrait.png",
        "first_frame": "dawn.png",
        "last_frame": "dusk.png",
        "style_image": "ink.png",
        "audio": "good evening.wav",
        "video": "sliding box.mp4",
    }
    made = {field: tmp_path / name for field, name in paths.items()}
    for turn, field in enumerate(("image", "first_frame", "last_frame", "style_image")):
        photograph(made[field], *((600, 800) if field == "image" else (960, 640)), turn)
    made["audio"].write_bytes(wav(SECONDS))
    made["video"].write_bytes(clip(SECONDS))
    return made


def give(window: Window, mode: Mode, files: dict[str, Path]) -> None:
    """Upload a file into every media field and see it taken in."""
    for field in mode.fields:
        if field.type in MEDIA_TYPES:
            window.upload(files[field.name], field.name)
            expect(window.field(field.name).locator(".s-line")).to_contain_text(files[field.name].name)


def loaded(player: Locator) -> dict[str, Any]:
    found: dict[str, Any] = player.evaluate(LOADED)
    assert found["error"] is None
    return found


ASPECTS = {"image": "9:16", "first_frame": "3:2", "video": "3:2"}
"""The aspect nearest to each of the files that a mode takes its form from."""


def expected(mode: Mode) -> Any:
    """The shape of what the form asks for, in the form of its picture or video where it has one."""
    media = {f.name: Media(f.name, seconds=SECONDS, fps=25.0) for f in mode.fields if f.type in MEDIA_TYPES}
    values = media | ({} if mode.field("seconds").follows else {"seconds": SECONDS})
    if mode.aspect_of:
        place = sizes.Place(ASPECTS[mode.aspect_of], sizes.STANDARD)
        values |= dict(zip(("width", "height"), sizes.size_of(place, mode, mode.preset("fast")), strict=True))
    return parse(mode.name, {"prompt": PROMPT, "preset": "fast", **values}).shape


@pytest.mark.parametrize("mode_name", manifest.MODES)
def test_a_mode_takes_its_media_and_its_video_plays(
    browse: Callable[..., Window], files: dict[str, Path], artifacts: Path, mode_name: str
) -> None:
    mode = manifest.mode(mode_name)
    window = browse().open().go(mode.title)
    page = window.page
    give(window, mode, files)
    for kind in ("audio", "video"):
        for player in page.locator(f".st-key-form {kind}").all():
            assert loaded(player)["seconds"] == pytest.approx(SECONDS, abs=0.1)
    window.describe(PROMPT)
    window.choose("Fast")
    if not mode.field("seconds").follows:
        window.last(f"{SECONDS:g}")
    shape = expected(mode)
    expect(window.text(f"{shape.frames} frames").first).to_be_visible()
    window.press("Generate")
    result = page.locator(".st-key-result video")
    expect(result).to_be_visible(timeout=JOB_MILLISECONDS)
    made = loaded(result)
    assert (made["width"], made["height"]) == (shape.width, shape.height)
    assert made["seconds"] == pytest.approx(shape.seconds, abs=0.1)
    result.evaluate(PLAYED)
    window.picture(artifacts / f"{mode_name}_1280.png")
    window.shrink()
    assert window.width() == 390
    window.picture(artifacts / f"{mode_name}_390.png")
    assert (window.errors, window.strangers) == ([], [])


def test_two_pictures_stand_side_by_side_where_there_is_room(
    browse: Callable[..., Window], files: dict[str, Path]
) -> None:
    window = browse().open("/Keyframes")

    def places() -> tuple[Any, Any]:
        boxes = [window.field(name).bounding_box() for name in ("first_frame", "last_frame")]
        return boxes[0], boxes[1]

    first, last = places()
    assert first["y"] == last["y"]
    assert last["x"] >= first["x"] + first["width"]
    window.shrink()
    first, last = places()
    assert first["x"] == last["x"]
    assert last["y"] >= first["y"] + first["height"]


def test_variations_run_side_by_side_and_each_plays(browse: Callable[..., Window], artifacts: Path) -> None:
    window = browse("varied").open("/Text_to_Video")
    page = window.page
    window.describe("A paper boat on a stream in a forest; water.")
    window.choose("Fast")
    window.last("1")
    window.select("Variations", "3 variations")
    window.press("Generate")
    expect(page.locator('[class*="st-key-variation-"]')).to_have_count(3)
    videos = page.locator(".st-key-result video")
    expect(videos).to_have_count(3, timeout=JOB_MILLISECONDS)
    for video in videos.all():
        loaded(video)
        video.evaluate(PLAYED)
    lines = page.locator(".st-key-result .s-line span", has_text="seed").all_inner_texts()
    seeds = [int(line.removeprefix("seed ")) for line in lines]
    assert seeds == [seeds[0], seeds[0] + 1, seeds[0] + 2]
    tops = {video.bounding_box()["y"] for video in videos.all()[:2]}
    assert len(tops) == 1
    window.picture(artifacts / "variations_1280.png")
    window.shrink()
    lefts = {video.bounding_box()["x"] for video in videos.all()}
    assert len(lefts) == 1
    assert window.width() == 390
    window.picture(artifacts / "variations_390.png")
    assert (window.errors, window.strangers) == ([], [])


def test_what_the_look_holds_is_kept_and_shown_with_the_video(browse: Callable[..., Window], artifacts: Path) -> None:
    window = browse("looker").open("/Text_to_Video")
    page = window.page
    window.describe("A valley at dawn; a slow move.")
    window.choose("Fast")
    window.last("1")
    window.text("Enhance the prompt").click()
    window.text("Camera move and LoRAs").click()
    expect(window.text("Experimental:")).to_be_visible()
    window.select("Camera move", "Dolly in")
    expect(page.get_by_role("slider", name="Camera strength")).to_be_visible()
    window.picture(artifacts / "look_1280.png")
    window.press("Generate")
    expect(page.locator(".st-key-result video")).to_be_visible(timeout=JOB_MILLISECONDS)
    window.text("Open in Library").click()
    about = page.locator(".st-key-about")
    expect(about).to_contain_text("Dolly in")
    expect(about).to_contain_text("Enhanced prompt")
    window.picture(artifacts / "detail_1280.png")
    window.press("Reuse settings")
    expect(page.get_by_role("heading", level=1, name="Text to Video")).to_be_visible()
    expect(page.get_by_role("switch", name="Enhance the prompt").or_(page.get_by_role("checkbox"))).to_be_checked()
    window.text("Camera move and LoRAs").click()
    expect(page.get_by_role("slider", name="Camera strength")).to_be_visible()
    assert (window.errors, window.strangers) == ([], [])
