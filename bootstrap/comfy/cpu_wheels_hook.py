"""Lets torchvision and torchaudio built for CUDA be imported beside a torch built for the CPU.

This file is copied into the virtual environment of a ComfyUI for `--device cpu`, and only there: bootstrap/comfy/
cpu_wheels.py says when. Their files stay as they are. Both packages load compiled libraries that need CUDA's, and both
can do without them: after these changes everything in Python works, and what only the libraries give (nms, roi_align,
forced alignment) says so where it is called.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any


def _torchvision(module: Any) -> None:
    """Declare the operators that torchvision describes to torch without asking whether its library was loaded."""
    if not module._has_ops():
        define = importlib.import_module("torch").library.define
        for name in ("nms", "qnms"):
            define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def _torchaudio(module: Any) -> None:
    """Take a library that can't be loaded for one that isn't there, which torchaudio is prepared for."""
    load = module._load_lib

    def load_if_possible(name: str) -> bool:
        try:
            return bool(load(name))
        except OSError:
            return False

    module._load_lib = load_if_possible


_AFTER: dict[str, Callable[[Any], None]] = {
    "torchvision.extension": _torchvision,
    "torchaudio._extension.utils": _torchaudio,
}


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the two modules where Python would, and has a change made after they were executed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        change = _AFTER.get(fullname)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target) if change else None
        if change is None or spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            change(module)

        setattr(spec.loader, "exec_module", execute_and_change)  # noqa: B010
        return spec


sys.meta_path.insert(0, _Finder())
