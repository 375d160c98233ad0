"""What is wrong with an install that was complete once: files that are gone or empty, packages that no longer run.

Cheap enough for every start: git compares its index with the tree, and each package's RECORD (the packaging
specification of installed projects) is compared with what lies there. What a person changed or added is no damage.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from bootstrap.comfy import devices, source
from bootstrap.comfy.packages import environment
from client import installs as state
from client.installs import Install

_SECONDS = 120.0
# Compiled files come and go; packages that share a file may give it another size, but never an empty one.
_PACKAGES = """
import csv, json, os, pathlib, sysconfig
names, flaws = [], []
for site in {os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib")}:
    for info in sorted(pathlib.Path(site).glob("*.dist-info")):
        name = info.name.split("-")[0]
        names.append(name)
        try:
            rows = list(csv.reader((info / "RECORD").read_text(encoding="utf-8").splitlines()))
        except OSError:
            flaws.append(f"{name} was installed in part")
            continue
        for path, _, size in (row for row in rows if len(row) == 3 and not row[0].endswith(".pyc")):
            try:
                if os.stat(os.path.join(site, path)).st_size == 0 and size not in ("", "0"):
                    flaws.append(f"{path} of {name} is empty")
            except OSError:
                flaws.append(f"{path} of {name} is gone")
print(json.dumps([names, flaws]))
"""


def find(install: Install, *, thorough: bool = False) -> str:
    """What is wrong with an install, in a few words; "" where nothing is. `thorough` imports torch too, in seconds."""
    at = source.head(install.source)
    if at not in ("", install.commit):
        return f"its source is at commit {at}"
    for tree in (install.source, *(install.packs_folder / pack for pack in install.packs)):
        flaw = source.flaw(tree)
        if flaw:
            return flaw
    return of_packages(install.folder) or (of_torch(install.folder, install.device) if thorough else "")


def of_packages(folder: Path) -> str:
    """What is wrong with the packages of the install in a folder: one is gone, or is not whole any more."""
    found, stock = _packages(folder), state.read_json(_stock(folder))
    if found is None or isinstance(found, str):
        return found or ""
    there = {_plain(name) for name in found[0]}
    gone = [f"the package {name} is gone" for name in stock.get("names", ()) if _plain(name) not in there]
    return next(iter((*gone, *(flaw for flaw in found[1] if flaw not in stock.get("flaws", ())))), "")


def of_torch(folder: Path, device: str) -> str:
    """Why torch, torchvision or torchaudio can't be imported; "" where they can, whether the device works or not."""
    found = devices.check(_python(folder), device, environment())
    return f"torch can't be imported: {found.reason}" if isinstance(found, devices.Unimportable) else ""


def take_stock(folder: Path) -> None:
    """Note what packages a new install has, and what is odd about them from the start."""
    found = _packages(folder)
    names, flaws = found if isinstance(found, tuple) else ([], [])
    state.write_json(_stock(folder), {"names": names, "flaws": flaws})


def forget_stock(folder: Path) -> None:
    """The packages are about to be others."""
    _stock(folder).unlink(missing_ok=True)


def _packages(folder: Path) -> tuple[list[str], list[str]] | str | None:
    """Names of the packages and what is wrong with their files; what is wrong where their Python won't run.

    None where the disk takes longer than that may: slow is not damaged.
    """
    python = _python(folder)
    command = [str(python), "-I", "-c", _PACKAGES]
    try:
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            env=environment(), timeout=_SECONDS, check=False,
        )  # fmt: skip
        names, flaws = json.loads(answer.stdout)
    except subprocess.TimeoutExpired:
        return None
    except (OSError, ValueError):
        return f"{python} does not run"
    return names, flaws


def _plain(name: str) -> str:
    """A package's name as all its spellings are compared: PyYAML 6.0.2 is followed by pyyaml 6.0.3."""
    return re.sub(r"[-_.]+", "_", name).lower()


def _python(folder: Path) -> Path:
    return folder / "venv" / "bin" / "python"


def _stock(folder: Path) -> Path:
    return folder / "packages.json"
