"""Can this machine make real videos: a GPU, the managed engine installed for it, the weights in their places?"""

from __future__ import annotations

from bootstrap import doctor_deep
from client import accelerator
from client import installs as state
from client.comfy_home import comfyui
from client.settings import Settings


def absence(settings: Settings) -> str:
    """Why it can't, in a few words; "" where it can."""
    if not accelerator.detect():
        return "this machine has no GPU"
    home = comfyui(settings)
    used = state.current(home)
    if used is None:
        return f"the managed engine is not installed in {home.folder}: python3 -m bootstrap install"
    if used.device == "cpu":
        return f"the managed engine in {home.folder} is installed for the CPU"
    lacking = [line.name for line in doctor_deep.models(settings) if line.level != "ok"]
    return f"weights are missing in {home.models} ({', '.join(lacking)}): bootstrap models pull" if lacking else ""
