"""What changes several values of a session at once, done as a whole or not at all.

When the browser asks for another run, Streamlit 1.67 ends the one at hand at its next use of the session, in the midst
of a callback, too, and never calls that callback again: a file would stay half taken in, a click half done. Here such a
request waits until the callback is through. `whole` does the same for code of a page.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequest, ScriptRequests
from streamlit.runtime.state import SessionState

_thread = threading.local()
_call_callbacks = SessionState._call_callbacks
_on_yield = ScriptRequests.on_scriptrunner_yield


@contextmanager
def whole() -> Iterator[None]:
    """Nothing that is asked for meanwhile ends this thread's run; it does so right after."""
    depth = getattr(_thread, "depth", 0)
    _thread.depth = depth + 1
    try:
        yield
    finally:
        _thread.depth = depth


def _call_callbacks_whole(state: SessionState, **replay: Any) -> None:
    with whole():
        _call_callbacks(state, **replay)


def _on_yield_outside(requests: ScriptRequests) -> ScriptRequest | None:
    return None if getattr(_thread, "depth", 0) else _on_yield(requests)


SessionState._call_callbacks = _call_callbacks_whole
ScriptRequests.on_scriptrunner_yield = _on_yield_outside
