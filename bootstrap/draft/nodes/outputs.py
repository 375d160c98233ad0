"""Where output files go: prefixes, sub-folders and counters, as ComfyUI's save nodes do it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootstrap.draft.nodes.registry import Context


@dataclass(frozen=True)
class Slot:
    """A place for files in a folder: names are `<stem>_<counter>_<suffix>`."""

    folder: Path
    subfolder: str
    stem: str
    counter: int

    def name(self, offset: int, suffix: str) -> str:
        """The file name `offset` places after the first free one; `suffix` such as ".mp4"."""
        return f"{self.stem}_{self.counter + offset:05}_{suffix}"


def reserve(root: Path, prefix: str, width: int, height: int) -> Slot:
    """The first free slot under `root` for a `filename_prefix` such as "shots/%year%/clip".

    %width%, %height%, %year%, %month%, %day%, %hour%, %minute% and %second% are filled in; folders are made.
    Raises ValueError for a prefix that leads out of `root`.
    """
    path = os.path.normpath(_expand(prefix, width, height))
    subfolder, stem = os.path.split(path)
    folder = Path(os.path.abspath(root / subfolder))  # noqa: PTH100 - links inside the output folder are the user's
    if not folder.is_relative_to(os.path.abspath(root)):  # noqa: PTH100
        raise ValueError(
            f"Saving image outside the output folder is not allowed: {prefix!r} leads to {folder}, outside {root}."
        )
    folder.mkdir(parents=True, exist_ok=True)
    return Slot(folder, subfolder, stem, 1 + max((_counter(entry.name, stem) for entry in folder.iterdir()), default=0))


def tags(context: Context) -> dict[str, str]:
    """What a saved file carries: the graph as `prompt`, each entry of extra_pnginfo under its own name, as JSON."""
    found: Mapping[str, object] = {"prompt": context.graph, **context.extra_pnginfo}
    return {name: json.dumps(value) for name, value in found.items()}


def _expand(prefix: str, width: int, height: int) -> str:
    now = time.localtime()
    values = {
        "%width%": str(width),
        "%height%": str(height),
        "%year%": str(now.tm_year),
        "%month%": f"{now.tm_mon:02}",
        "%day%": f"{now.tm_mday:02}",
        "%hour%": f"{now.tm_hour:02}",
        "%minute%": f"{now.tm_min:02}",
        "%second%": f"{now.tm_sec:02}",
    }
    for token, value in values.items():
        prefix = prefix.replace(token, value)
    return prefix


def _counter(name: str, stem: str) -> int:
    """The number in `<stem>_00012_.mp4`, or 0 for any other name."""
    head, _, tail = name.partition(f"{stem}_")
    digits = tail.split("_", 1)[0]
    return int(digits) if not head and digits.isdecimal() else 0
