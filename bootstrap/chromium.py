"""A Chromium for the browser tests: the one named, the one installed, or one from the system's package manager."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootstrap.terminal import Say

VARIABLE = "STUDIO_TEST_CHROMIUM"
REASON_VARIABLE = "STUDIO_TEST_CHROMIUM_REASON"

_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


@dataclass(frozen=True)
class Found:
    """A browser that starts."""

    path: str


@dataclass(frozen=True)
class Absent:
    """There is none, and why."""

    reason: str


Browser = Found | Absent


def provide(environ: Mapping[str, str], log: Path, say: Say) -> Browser:
    """The browser to test with, installed first where that is possible. Never raises: a laptop may lack one."""
    named = environ.get(VARIABLE)
    if named:
        return Found(named) if _starts(named) else Absent(f"{VARIABLE} names {named}, which does not start")
    found = _installed()
    if found:
        return Found(found)
    if not shutil.which("apt-get"):
        return Absent("Chromium is not installed, and there is no apt-get to install it with")
    if os.geteuid() != 0:
        return Absent("Chromium is not installed, and only root may install it (apt-get install chromium)")
    say("Installing Chromium for the browser tests, about 100 MB to download, once.")
    failed = _apt_install(log)
    found = "" if failed else _installed()
    return Found(found) if found else Absent(f"installing Chromium failed: {failed or 'it does not start'} (see {log})")


def variables(browser: Browser) -> dict[str, str]:
    """What pytest is told: the browser's path, or an empty one and the reason."""
    if isinstance(browser, Found):
        return {VARIABLE: browser.path, REASON_VARIABLE: ""}
    return {VARIABLE: "", REASON_VARIABLE: browser.reason}


def _installed() -> str:
    places = [path for name in _COMMANDS if (path := shutil.which(name))]
    if platform.system() == "Darwin":
        places.extend(path for path in _MAC_APPLICATIONS if Path(path).exists())
    return next((path for path in places if _starts(path)), "")


def _starts(path: str) -> bool:
    # Ubuntu's chromium-browser may be a script that only says how to get the snap.
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def _apt_install(log: Path) -> str:
    """Run apt-get; in a few words what failed, "" where all went well."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as out:
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            command = ["apt-get", *arguments]
            if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment).returncode:
                return " ".join(command)
    return ""
