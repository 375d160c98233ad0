"""What an installation of ComfyUI takes, made on disk: git repositories, a small server as its tree, and wheels."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Mapping
from pathlib import Path

MENDED = "SMALL_COMFYUI_MENDED"
"""The variable that makes a small ComfyUI answer which otherwise does not: whatever was wrong on its machine."""

# Answers /system_stats and /object_info and imports packs as ComfyUI does, with the lines of its log.
MAIN = """
import argparse, importlib.util, json, os, pathlib, sys, time, torch
from http.server import BaseHTTPRequestHandler, HTTPServer
from comfyui_version import __version__
parser = argparse.ArgumentParser()
for name in ("--listen", "--port", "--base-directory", "--database-url"):
    parser.add_argument(name)
for name in ("--disable-auto-launch", "--disable-api-nodes", "--disable-all-custom-nodes", "--cpu"):
    parser.add_argument(name, action="store_true")
parser.add_argument("--whitelist-custom-nodes", nargs="+", default=[])
options = parser.parse_args()
behaviour = pathlib.Path(__file__).with_name("behaviour").read_text()
behaviour = "answers" if "SMALL_COMFYUI_MENDED" in os.environ else behaviour
if behaviour == "ends":
    sys.exit("No module named torchsde")
if behaviour == "never answers":
    print("loading for ever", flush=True)
    time.sleep(3600)
classes = {}
for name in options.whitelist_custom_nodes:
    path = pathlib.Path(options.base_directory, "custom_nodes", name)
    spec = importlib.util.spec_from_file_location(name, path / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        classes.update(dict.fromkeys(module.NODE_CLASS_MAPPINGS, {}))
        print(f"   0.0 seconds: {path}", flush=True)
    except Exception as error:
        print(f"\\x1b[33mCannot import {path} module for custom nodes: {error}\\x1b[0m", flush=True)
        print(f"   0.0 seconds (IMPORT FAILED): {path}", flush=True)
answers = {"/system_stats": {"system": {"comfyui_version": __version__}}, "/object_info": classes}
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(answers[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
try:
    HTTPServer((options.listen, int(options.port)), Handler).serve_forever()
except KeyboardInterrupt:
    pass
"""

TORCH = """
__version__ = "{version}"
class version:
    cuda = None
    hip = None
class cuda:
    @staticmethod
    def is_available():
        return False
class library:
    defined = set()
    @classmethod
    def define(cls, name, schema):
        cls.defined.add(name)
"""

# As the builds for CUDA behave beside a torch for the CPU.
TORCHVISION_FOR_CUDA = {
    "torchvision/__init__.py": """
from . import extension
import torch
for name in ("torchvision::nms", "torchvision::qnms"):
    if name not in torch.library.defined:
        raise RuntimeError(f"operator {name} does not exist")
""",
    "torchvision/extension.py": "def _has_ops():\n    return False\n",
}
TORCHAUDIO_FOR_CUDA = {
    "torchaudio/__init__.py": "from . import _extension\n",
    "torchaudio/_extension/__init__.py": "from .utils import _load_lib\navailable = _load_lib('_torchaudio')\n",
    "torchaudio/_extension/utils.py": """
def _load_lib(name):
    raise OSError("libc10_cuda.so: cannot open shared object file: No such file or directory")
""",
}


class Repository:
    """A git repository in a folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet")

    def git(self, *arguments: str) -> str:
        who = {
            f"GIT_{role}_{what}": "test@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        return subprocess.run(
            ["git", *arguments], cwd=self.path, env={**os.environ, **who}, capture_output=True, text=True, check=True
        ).stdout.strip()

    def commit(self, files: Mapping[str, str]) -> str:
        """Add or change files; the id of the new commit."""
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "HEAD")

    def lose(self, revision: str) -> None:
        """Remove one object, as a damaged disk or a partial clone would."""
        name = self.git("rev-parse", revision)
        (self.path / ".git" / "objects" / name[:2] / name[2:]).unlink()


def tree(version: str, behaviour: str = "answers", requirements: str = "torch\nextra\n") -> dict[str, str]:
    """The files of a small ComfyUI."""
    return {
        "main.py": MAIN,
        "comfyui_version.py": f'__version__ = "{version}"\n',
        "requirements.txt": requirements,
        "behaviour": behaviour,
    }


def wheel(folder: Path, name: str, version: str, files: Mapping[str, str] | None = None) -> None:
    """A package as pip and uv take it without a network; with one empty module where no files are given."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        for path, text in (files or {f"{name}.py": ""}).items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        recorded = [*(files or {f"{name}.py": ""}), *(f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD"))]
        archive.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in recorded))


def tool(folder: Path, name: str, program: str) -> Path:
    """A command that runs a Python program; the folder for the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{textwrap.dedent(program)}")
    path.chmod(0o755)
    return folder
