"""Jobs seen from a page while the studio, the engine or the websocket is cut from under it."""

import re
import sqlite3
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.window import JOB_MILLISECONDS, Window
from tests.support.proxy import Proxy
from tests.support.supervised import Supervised, supervised

pytestmark = pytest.mark.browser

RUNNING = re.compile(r"^\d+ %$")


@pytest.fixture(scope="module")
def proxy(draft_url: str) -> Iterator[Proxy]:
    with Proxy(draft_url) as made:
        yield made


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    """Engine and studio, both supervised."""
    with supervised(tmp_path_factory.mktemp("whole") / "data", STUDIO_ENGINE="draft") as running:
        yield running


@pytest.fixture(scope="module")
def behind_proxy(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    """A supervised studio whose engine is reached through the proxy."""
    with supervised(tmp_path_factory.mktemp("proxied") / "data", STUDIO_COMFYUI_URL=proxy.url) as running:
        yield running


@pytest.fixture
def studio(request: pytest.FixtureRequest) -> str:
    """Which of the two studios `browse` opens: the one that the test asks for."""
    name = "behind_proxy" if "behind_proxy" in request.fixturenames else "whole"
    running: Supervised = request.getfixturevalue(name)
    return running.url


def generate(window: Window, prompt: str, seconds: str) -> None:
    window.open("/Text_to_Video")
    window.describe(prompt)
    window.choose("Fast")
    window.last(seconds)
    expect(window.text(re.compile(r"^\d+ frames$")).first).to_be_visible()
    window.press("Generate")
    expect(window.text(RUNNING)).to_be_visible(timeout=JOB_MILLISECONDS)


def ended(studio: Supervised) -> list[tuple[str, str]]:
    with sqlite3.connect(studio.data / "studio.db") as connection:
        return connection.execute("SELECT state, result FROM jobs ORDER BY created_at").fetchall()


def test_a_studio_that_is_killed_finds_the_job_again(browse: Callable[..., Window], whole: Supervised) -> None:
    window = browse()
    generate(window, "A train crosses a bridge at dawn, wide shot.", "8")
    whole.kill("studio")
    window.open("/Text_to_Video")
    expect(window.page.locator("video")).to_be_visible(timeout=JOB_MILLISECONDS)
    window.go("Library")
    expect(window.page.locator('[class*="st-key-tile-"]')).to_have_count(1)
    assert [state for state, _ in ended(whole)] == ["succeeded"]


def test_an_engine_that_is_killed_is_said_to_be_and_retry_works(
    browse: Callable[..., Window], whole: Supervised
) -> None:
    window = browse("another")
    generate(window, "Waves break on black sand, slow motion.", "8")
    whole.kill("engine")
    expect(window.text("The engine no longer knows this job")).to_have_count(1, timeout=JOB_MILLISECONDS)
    assert '"engine_lost"' in ended(whole)[-1][1]
    window.press("Retry")
    expect(window.page.locator("video")).to_be_visible(timeout=JOB_MILLISECONDS)
    assert (window.errors, window.strangers) == ([], [])


def test_ten_cuts_of_the_websocket_show_no_error(
    browse: Callable[..., Window], behind_proxy: Supervised, proxy: Proxy
) -> None:
    window = browse()
    generate(window, "A kite over a meadow, the camera tilts up.", "14")
    for _ in range(10):
        proxy.cut_websocket()
    expect(window.page.locator("video")).to_be_visible(timeout=JOB_MILLISECONDS)
    assert [state for state, _ in ended(behind_proxy)] == ["succeeded"]
    assert (window.errors, window.strangers) == ([], [])
