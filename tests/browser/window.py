"""A browser window on the studio, which notes whatever goes wrong in it."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

JOB_MILLISECONDS = 180_000
"""How long a video may take on a machine that does other things, too."""
OWN_SCHEMES = ("data", "blob")
BASE_PATH_PROBE = re.compile(r"/[A-Za-z_]+/_stcore/(health|host-config)")
"""Streamlit asks for these below a page's address, to find out under which path it is served; 404 is the answer."""


class Window:
    """One browser with one page. `errors` are the console's errors, `strangers` requests to anywhere else."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.errors: list[str] = []
        self.strangers: list[str] = []
        self._context = context
        self.page: Page = context.pages[0]
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        context.on("request", self._see)

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the browser."""
        self._context.close()

    def open(self, path: str = "/") -> Window:
        """Load an address of the studio and wait until its page is drawn."""
        self.page.goto(f"{self.url}{path}")
        self.page.locator(".st-key-header h1").wait_for()
        return self

    def go(self, name: str) -> Window:
        """Follow a link of the sidebar."""
        self.page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).click()
        self.page.get_by_role("heading", level=1, name=name).wait_for()
        return self

    def press(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name).click()

    def choose(self, label: str) -> None:
        """Choose an option of a segmented control, and wait until the studio has taken it in."""
        option = self.page.get_by_role("radio", name=label, exact=True)
        option.click()
        self.page.locator(f'[role="radio"][aria-checked="true"]:has-text("{label}")').wait_for()

    def select(self, label: str, option: str) -> None:
        """Choose an option of a list."""
        self.page.get_by_role("combobox", name=label).click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def describe(self, prompt: str) -> None:
        """Write the prompt."""
        self.page.get_by_role("textbox", name="Prompt", exact=True).fill(prompt)

    def last(self, seconds: str) -> None:
        """Set how long the video is to be."""
        self.page.get_by_role("spinbutton", name="Duration").fill(seconds)
        self.page.keyboard.press("Tab")

    def field(self, name: str) -> Locator:
        """The place of a field for a file, by its name in the manifest."""
        return self.page.locator(f".st-key-upload-{name}")

    def upload(self, path: Path, field: str = "image") -> None:
        """Choose a file. After each one the page has a new place for the next: wait until the old one is gone."""
        place = self.field(field).locator("input[type=file]")
        expect(place).to_have_count(1)
        place.set_input_files(path)

    def shrink(self) -> None:
        """Make the window as small as a phone, and wait until the sidebar is out of the way."""
        self.page.set_viewport_size({"width": 390, "height": 844})
        expect(self.page.get_by_test_id("stSidebar")).not_to_be_in_viewport()

    def picture(self, path: Path) -> None:
        """A screenshot of the whole page, however long."""
        size = self.page.viewport_size
        assert size is not None
        height = int(self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))
        self.page.mouse.move(0, 0)
        self.page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
        self.page.screenshot(path=path)
        self.page.set_viewport_size(size)

    def text(self, text: str | re.Pattern[str]) -> Locator:
        """Where a text stands."""
        return self.page.get_by_text(text)

    def width(self) -> int:
        """How wide the page's content is, in pixels; more than the window means that it scrolls sideways."""
        return int(self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth"))

    def _hear(self, message: ConsoleMessage) -> None:
        address = urlsplit(message.location.get("url", "")).path
        if message.type == "error" and not BASE_PATH_PROBE.fullmatch(address):
            self.errors.append(f"{message.text} ({address})")

    def _see(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in OWN_SCHEMES and address.netloc != urlsplit(self.url).netloc:
            self.strangers.append(request.url)
