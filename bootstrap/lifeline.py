"""No program outlives a supervisor or a command that was killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from bootstrap.layout import supervisor_pid_file

_PR_SET_PDEATHSIG = 1


def die_with_supervisor(data: Path) -> None:
    """Have the kernel end this process when supervisord dies without stopping its programs first.

    Linux only (prctl(2)); it survives exec. Elsewhere the foreground `up` ends what its supervisor left behind.
    Ends the process at once where the supervisor died before this call.
    """
    if sys.platform == "linux" and "SUPERVISOR_ENABLED" in os.environ:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if noted_pid(data) != os.getppid():
            sys.exit("The supervisor ended while this program was starting.")


def bound() -> Callable[[], None]:
    """For subprocess's `preexec_fn`: the child hears SIGINT, and on Linux it ends when its parent is killed.

    The shell's & has SIGINT ignored in what it starts, which is handed down, and git, pip and ComfyUI only clean up on
    SIGINT. The kernel means the thread that starts the child, which is to wait for it.
    """
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def noted_pid(data: Path) -> int:
    """The process id that the supervisor on a data folder noted when it started; 0 where there is no note."""
    try:
        return int(supervisor_pid_file(data).read_text())
    except (OSError, ValueError):
        return 0
