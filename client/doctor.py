"""The doctor's findings for a page: `python -m bootstrap doctor --json` in a process and thread of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
MOST_SECONDS = 240.0
LEVELS = ("ok", "warning", "problem")


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is (ok, warning or problem), and the one thing to do, "" where there is none."""

    name: str
    level: str
    text: str
    do: str


@dataclass(frozen=True)
class Report:
    """All findings, and when they were made (unix seconds). `failure` says why there are none, "" where there are."""

    made: float
    findings: tuple[Finding, ...] = ()
    failure: str = ""

    @property
    def blocked(self) -> bool:
        """Whether a problem keeps the chosen engine from working."""
        return any(finding.level == "problem" for finding in self.findings)


class Doctor:
    """The newest report, and whether another is being made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._report: Report | None = None

    @property
    def busy(self) -> bool:
        """Whether it looks just now."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def report(self) -> Report | None:
        """The newest report, None before the first."""
        return self._report

    def look(self) -> None:
        """Begin to look; nothing happens while it looks."""
        with self._lock:
            if not self.busy:
                self._thread = threading.Thread(target=self._look, name="doctor", daemon=True)
                self._thread.start()

    def _look(self) -> None:
        self._report = examine()


def examine() -> Report:
    """What the doctor finds with the settings that this process has."""
    command = [sys.executable, "-m", "bootstrap", "doctor", "--json"]
    try:
        answer = subprocess.run(
            command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=MOST_SECONDS,
            check=False, env=dict(os.environ),
        )  # fmt: skip
        rows = json.loads(answer.stdout)["checks"]
        return Report(time.time(), tuple(Finding(**row) for row in rows if row["level"] in LEVELS))
    except subprocess.TimeoutExpired:
        return Report(time.time(), failure=f"it did not end within {MOST_SECONDS:.0f} s")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Report(time.time(), failure=type(error).__name__)


doctor = Doctor()
"""The one doctor of this process."""
