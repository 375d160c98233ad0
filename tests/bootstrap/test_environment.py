from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bootstrap import environment
from client import accelerator
from tests.support.commands import CHECKOUT, bootstrap
from tests.support.commands import environment as clean

GPU = accelerator.detect()


def test_torch_is_left_out_and_nothing_else() -> None:
    text = (CHECKOUT / "requirements.txt").read_text()
    left_out = set(text.splitlines()) - set(environment.without_torch(text).splitlines())
    assert {line.partition("==")[0] for line in left_out} == {"torch"}


@pytest.mark.parametrize(
    "line", ["torch", "Torch>=2", " torch ==2.13.0 ; sys_platform != 'win32'", "torch[x]==2", "torch @ file:///t"]
)
def test_torch_is_known_in_every_spelling(line: str) -> None:
    assert environment.without_torch(f"a==1\n{line}\nb==2\n") == "a==1\nb==2\n"


@pytest.mark.parametrize("line", ["torchaudio==2.11.0", "torch-geometric", "pytorch", "# torch"])
def test_what_is_only_named_like_torch_stays(line: str) -> None:
    assert environment.without_torch(f"{line}\n") == f"{line}\n"


def test_the_stamp_tells_requirements_and_torch_apart() -> None:
    stamps = {environment.stamp("a==1", False), environment.stamp("a==1", True), environment.stamp("a==2", False)}
    assert len(stamps) == 3
    assert environment.stamp("a==1", False) in stamps


def wheel(folder: Path, name: str, version: str) -> None:
    """A package with one empty module, as pip takes it without a network."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


class Copy:
    """A checkout with requirements of its own, which pip finds in a folder instead of on the network."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "a check out"
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        for room in ("bootstrap", "client", "workflows"):
            shutil.copytree(CHECKOUT / room, self.path / room, ignore=shutil.ignore_patterns("__pycache__"))
        (self.path / "tests").mkdir()
        for name, version in (("demo", "1.0"), ("demo", "2.0"), ("probe", "1.0"), ("torch", "2.13.0")):
            wheel(self.wheels, name, version)
        self.require("demo==1.0\ntorch==2.13.0\n")
        (self.path / "tests" / "requirements.txt").write_text("probe==1.0\n")

    def require(self, text: str) -> None:
        (self.path / "requirements.txt").write_text(text)

    def variables(self, tools: Path | None = None) -> dict[str, str]:
        path = os.environ["PATH"] if tools is None else f"{tools}{os.pathsep}{os.environ['PATH']}"
        # The browser is named, so that nothing is installed for it.
        browser = {"STUDIO_TEST_CHROMIUM": shutil.which("true") or ""}
        return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_USER": "1", "PATH": path, **browser}

    def set_up(self, tools: Path | None = None) -> subprocess.CompletedProcess[str]:
        return bootstrap("test", "--setup-only", checkout=self.path, env=self.variables(tools))

    def installed(self) -> dict[str, str]:
        """Versions by name of what pip has put into the environment."""
        program = (
            "import json, importlib.metadata as m; print(json.dumps({d.name: d.version for d in m.distributions()}))"
        )
        python = self.path / ".venv" / "bin" / "python"
        listed = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, check=True)
        found: dict[str, str] = json.loads(listed.stdout)
        return {name: version for name, version in found.items() if name not in ("pip", "setuptools")}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy whose set-up was broken off, its interpreter gone; two commands at once finish it."""
    made = Copy(tmp_path_factory.mktemp("checkout"))
    (made.path / ".venv" / "bin").mkdir(parents=True)
    (made.path / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    (made.path / ".venv" / "lib").mkdir()
    (made.path / ".venv" / "lib" / "half").touch()
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "bootstrap", "test", "--setup-only"],
            cwd=made.path,
            env=clean(made.variables()),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [command.communicate(timeout=120)[0] for command in commands]
    assert [command.returncode for command in commands] == [0, 0], said
    assert sorted("Set-up is complete." in text for text in said) == [False, True]
    assert sorted("Setting up .venv: about 240 MB" in text for text in said) == [False, True]
    return made


@pytest.mark.skipif(bool(GPU), reason="this machine has a GPU, so torch is installed")
def test_a_broken_set_up_is_finished_once_by_two_commands_without_torch(copy: Copy) -> None:
    assert copy.installed() == {"demo": "1.0", "probe": "1.0"}
    assert not (copy.path / ".venv" / "lib" / "half").exists()


def test_a_second_set_up_does_nothing(copy: Copy) -> None:
    log = copy.path / "data" / "logs" / "setup.log"
    before = log.stat().st_mtime_ns
    again = copy.set_up()
    assert again.returncode == 0
    assert "Setting up" not in again.stdout
    assert log.stat().st_mtime_ns == before


def test_changed_requirements_are_followed(copy: Copy) -> None:
    copy.require("demo==2.0\ntorch==2.13.0\n")
    changed = copy.set_up()
    assert changed.returncode == 0, changed.stderr
    assert "Bringing .venv up to the changed requirements." in changed.stdout
    assert copy.installed()["demo"] == "2.0"


def test_torch_comes_with_a_gpu(copy: Copy, tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA L4'\n")
    tool.chmod(0o755)
    assert copy.set_up(tools=tmp_path).returncode == 0
    assert copy.installed()["torch"] == "2.13.0"


def test_a_failed_set_up_shows_why_and_is_finished_later(copy: Copy) -> None:
    copy.require("absent==3.0\n")
    failed = copy.set_up()
    assert failed.returncode == 1
    assert "No matching distribution found for absent==3.0" in failed.stdout
    (line,) = failed.stderr.splitlines()
    assert line.startswith("Setting up .venv failed while installing requirements.txt")
    assert str(copy.path / "data" / "logs" / "setup.log") in line
    copy.require("demo==1.0\n")
    assert copy.set_up().returncode == 0
    assert copy.installed()["demo"] == "1.0"


def test_a_python_without_venv_says_what_to_install(copy: Copy, tmp_path: Path) -> None:
    (copy.path / ".venv" / "stamp-studio").unlink()
    hidden = "import sys, runpy; sys.modules['ensurepip'] = None; sys.argv[1:] = ['test', '--setup-only']; "
    program = f"{hidden}sys.path.insert(0, '.'); runpy.run_module('bootstrap', run_name='__main__')"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=copy.path, env=clean(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "its module ensurepip is missing. On Debian or Ubuntu install python3-venv" in ended.stderr


def test_the_tests_are_run_with_their_arguments_and_exit_code(copy: Copy) -> None:
    copy.require("demo==1.0\n")
    pytest_module = copy.path / "pytest.py"
    pytest_module.write_text("import os, sys; print(sys.argv[1:], os.environ['STUDIO_TEST_CHROMIUM']); sys.exit(5)")
    ended = bootstrap("test", "tests/x.py", "-k", "a or b", "--lf", checkout=copy.path, env=copy.variables())
    assert ended.returncode == 5
    assert f"['tests/x.py', '-k', 'a or b', '--lf'] {shutil.which('true')}" in ended.stdout
