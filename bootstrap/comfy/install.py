"""Installing the managed ComfyUI: what is there, and having it there."""

from __future__ import annotations

from bootstrap.comfy.state import Absent, Broken, Install, Partial, Ready, State

__all__ = ["Absent", "Broken", "Install", "Partial", "Ready", "State"]
