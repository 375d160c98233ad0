"""A remedy for one machine: torch for the CPU, torchvision and torchaudio for CUDA.

The package index gives the last two for CUDA only; builds for the CPU are at download.pytorch.org. Where that can't be
reached they are installed all the same and fail to import: torchvision with "operator torchvision::nms does not exist",
torchaudio with a missing libc10_cuda or libcudart. ComfyUI imports both at its start, and LTX needs torchaudio.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

_HOOK = Path(__file__).with_name("cpu_wheels_hook.py")
_MODULE = "ltx_studio_cpu_wheels"
_REASON = re.compile(r"operator torchvision::\w+ does not exist|lib(c10_cuda|torch_cuda|cudart)\b")


def helps(failure: str) -> bool:
    """Whether an import failed for the reason that `mend` removes."""
    return bool(_REASON.search(failure))


def mend(site_packages: Path) -> None:
    """Have the interpreter of this site-packages folder load the hook at its start."""
    shutil.copyfile(_HOOK, site_packages / f"{_MODULE}.py")
    (site_packages / f"{_MODULE}.pth").write_text(f"import {_MODULE}\n", encoding="utf-8")
