"""What a click or an upload has begun is done to its end, whatever else is clicked meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.window import Window
from tests.support.commands import eventually
from tests.support.served import served
from tests.support.uploads import png
from workflows import manifest

pytestmark = pytest.mark.browser

SHAPES = {"3:2": (960, 640), "1:1": (512, 512)}
MEANS = {preset.title: preset.summary for preset in manifest.mode("keyframe").presets}
STEPS = [("pages.parts.upload", "admit"), ("pages.parts.files", "let_go")]


@pytest.fixture(params=STEPS, ids=[name for _, name in STEPS])
def studio(request: pytest.FixtureRequest, draft_url: str, tmp_path: Path) -> Iterator[str]:
    program = ("-m", "tests.support.held", *request.param, str(tmp_path / "reached"))
    with served(tmp_path / "held", draft_url, program) as running:
        yield running.url


def test_a_click_while_a_file_is_taken_in_spoils_neither(browse: Callable[..., Window], tmp_path: Path) -> None:
    window, reached = browse().open("/Keyframes"), tmp_path / "reached"
    for name, shape, preset in (("dawn.png", "3:2", "Fast"), ("dusk.png", "1:1", "Quality")):
        (tmp_path / name).write_bytes(png(*SHAPES[shape]))
        window.upload(tmp_path / name, "first_frame")
        assert eventually(reached.exists, 60)
        window.choose(preset)
        expect(window.field("first_frame").locator(".s-line")).to_contain_text(name)
        expect(window.page.get_by_role("radio", name=shape)).to_be_checked()
        expect(window.text(MEANS[preset])).to_be_visible()
        expect(window.page.get_by_role("alert")).to_have_count(0)
        reached.unlink()
        window.press("Replace")
    assert window.errors == []
