from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tests.support.commands import CHECKOUT


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py"])
def test_what_an_old_python_reads_is_in_its_syntax(name: str) -> None:
    ast.parse((CHECKOUT / "bootstrap" / name).read_text(), feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 10, 13)])
def test_an_old_python_gets_one_sentence(version: tuple[int, int, int]) -> None:
    program = f"import runpy, sys; sys.version_info = {version}; runpy.run_module('bootstrap', run_name='__main__')"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert f"needs Python 3.11 or newer, and this is {version[0]}.{version[1]}" in line
    assert "python3.11 -m bootstrap up" in line
