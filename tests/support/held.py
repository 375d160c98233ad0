"""The studio, but that one step of it, named by its module and name, ends only once the browser asks for another run.

Arguments: the module, the name in it, and a file that is made when the step is reached.
"""

import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession

from bootstrap.serve import main

SECONDS = 60
_asked = threading.Event()
_rerun = AppSession.request_rerun


def _request(session: AppSession, client_state: ClientState | None) -> None:
    _rerun(session, client_state)
    if client_state is not None and not client_state.fragment_id:
        _asked.set()


def _hold(module: str, name: str, reached: Path) -> None:
    step = getattr(import_module(module), name)

    def held(*arguments: Any) -> Any:
        found = step(*arguments)
        _asked.clear()
        reached.touch()
        _asked.wait(SECONDS)
        return found

    setattr(import_module(module), name, held)


if __name__ == "__main__":
    AppSession.request_rerun = _request
    _hold(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    sys.exit(main())
