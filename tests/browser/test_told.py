"""Pages that no clock draws again: what changes on them was told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.window import JOB_MILLISECONDS, Window
from tests.support.served import served

pytestmark = pytest.mark.browser

NOBODY = "Nobody else has anything in the queue."
PERCENT = re.compile(r"^\d+ %$")


@pytest.fixture(scope="module")
def studio(draft_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("untimed"), draft_url, ("-m", "tests.support.untimed")) as running:
        yield running.url


def test_a_job_is_seen_to_run_and_end_on_every_page_of_its_owner(browse: Callable[..., Window]) -> None:
    window, stranger = browse("somebody"), browse("somebody else")
    stranger.open("/Queue")
    expect(stranger.text(NOBODY)).to_be_visible()
    window.open("/Text_to_Video")
    queue = window.page.context.new_page()
    queue.goto(f"{window.url}/Queue")
    expect(queue.get_by_text("Nothing of yours waits")).to_be_visible()
    window.describe("A lighthouse in a storm.")
    window.choose("Fast")
    window.last("6")
    window.press("Generate")
    expect(queue.get_by_text(PERCENT)).to_be_visible(timeout=JOB_MILLISECONDS)
    expect(stranger.text("Of other people")).to_be_visible(timeout=JOB_MILLISECONDS)
    expect(stranger.text("lighthouse")).to_have_count(0)
    expect(window.page.locator("video")).to_be_visible(timeout=JOB_MILLISECONDS)
    expect(queue.get_by_text("Nothing of yours waits")).to_be_visible(timeout=JOB_MILLISECONDS)
    expect(stranger.text(NOBODY)).to_be_visible(timeout=JOB_MILLISECONDS)
    assert (window.errors, window.strangers) == ([], [])
