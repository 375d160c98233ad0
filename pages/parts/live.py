"""Parts of a page that are drawn again when something about jobs has changed, and not by the clock.

The manager tells of each change. Then the studio asks the session of every page that shows it for one run of the one
fragment, as a button in it would, and only what differs goes to the browser. Streamlit has no public call for that:
what is used of its session stands in `_loop`, `_is_busy` and `_rerun`. Where it can't be had a clock does it, and a
slow one as a net below.
"""

from __future__ import annotations

import threading
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary, ref

import streamlit as st
from streamlit import runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from client.changes import Change
from client.jobs import manager

CLOCK_SECONDS = 1.0
"""Between two runs where nobody tells of changes."""
NET_SECONDS = 10.0
"""Between two runs where somebody does."""
PROGRESS_SECONDS = 0.5
"""The least between two runs because a job has come further."""
PLACE_SECONDS = 2.0
"""The same because the queue has moved on: every job that ends moves all that wait."""
BUSY_SECONDS = 0.01
"""Until it is looked at again whether sessions still run something."""
MOST_AT_ONCE = 1
OTHERS_SECONDS = 10.0
"""The least between two runs because of somebody else's jobs, where little depends on them."""


@dataclass(eq=False)
class Watch:
    """A fragment of a session that shows jobs of `owner`.

    `gap` is the least number of seconds between two runs for less than a new state of the owner's, `others` the same
    for what other people's jobs do; None where that is not shown. `ran`, `rank` and `timer` belong to the event loop:
    of what is due the lowest rank comes first.
    """

    session: ref[AppSession]
    fragment: str
    owner: str
    gap: float
    others: float | None
    ran: float = 0.0
    rank: float = 0.0
    timer: TimerHandle | None = None


class Hub:
    """All fragments that wait to be told. A session that ends takes its own with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: WeakKeyDictionary[AppSession, dict[str, Watch]] = WeakKeyDictionary()
        # What follows belongs to the event loop.
        self._due: list[Watch] = []
        self._running: list[AppSession] = []
        self._pumping: TimerHandle | None = None

    def add(self, session: AppSession, fragment: str, owner: str, gap: float, others: float | None) -> None:
        """Tell this fragment from now on."""
        with self._lock:
            known = self._sessions.setdefault(session, {})
            known.setdefault(fragment, Watch(ref(session), fragment, owner, gap, others))

    def _drop(self, session: AppSession, watch: Watch) -> None:
        with self._lock:
            self._sessions.get(session, {}).pop(watch.fragment, None)

    def count(self) -> int:
        """How many fragments are told."""
        with self._lock:
            return sum(map(len, self._sessions.values()))

    def told(self, owner: str, change: Change) -> None:
        """Jobs of this owner have changed; called from any thread."""
        with self._lock:
            found = [(_loop(session), watch) for session, known in self._sessions.items() for watch in known.values()]
        for loop, watch in found:
            if watch.owner == owner:
                gap = {"state": 0.0, "progress": watch.gap, "place": max(watch.gap, PLACE_SECONDS)}[change]
                loop.call_soon_threadsafe(self._soon, loop, watch, gap)
            elif watch.others is not None and change != "progress":
                loop.call_soon_threadsafe(self._soon, loop, watch, 0.0 if change == "engine" else watch.others)

    def _soon(self, loop: AbstractEventLoop, watch: Watch, gap: float) -> None:
        """Run it when so much time has passed since the last run, or earlier where it is already to run earlier."""
        then = max(loop.time(), watch.ran + gap)
        if watch in self._due or (watch.timer is not None and watch.timer.when() <= then):
            return
        if watch.timer is not None:
            watch.timer.cancel()
        watch.timer = loop.call_at(then, self._fall_due, loop, watch, gap)

    def _fall_due(self, loop: AbstractEventLoop, watch: Watch, gap: float) -> None:
        watch.timer, watch.rank = None, gap
        self._due.append(watch)
        self._pump(loop)

    def _pump(self, loop: AbstractEventLoop) -> None:
        """Start what is due. Few at a time: threads that compete for Python's lock would hold up the answers of all."""
        self._running = [session for session in self._running if _is_busy(session)]
        rest: list[Watch] = []
        for watch in sorted(self._due, key=lambda due: due.rank):
            session = watch.session()
            if session is None:
                continue
            if not (runtime.get_instance().is_active_session(session.id) and session.has_fragment(watch.fragment)):
                # A page that comes back is told again as soon as it is drawn.
                self._drop(session, watch)
            elif len(self._running) >= MOST_AT_ONCE or _is_busy(session):
                rest.append(watch)
            else:
                _rerun(session, watch.fragment)
                self._running.append(session)
                watch.ran = loop.time()
        self._due = rest
        if self._pumping is not None:
            self._pumping.cancel()
        self._pumping = loop.call_later(BUSY_SECONDS, self._pump, loop) if rest else None


HUB = Hub()


@dataclass(frozen=True)
class _State:
    """What a browser would send to have one fragment run, but for the widgets: those stay as they are."""

    query_string: str
    page_script_hash: str
    context_info: Any
    fragment_id: str
    page_name: str = ""
    widget_states: None = None
    is_auto_rerun: bool = True
    is_history_navigation: bool = False
    cached_message_hashes: tuple[str, ...] = ()

    def HasField(self, _: str) -> bool:
        """Whether there is a `context_info`."""
        return self.context_info is not None


def _loop(session: AppSession) -> AbstractEventLoop:
    return session._event_loop


def _is_busy(session: AppSession) -> bool:
    """Whether the session runs something, or is about to.

    Only where it does not is it sure on which page it is, and that nobody's click is thrown together with what is asked
    for here.
    """
    return session._scriptrunner is not None


def _rerun(session: AppSession, fragment: str) -> None:
    """Have a fragment of a session that is not busy run; on the event loop."""
    last = session._client_state
    context = last.context_info if last.HasField("context_info") else None
    session.request_rerun(_State(last.query_string, last.page_script_hash, context, fragment))


def follow(draw: Callable[[], None], owner: str, gap: float = PROGRESS_SECONDS, others: float | None = None) -> None:
    """Draw a part of the page now, and again when jobs of `owner` change: a new state at once, the rest every `gap`.

    With `others` it shows the engine and other people's jobs, too, and is drawn for these so many seconds after the
    last time, for the engine at once.
    """

    def body() -> None:
        session = _session()
        if session is not None:
            manager().changes.listen(HUB.told)
            HUB.add(session, ThreadState.get().fragment_id or "", owner, gap, others)
        draw()

    st.fragment(body, run_every=max(gap, CLOCK_SECONDS) if _session() is None else NET_SECONDS)()


def _session() -> AppSession | None:
    """The session of the page that is drawn; None where Streamlit does not have what is needed."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return None
    session = runtime.get_instance().get_app_session(context.session_id)
    needed = ("_event_loop", "_scriptrunner", "_client_state", "request_rerun", "has_fragment")
    return session if session is not None and all(hasattr(session, name) for name in needed) else None
