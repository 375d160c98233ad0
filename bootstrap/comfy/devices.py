"""Which torch for which device, and whether the one installed can use it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootstrap import probe

PINS = {"torch": "2.13.0", "torchvision": "0.28.0", "torchaudio": "2.11.0", "numpy": "2.4.6"}
"""Versions that fit together, and ComfyUI 0.27. torchaudio ended at 2.11 and takes any later torch; numpy 2.4 is the
last that knows Python 3.11."""

INDEXES = {
    "cuda": "https://download.pytorch.org/whl/cu130",
    "rocm": "https://download.pytorch.org/whl/rocm7.2",
    "mps": "",
    "cpu": "https://download.pytorch.org/whl/cpu",
}
"""Where the builds for a device are, as ComfyUI's README names them; the default index has those for Apple."""

GIGABYTES = {"cuda": 14, "rocm": 28, "mps": 4, "cpu": 5}
"""Disk to have free before ComfyUI with torch for a device is installed, downloads included. Measured: 2 GB remain for
cpu. The others are estimates from the sizes of the wheels."""

_IMPORT_SECONDS = 600.0
_CHECK = """
import json, sys, torch, torchvision, torchaudio
device = sys.argv[1]
if device in ("cuda", "rocm"):
    built = torch.version.cuda if device == "cuda" else torch.version.hip
    usable = bool(built) and torch.cuda.is_available()
    why = "" if usable else "torch finds no such GPU" if built else f"torch {torch.__version__} is built without it"
elif device == "mps":
    usable = torch.backends.mps.is_available()
    why = "" if usable else "torch finds no Metal GPU"
else:
    usable, why = True, ""
print(json.dumps({"usable": usable, "why": why}))
"""


@dataclass(frozen=True)
class Usable:
    """All three packages import and the device can be used."""


@dataclass(frozen=True)
class Unimportable:
    """One of the packages does not import; the last line of the traceback, and all of it."""

    reason: str
    traceback: str


@dataclass(frozen=True)
class Unusable:
    """They import, but torch can't use the device, and why."""

    reason: str


def index_failure(index: str) -> str:
    """Why the index does not answer, in a few words; "" where it does."""
    return probe.failure(f"{index}/torch/", timeout=20.0)


def check(python: Path, device: str, environment: Mapping[str, str]) -> Usable | Unimportable | Unusable:
    """Import torch, torchvision and torchaudio with an interpreter and ask torch for the device."""
    try:
        answer = subprocess.run(
            [str(python), "-c", _CHECK, device], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", env=environment, timeout=_IMPORT_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Unimportable(f"not imported within {_IMPORT_SECONDS:g} s", "")
    if answer.returncode != 0:
        lines = [line.strip() for line in answer.stderr.splitlines() if line.strip()]
        return Unimportable(lines[-1] if lines else f"exit code {answer.returncode}", answer.stderr)
    found = json.loads(answer.stdout.splitlines()[-1])
    return Usable() if found["usable"] else Unusable(str(found["why"]))
