"""Parts of pages that are drawn when something has changed: who is told, when, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from streamlit.proto.ClientState_pb2 import ClientState

from pages.parts import live
from pages.parts.live import Hub

NEVER = 1e9


class Session:
    """What is used of Streamlit's session: it remembers which fragments it was asked to run, and on which page."""

    def __init__(self, name: str, fragments: tuple[str, ...] = ("card",)) -> None:
        self.id = name
        self.fragments = fragments
        self.asked: list[tuple[str, str]] = []
        self._event_loop = asyncio.get_running_loop()
        self._scriptrunner: object | None = None
        self._client_state = ClientState(page_script_hash=f"page of {name}")

    def has_fragment(self, fragment: str) -> bool:
        return fragment in self.fragments

    def request_rerun(self, state: live._State) -> None:
        assert state.widget_states is None
        self.asked.append((state.fragment_id, state.page_script_hash))


@pytest.fixture(autouse=True)
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The sessions whose browser is gone."""
    gone: set[str] = set()
    instance = SimpleNamespace(is_active_session=lambda name: name not in gone)
    monkeypatch.setattr(live.runtime, "get_instance", lambda: instance)
    return gone


async def settle() -> None:
    """Let the loop do what is due."""
    for _ in range(8):
        await asyncio.sleep(0)


def test_a_new_state_is_drawn_on_the_owners_pages_and_on_no_others() -> None:
    async def story() -> None:
        hub, mine, other = Hub(), Session("mine"), Session("other")
        hub.add(mine, "card", "me", NEVER, None)
        hub.add(other, "card", "you", NEVER, None)
        hub.told("me", "state")
        await settle()
        assert (mine.asked, other.asked) == ([("card", "page of mine")], [])

    asyncio.run(story())


def test_progress_waits_for_its_gap_and_a_new_state_does_not() -> None:
    async def story() -> None:
        hub, session = Hub(), Session("mine")
        hub.add(session, "card", "me", NEVER, None)
        for _ in range(5):
            hub.told("me", "progress")
        await settle()
        assert session.asked == []
        hub.told("me", "state")
        hub.told("me", "progress")
        await settle()
        assert len(session.asked) == 1

    asyncio.run(story())


def test_what_others_do_is_drawn_only_where_it_is_shown_and_never_for_their_progress() -> None:
    async def story() -> None:
        hub, line, card = Hub(), Session("line"), Session("card")
        hub.add(line, "card", "me", NEVER, 0.0)
        hub.add(card, "card", "me", NEVER, None)
        hub.told("you", "progress")
        await settle()
        assert line.asked == []
        hub.told("you", "state")
        await settle()
        assert (len(line.asked), card.asked) == (1, [])

    asyncio.run(story())


def test_a_page_that_runs_something_is_left_alone_until_it_has_ended() -> None:
    async def story() -> None:
        hub, session = Hub(), Session("mine")
        session._scriptrunner = object()
        hub.add(session, "card", "me", NEVER, None)
        hub.told("me", "state")
        await settle()
        assert session.asked == []
        session._scriptrunner = None
        while not session.asked:
            await asyncio.sleep(live.BUSY_SECONDS)
        assert len(session.asked) == 1

    asyncio.run(story())


@pytest.mark.parametrize("leaves", ["another page", "closed"])
def test_a_page_that_is_left_is_told_no_more(leaves: str, away: set[str]) -> None:
    async def story() -> None:
        hub, session = Hub(), Session("mine")
        hub.add(session, "card", "me", NEVER, None)
        if leaves == "closed":
            away.add("mine")
        else:
            session.fragments = ()
        hub.told("me", "state")
        await settle()
        assert (hub.count(), session.asked) == (0, [])

    asyncio.run(story())


def test_a_session_that_has_ended_leaves_nothing_behind_although_nobody_was_told() -> None:
    async def story() -> None:
        hub, session = Hub(), Session("mine")
        hub.add(session, "card", "me", NEVER, None)
        hub.add(session, "card", "me", NEVER, None)
        assert hub.count() == 1
        del session
        gc.collect()
        assert hub.count() == 0

    asyncio.run(story())
