"""No program outlives a supervisor that was killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_supervisor() -> None:
    """Have the kernel end this process when supervisord dies without stopping its programs first.

    Linux only (prctl(2)); it survives exec. Elsewhere the foreground `up` ends what its supervisor left behind.
    """
    if sys.platform == "linux" and "SUPERVISOR_ENABLED" in os.environ:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
