"""The virtual environment of a ComfyUI, and what is installed into it: by uv where there is one, else by venv and pip.

uv does not read pip's configuration, so it is handed on; where uv fails all the same, Python's own tools are tried.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap import commands
from bootstrap.layout import last_lines
from bootstrap.terminal import Say
from workflows.errors import StudioError

_VERSIONS = """
import importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""
_PATHS = "import sysconfig; print(sysconfig.get_paths()['purelib'])"


@dataclass(frozen=True)
class Venv:
    """A virtual environment with pip in it. `uv` is the path of a uv, "" where there is none.

    `configured` is what pip's configuration says, by the names of its long options.
    """

    folder: Path
    log: Path
    uv: str
    configured: Mapping[str, str]

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"


def make(folder: Path, log: Path) -> Venv:
    """Have a usable virtual environment in `folder`; what was there and is not usable is replaced.

    Raises StudioError `venv_missing` or `packages_failed`.
    """
    if not _usable(folder) and not _made_by_uv(folder, log):
        module = next((name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None), "")
        if module:
            raise StudioError("venv_missing", python=sys.executable, module=module)
        shutil.rmtree(folder, ignore_errors=True)
        if commands.run([sys.executable, "-m", "venv", str(folder)], log, environment()) != 0:
            raise StudioError("packages_failed", what="the virtual environment", log=log)
    return Venv(folder, log, _uv(folder, log), _pip_configuration(folder / "bin" / "python"))


def _made_by_uv(folder: Path, log: Path) -> bool:
    """Whether a uv on the PATH could make the environment, with the pip in it that does what uv can't."""
    uv = shutil.which("uv")
    if not uv:
        return False
    shutil.rmtree(folder, ignore_errors=True)
    configured = _pip_configuration(Path(sys.executable))
    options = ["--no-index"] if _is_on(configured.get("no-index")) else []
    command = [uv, "venv", "--seed", "--python", sys.executable, *options, str(folder)]
    variables = {**uv_variables(configured), **environment()}
    return commands.run(command, log, variables) == 0 and _usable(folder)


def _usable(folder: Path) -> bool:
    return bool(_answer(folder / "bin" / "python", "import pip; print('yes')"))


def install(venv: Venv, arguments: Sequence[str], constraints: Path, what: str, say: Say, index: str = "") -> None:
    """Install packages under a file of constraints; `index` is one more place to find them.

    `what` names them in sentences. Raises StudioError `packages_failed`.
    """
    if venv.uv:
        options = ["--no-index"] if _is_on(venv.configured.get("no-index")) else []
        command = [venv.uv, "pip", "install", "--python", str(venv.python), *options, "-c", str(constraints)]
        if (
            commands.run([*command, *arguments], venv.log, {**uv_variables(venv.configured, index), **environment()})
            == 0
        ):
            return
        say(f"uv could not install {what}; trying pip.")
    options = ["--no-input", "--progress-bar", "off", *(("--extra-index-url", index) if index else ())]
    command = [str(venv.python), "-m", "pip", "install", *options, "-c", str(constraints)]
    if commands.run([*command, *arguments], venv.log, environment()) != 0:
        for line in last_lines(venv.log):
            say(f"  {line}")
        raise StudioError("packages_failed", what=what, log=venv.log)


def versions(venv: Venv, names: Sequence[str]) -> dict[str, str]:
    """The versions of those of the packages that are installed."""
    found = json.loads(_answer(venv.python, _VERSIONS, *names) or "{}")
    return {str(name): str(version) for name, version in found.items()}


def site_packages(venv: Venv) -> Path:
    """Where its packages lie."""
    return Path(_answer(venv.python, _PATHS))


def environment() -> dict[str, str]:
    """The variables for what is installed and started here: ours, less what would turn it to other packages.

    The studio's own are left out too, as some of them hold credentials.
    """
    astray = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_PYTHON", "UV_SYSTEM_PYTHON")
    kept = {name: value for name, value in os.environ.items() if name not in astray and not name.startswith("STUDIO_")}
    return {**kept, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_REQUIRE_VIRTUALENV": "0"}


def uv_variables(configured: Mapping[str, str], index: str = "") -> dict[str, str]:
    """What pip's configuration says, in uv's variables. Addresses may hold passwords, so they are no arguments."""
    extra = " ".join(part for part in (index, *configured.get("extra-index-url", "").split()) if part)
    links = ",".join(configured.get("find-links", "").split())
    said = {
        "UV_INDEX_URL": configured.get("index-url", ""),
        "UV_EXTRA_INDEX_URL": extra,
        "UV_FIND_LINKS": links,
        "UV_INSECURE_HOST": configured.get("trusted-host", ""),
        "SSL_CERT_FILE": configured.get("cert", ""),
        "HTTPS_PROXY": configured.get("proxy", ""),
        # As pip does: the best version wherever it is, not the first index that knows the name.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    return {name: value for name, value in said.items() if value}


def _uv(folder: Path, log: Path) -> str:
    """A uv on the PATH, or one inside the environment, put there where that is possible."""
    own = folder / "bin" / "uv"
    found = shutil.which("uv")
    if not found and not own.exists():
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--no-input", "--progress-bar", "off", "uv"]
        commands.run(command, log, environment())
    return found or (str(own) if own.exists() else "")


def _pip_configuration(python: Path) -> dict[str, str]:
    """pip's options as files and variables set them. Variables come before [install], that before [global]."""
    found: dict[str, tuple[int, str]] = {}
    said = subprocess.run(
        [str(python), "-m", "pip", "config", "list"], capture_output=True, text=True, env=environment(), check=False
    )
    for line in said.stdout.splitlines():
        name, equals, value = line.partition("=")
        section, _, option = name.strip().rpartition(".")
        rank = {":env:": 2, "install": 1, "global": 0}.get(section, -1)
        if equals and rank > found.get(option, (-1, ""))[0]:
            with contextlib.suppress(ValueError, SyntaxError):
                found[option] = (rank, str(ast.literal_eval(value.strip())))
    return {option: value for option, (_, value) in found.items()}


def _is_on(value: str | None) -> bool:
    return (value or "").lower() in ("1", "true", "yes", "on", "y", "t")


def no_index(venv: Venv) -> bool:
    """Whether pip is configured to ask no index at all."""
    return _is_on(venv.configured.get("no-index"))


def _answer(python: Path, program: str, *arguments: str) -> str:
    """What a program prints with an interpreter, "" where it fails."""
    try:
        answer = subprocess.run(
            [str(python), "-c", program, *arguments], capture_output=True, text=True, env=environment(), check=False
        )
    except OSError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
