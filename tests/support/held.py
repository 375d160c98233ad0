"""The studio, but that one step of it, named by its module and name, ends only once the browser asks for another run.

Arguments: the module, the name in it, and a file that is made when the step is reached. The studio goes on for some
time with the next run before the step ends, if it does not wait for it.
"""

import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunner

from bootstrap.serve import main

SECONDS = 120
MOMENT_SECONDS = 2.0
_asked, _run_beside = threading.Event(), threading.Event()
_rerun, _finished = AppSession.request_rerun, ScriptRunner._on_script_finished


def _request(session: AppSession, client_state: ClientState | None) -> None:
    _rerun(session, client_state)
    if client_state is not None and not client_state.fragment_id:
        _asked.set()


def _finish(runner: ScriptRunner, *arguments: Any) -> None:
    _finished(runner, *arguments)
    _run_beside.set()


def _hold(module: str, name: str, reached: Path) -> None:
    step = getattr(import_module(module), name)

    def held(*arguments: Any) -> Any:
        found = step(*arguments)
        _asked.clear()
        _run_beside.clear()
        reached.touch()
        assert _asked.wait(SECONDS), "the browser asked for nothing"
        _run_beside.wait(MOMENT_SECONDS)
        return found

    setattr(import_module(module), name, held)


if __name__ == "__main__":
    AppSession.request_rerun = _request
    ScriptRunner._on_script_finished = _finish
    _hold(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    sys.exit(main())
