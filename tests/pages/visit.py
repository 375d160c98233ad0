"""One visitor of the studio, as a test sees it."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from streamlit.testing.v1 import AppTest

from workflows import manifest

HOME = Path(__file__).parents[2] / "Home.py"
SECONDS = 120


class Visit:
    """A browser tab: pages are opened, widgets used, and what is shown is read."""

    def __init__(self, owner: str = "") -> None:
        self.app = AppTest.from_file(HOME, default_timeout=SECONDS)
        if owner:
            self.app.query_params["u"] = owner
        self.run()

    @property
    def owner(self) -> str:
        """The visitor's id, which stands in the address."""
        return self.app.query_params["u"]

    @property
    def shown(self) -> list[str]:
        """The text of everything that is HTML of our own, one entry an element."""
        return [unescape(re.sub(r"<[^>]+>", " ", body)) for body in self._markup]

    @property
    def captions(self) -> list[str]:
        """The text of all captions."""
        return [caption.value for caption in self.app.caption]

    @property
    def pictures(self) -> list[str]:
        """What is inside the frames that show what will be cropped, as base64."""
        return [body.partition("base64,")[2].partition('"')[0] for body in self._markup if "s-crop" in body]

    @property
    def refusals(self) -> list[str]:
        """The errors shown on the page, as HTML."""
        return [body for body in self._markup if "s-error" in body]

    @property
    def _markup(self) -> list[str]:
        bodies = (element.proto.body for element in self.app.get("html"))
        return [body for body in bodies if not body.startswith("<style")]

    def run(self) -> Visit:
        """Run the page once more."""
        self.app.run()
        assert not self.app.exception, [error.stack_trace for error in self.app.exception]
        return self

    def open(self, page: str, **query: str) -> Visit:
        """Go to a page by its file's name."""
        owner = self.owner
        self.app.switch_page(f"pages/{page}.py")
        self.app.query_params.clear()
        self.app.query_params.update({"u": owner, **query})
        return self.run()

    def open_mode(self, name: str) -> Visit:
        """Go to the page of a mode."""
        return self.open(manifest.mode(name).title.replace(" ", "_"))

    def set(self, key: str, value: object) -> Visit:
        """Give a widget a value."""
        return self.turn(key, value).run()

    def turn(self, key: str, value: object) -> Visit:
        """Give a widget a value, without the page hearing of it yet."""
        self.app.get_by_key(self._newest(key)).set_value(value)
        return self

    def value(self, key: str) -> object:
        """What a form's value is."""
        return self.app.session_state[self._newest(key)]

    def values(self, mode: str, *names: str) -> list[object]:
        """What several values of a mode's form are."""
        return [self.value(f"{mode}.{name}") for name in names]

    def click(self, key: str) -> Visit:
        """Press a button."""
        self.app.button(key=key).click()
        return self.run()

    def has(self, key: str) -> bool:
        """Whether there is a widget of that key."""
        try:
            self.app.get_by_key(self._newest(key))
        except KeyError:
            return False
        return True

    def _newest(self, key: str) -> str:
        """The key of the widget that holds a value now: code that changes a value gives it a new widget."""
        version = f"version.{key}"
        return f"{key}.{self.app.session_state[version]}" if version in self.app.session_state else key
