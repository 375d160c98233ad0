"""A machine to install ComfyUI on: a source with several versions, packages in a folder, no network."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap.comfy import install
from bootstrap.comfy.install import Install
from bootstrap.layout import install_log
from client import installs as state
from client import settings as configuration
from client.comfy_home import comfyui
from client.settings import Settings
from tests.support.comfy_tree import TORCH, Repository, tool, tree, wheel
from workflows.errors import StudioError

PINS = {"torch": "2.13.0", "torchvision": "0.28.0", "torchaudio": "2.11.0", "numpy": "2.4.6"}
ROW = '[[aio]]\nrepository = "{0}"\ncommit = "{1}"\npurpose = "trying"\nnode = "{2}"\n{3}\n'
# Lends an environment and unpacks the newest wheel of each name that the constraints allow: for tests that are not
# about resolving versions.
QUICK = """
import os, pathlib, shutil, sys, zipfile
arguments = sys.argv[1:]
if arguments[0] == "venv":
    shutil.copytree({venv!r}, arguments[-1], symlinks=True, copy_function=os.link)
    sys.exit()
value = lambda option: arguments[arguments.index(option) + 1]
root = pathlib.Path(value("--python")).parents[1]
target = next(root.glob("lib/python*/site-packages"))
pinned = dict(line.split("==") for line in pathlib.Path(value("-c")).read_text().split())
asked = arguments[arguments.index("-c") + 2:]
if asked[0] == "-r":
    asked = pathlib.Path(asked[1]).read_text().split() + asked[2:]
for wanted in asked:
    name = wanted.partition("==")[0].partition(">=")[0].replace("-", "_")
    found = sorted(pathlib.Path(os.environ["UV_FIND_LINKS"]).glob(f"{name}-{pinned.get(name, '*')}-*.whl"))
    if not found:
        sys.exit(f"there is no {wanted}")
    zipfile.ZipFile(found[-1]).extractall(target)
"""


class Bench:
    """One such machine. `quick` puts a stand-in for uv on its PATH; elsewhere pip installs."""

    def __init__(self, folder: Path, venv: Path, patch: pytest.MonkeyPatch, quick: bool) -> None:
        self.folder, self._venv = folder, venv
        self.said: list[str] = []
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        for name, version in PINS.items():
            wheel(self.wheels, name, version, {"torch.py": TORCH.format(version=version)} if name == "torch" else None)
        wheel(self.wheels, "torch", "9.9", {"torch.py": TORCH.format(version="9.9")})
        wheel(self.wheels, "extra", "1.0")
        self.source = Repository(folder / "ComfyUI")
        self.commit = self.source.commit(tree("0.27.0"))
        self.device, self.profile = "cpu", "core"
        self.table = folder / "packs.toml"
        self.table.write_text("")
        for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "STUDIO_"))]:
            patch.delenv(name)
        patch.setenv("PIP_CONFIG_FILE", os.devnull)
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(self.wheels))
        # A uv of this machine would keep what it found for the next test.
        without_uv = [part for part in os.environ["PATH"].split(os.pathsep) if not Path(part, "uv").exists()]
        tools = [str(tool(folder / "tools", "uv", QUICK.replace("{venv!r}", repr(str(venv)))))] if quick else []
        patch.setenv("PATH", os.pathsep.join([*tools, *without_uv]))

    def pack(self, name: str, files: dict[str, str], node: str = "Thing", more: str = "") -> None:
        """Add a pack to the profile aio, which is used from now on."""
        commit = Repository(self.folder / "packs" / "someone" / name).commit(files)
        self.table.write_text(self.table.read_text() + ROW.format(f"someone/{name}", commit, node, more))
        self.profile = "aio"

    @property
    def variables(self) -> dict[str, str]:
        return {
            "STUDIO_DATA": str(self.folder / "data"),
            "STUDIO_COMFYUI_SOURCE": str(self.source.path),
            "STUDIO_COMFYUI_COMMIT": self.commit,
            "STUDIO_DEVICE": self.device,
            "STUDIO_COMFYUI_PACKS": self.profile,
            "STUDIO_PACKS_SOURCE": str(self.folder / "packs"),
        }

    @property
    def settings(self) -> Settings:
        return configuration.read(self.variables)

    @property
    def place(self) -> Path:
        """The folder of the install that is asked for."""
        return comfyui(self.settings).installs / install.wanted(self.settings, self.table).name

    @property
    def found(self) -> install.State:
        return install.look(self.settings, self.table)

    @property
    def in_use(self) -> Install | None:
        return state.current(comfyui(self.settings))

    @property
    def log(self) -> str:
        return install_log(self.settings.data).read_text()

    def lend_venv(self) -> None:
        if not (self.place / "venv").exists():
            self.place.mkdir(parents=True, exist_ok=True)
            shutil.copytree(self._venv, self.place / "venv", symlinks=True, copy_function=os.link)

    def site_packages(self, name: str) -> Path:
        """A file or folder among the packages of the install."""
        return next((self.place / "venv").glob("lib/python*/site-packages")) / name

    def ensure(
        self,
        *,
        say: Callable[[str], None] | None = None,
        again: bool = False,
        free: int = 10**12,
        answer_seconds: float = 60,
    ) -> Install:
        self.lend_venv()
        return install.ensure(
            self.settings,
            say or self.said.append,
            again=again,
            table=self.table,
            free_bytes=lambda _: free,
            answer_seconds=answer_seconds,
        )

    def refusal(self, **options: object) -> StudioError:
        with pytest.raises(StudioError) as raised:
            self.ensure(**options)  # type: ignore[arg-type]
        return raised.value

    def version(self, name: str) -> str:
        """The version of a package that an install's interpreter finds."""
        program = f"import importlib.metadata as m; print(m.version({name!r}))"
        python = self.place / "venv" / "bin" / "python"
        return subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
