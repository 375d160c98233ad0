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

pytestmark = pytest.mark.browser

STEPS = [("pages.parts.upload", "admit"), ("pages.parts.files", "let_go")]


@pytest.fixture(params=STEPS, ids=[name for _, name in STEPS])
def studio(request: pytest.FixtureRequest, draft_url: str, tmp_path: Path) -> Iterator[str]:
    program = ("-m", "tests.support.held", *request.param, str(tmp_path / "reached"))
    with served(tmp_path / "held", draft_url, program) as running:
        yield running.url


def test_a_click_while_a_file_is_taken_in_spoils_neither(browse: Callable[..., Window], tmp_path: Path) -> None:
    (tmp_path / "dawn.png").write_bytes(png(960, 640))
    window = browse().open("/Keyframes")
    window.upload(tmp_path / "dawn.png", "first_frame")
    assert eventually((tmp_path / "reached").exists)
    window.choose("Fast")
    expect(window.field("first_frame").locator(".s-line")).to_contain_text("dawn.png")
    expect(window.page.get_by_role("radio", name="3:2")).to_be_checked()
    expect(window.page.get_by_role("radio", name="Fast")).to_be_checked()
    expect(window.page.get_by_role("alert")).to_have_count(0)
    assert window.errors == []
