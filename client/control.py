"""What people may do to the engine from a page: restart it where it is ours, have it unload its models."""

from __future__ import annotations

import threading
from contextlib import closing

from client import settings, supervisor
from client.supervisor import Program
from client.transport import Server, Unreachable
from workflows.errors import StudioError

PROGRAM = "engine"


class Control:
    """The engine's switch. A restart goes on in a thread of its own, whatever becomes of the page that asked for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._problem = ""

    @property
    def restarting(self) -> bool:
        """Whether a restart is under way; it ends once the new process is there, not once it answers."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    @property
    def problem(self) -> str:
        """Why the last restart failed, "" where it did not."""
        return self._problem

    def program(self) -> Program | None:
        """The engine's process as its supervisor knows it; None where no supervisor of ours runs one. 2 s at most."""
        if settings.read().comfyui_url is not None or not supervisor.socket_path():
            return None
        try:
            return supervisor.states(supervisor.socket_path()).get(PROGRAM)
        except OSError:
            return None

    def restart(self) -> None:
        """Begin to restart the engine; nothing happens while another restart is under way."""
        with self._lock:
            if self.restarting:
                return
            self._problem = ""
            self._thread = threading.Thread(target=self._restart, name="engine-restart", daemon=True)
            self._thread.start()

    def _restart(self) -> None:
        try:
            supervisor.restart(supervisor.socket_path(), PROGRAM)
        except OSError as error:
            self._problem = str(error) or "the supervisor does not answer"

    def unload(self) -> None:
        """Have the engine give its models' memory back, after the job that runs. Raises StudioError."""
        configured = settings.read()
        with closing(Server(configured.server_url, configured.comfyui_access)) as server:
            try:
                server.free()
            except Unreachable as error:
                raise StudioError("engine_unreachable", server=configured.server_url, reason=error) from None


control = Control()
"""The one switch of this process."""
