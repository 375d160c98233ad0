"""The rules every file keeps: which room may import which, and how a module looks."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.settings import SETTINGS, Setting

CHECKOUT = Path(__file__).parent.parent
MAY_IMPORT = {
    "workflows": {"workflows"},
    "client": {"client", "workflows"},
    "bootstrap": {"bootstrap", "client", "workflows"},
    "pages": {"pages", "client", "workflows"},
    "Home.py": {"pages", "client", "workflows"},
}
ROOMS = {"workflows", "client", "bootstrap", "pages", "tests", "Home"}
FIRST_STAGE = ("bootstrap.cli", "client.settings", "workflows.errors")
"""What runs before anything is installed: `python3 -m bootstrap` and what it reads."""
MAX_LINES = 400
EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff]")


def python_files(*rooms: str) -> list[Path]:
    """The Python files of rooms (folders or single files), as paths in the checkout."""
    found = [path for room in rooms for path in ([CHECKOUT / room, *(CHECKOUT / room).rglob("*.py")])]
    return sorted(path.relative_to(CHECKOUT) for path in found if path.is_file())


OURS = python_files(*MAY_IMPORT)
ALL = [*OURS, *python_files("tests", "benchmarks")]


def source(path: Path) -> str:
    return (CHECKOUT / path).read_text(encoding="utf-8")


def imports(path: Path) -> Iterator[str]:
    """The dotted name of every module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(source(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(path.parts[: len(path.parts) - node.level]) if node.level else ""
            yield ".".join(part for part in (package, node.module) if part)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from (
                arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            )


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


def test_all_rooms_are_looked_at() -> None:
    assert {path.parts[0] for path in OURS} == MAY_IMPORT.keys()
    assert {path.stem for path in CHECKOUT.glob("*.py")} <= ROOMS


def test_imports_point_one_way() -> None:
    astray = {path: roots(path) & ROOMS - MAY_IMPORT[path.parts[0]] for path in OURS}
    assert {path: names for path, names in astray.items() if names} == {}


def test_streamlit_is_imported_only_where_pages_are_made_and_served() -> None:
    users = {path for path in OURS if "streamlit" in roots(path)}
    assert {path for path in users if path.parts[0] not in ("pages", "Home.py")} <= {Path("bootstrap/serve.py")}


def test_workflows_knows_no_clock_and_no_network_beyond_its_command_line() -> None:
    beyond = {"aiohttp", "asyncio", "datetime", "http", "requests", "socket", "sqlite3", "time", "urllib", "websocket"}
    users = {path for path in OURS if path.parts[0] == "workflows" and roots(path) & beyond}
    assert users <= {Path("workflows/__main__.py")}


def test_the_first_stage_needs_the_standard_library_only() -> None:
    # -S leaves the environment's packages out, so that an import of any of them fails.
    program = f"import {', '.join(FIRST_STAGE)}"
    ended = subprocess.run(
        [sys.executable, "-S", "-c", program], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_no_module_is_long() -> None:
    assert {path: lines for path in ALL if (lines := len(source(path).splitlines())) > MAX_LINES} == {}


def test_no_module_has_a_match_statement() -> None:
    assert [
        path for path in ALL if any(isinstance(node, ast.Match) for node in ast.walk(ast.parse(source(path))))
    ] == []


def test_no_module_has_an_emoji() -> None:
    assert {path: found for path in ALL if (found := EMOJI.findall(source(path)))} == {}


def readme_rows() -> list[list[str]]:
    """The cells of every table row of the README, without the marks for code."""
    lines = (CHECKOUT / "README.md").read_text(encoding="utf-8").splitlines()
    return [[cell.strip().strip("`") for cell in line.strip("| ").split("|")] for line in lines if line.startswith("|")]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.env)
def test_every_setting_is_in_the_readme(setting: Setting) -> None:
    rows = [set(row) for row in readme_rows() if setting.env in row]
    assert len(rows) == 1, f"{setting.env} is in {len(rows)} rows of the README's tables"
    assert {setting.env, setting.flag, setting.default} - {""} <= rows[0]


def test_the_readme_has_no_setting_that_is_gone() -> None:
    named = {cell for row in readme_rows() for cell in row if re.fullmatch("STUDIO_[A-Z_]+", cell)}
    assert named == {setting.env for setting in SETTINGS}
