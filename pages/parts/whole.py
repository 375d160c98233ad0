"""What changes several values of a session at once, done as a whole or not at all.

When the browser asks for another run, Streamlit 1.67 ends the one at hand at its next use of the session, in the midst
of a callback, too, and never calls that callback again: a file would stay half taken in, a click half done. Here such a
request waits until the callbacks are through, and after a cut of the connection, when a second run begins beside the
first, so does that one. `whole` does the same for code of a page.

What asks for another page or run (`st.switch_page`, `st.rerun`) does not end a whole where it stands, but after it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequest, ScriptRequests
from streamlit.runtime.state.safe_session_state import SafeSessionState

_thread = threading.local()
_guard = threading.Lock()
_locks: WeakValueDictionary[str, Any] = WeakValueDictionary()
_run_callbacks = SafeSessionState.on_script_will_rerun
_on_yield = ScriptRequests.on_scriptrunner_yield


@contextmanager
def whole() -> Iterator[None]:
    """Nothing that is asked for meanwhile ends this thread's run, or changes its session beside it."""
    context = get_script_run_ctx(suppress_warning=True)
    with _guard:
        lock = _locks.setdefault(context.session_id if context else "", threading.RLock())
    with lock:
        depth = getattr(_thread, "depth", 0)
        _thread.depth = depth + 1
        try:
            yield
        finally:
            _thread.depth = depth


def _run_callbacks_whole(state: SafeSessionState, *arguments: Any, **replay: Any) -> None:
    with whole():
        _run_callbacks(state, *arguments, **replay)


def _on_yield_outside(requests: ScriptRequests) -> ScriptRequest | None:
    return None if getattr(_thread, "depth", 0) else _on_yield(requests)


SafeSessionState.on_script_will_rerun = _run_callbacks_whole
ScriptRequests.on_scriptrunner_yield = _on_yield_outside
