"""Where the managed ComfyUI lies. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from client.settings import Settings


@dataclass(frozen=True)
class ComfyHome:
    """Where the managed ComfyUI lies. What is installed is kept apart from what its user makes and downloads.

    Each folder in `installs` holds `source/`, `venv/`, `packs/` and, written last, `stamp.json`. `current` is the JSON
    file that names the install in use. `base` is the server's --base-directory.
    """

    folder: Path

    @property
    def installs(self) -> Path:
        """One folder per install."""
        return self.folder / "installs"

    @property
    def current(self) -> Path:
        """The JSON file that names the install in use."""
        return self.folder / "current.json"

    @property
    def lock(self) -> Path:
        """Held while something is installed."""
        return self.folder / "install.lock"

    @property
    def base(self) -> Path:
        """For --base-directory: models, input, output, user and custom_nodes."""
        return self.folder / "base"

    @property
    def models(self) -> Path:
        """The model files."""
        return self.base / "models"

    @property
    def database(self) -> Path:
        """ComfyUI's database, which --base-directory does not move."""
        return self.base / "user" / "comfyui.db"

    @property
    def temp(self) -> Path:
        """For --temp-directory; ComfyUI makes a folder `temp` inside it and empties that at every start."""
        return self.folder / "scratch"


def comfyui(settings: Settings) -> ComfyHome:
    """The places of the managed ComfyUI, whether anything is there yet or not."""
    return ComfyHome(settings.comfyui_dir)
