"""The verb `install` of `python3 -m bootstrap`."""

from __future__ import annotations

from bootstrap import checks
from bootstrap.comfy.install import ensure, wanted
from bootstrap.terminal import Say
from client.settings import Settings


def install(settings: Settings, say: Say) -> int:
    """Have the managed ComfyUI installed as these settings ask. Exit code: 1 where an older one had to stay in use."""
    checks.data_folder(settings.data)
    asked = wanted(settings)
    found = ensure(settings, say, again=True)
    if found.name != asked.name:
        return 1
    with_packs = f" Packs: {', '.join(found.packs)}." if found.packs else ""
    say(f"ComfyUI {found.version} for {found.device} is ready in {found.folder}.{with_packs}")
    for name, reason in found.failed_packs:
        say(f"The pack {name} can't be imported: {reason}.")
    return 0
