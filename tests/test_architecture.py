"""The rules every file keeps: which room may import which, and how a module looks."""

from __future__ import annotations

import argparse
import ast
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bootstrap.cli
import client.__main__
import workflows.__main__
from client.settings import SETTINGS
from tests.workflows.helpers import model_lists
from workflows import manifest

CHECKOUT = Path(__file__).parent.parent
MAY_IMPORT = {
    "workflows": {"workflows"},
    "client": {"client", "workflows"},
    "bootstrap": {"bootstrap", "client", "workflows"},
    "pages": {"pages", "client", "workflows"},
    "Home.py": {"pages", "client", "workflows"},
}
ROOMS = {"workflows", "client", "bootstrap", "pages", "tests", "Home"}
FIRST_STAGE = (
    "bootstrap.cli",
    "client.settings",
    "workflows.access",
    "workflows.address",
    "workflows.errors",
    "workflows.server",
)
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


def test_workflows_knows_no_clock_and_no_network_beyond_one_module() -> None:
    beyond = {"aiohttp", "asyncio", "datetime", "http", "requests", "socket", "sqlite3", "time", "urllib", "websocket"}
    pure = {"urllib.parse"}
    users = {
        path
        for path in OURS
        if path.parts[0] == "workflows" and beyond & {name.partition(".")[0] for name in {*imports(path)} - pure}
    }
    assert users <= {Path("workflows/server.py")}


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


def readme_table(*headings: str) -> list[list[str]]:
    """The rows of the README's table with these headings, as cells without the marks for code."""
    lines = iter((CHECKOUT / "README.md").read_text(encoding="utf-8").splitlines())
    assert any(cells(line) == list(headings) for line in lines), f"the README has no table {headings}"
    return [cells(line) for line in itertools.takewhile(lambda line: line.startswith("|"), lines)][1:]


def cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "") for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def test_the_readme_has_every_setting_and_no_other() -> None:
    rows = readme_table("variable", "flag of up", "default", "meaning")
    assert rows == [[setting.env, setting.flag, setting.default, setting.meaning] for setting in SETTINGS]


def options(prefix: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Every (command, option) of a parser and its verbs; of an option with two names the long one."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, of_verb in action.choices.items():
                yield from options(f"{prefix} {verb}", of_verb)
        elif action.option_strings and not isinstance(action, argparse._HelpAction):
            yield prefix, max(action.option_strings, key=len)


def options_of_the_tests() -> Iterator[tuple[str, str]]:
    """The options that the tests add to pytest."""
    for node in ast.walk(ast.parse(source(Path("tests/conftest.py")))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".addoption"):
            assert isinstance(node.args[0], ast.Constant)
            yield "bootstrap test", str(node.args[0].value)


def test_the_readme_has_every_option_of_every_command_and_no_other() -> None:
    rows = readme_table("command", "option", "meaning")
    taken = [
        *options("bootstrap", bootstrap.cli._parser()),
        *options("client", client.__main__._arguments()),
        *options("workflows", workflows.__main__._arguments()),
        *options_of_the_tests(),
    ]
    settings = {("bootstrap up", setting.flag) for setting in SETTINGS}
    assert sorted((command, option) for command, option, _ in rows) == sorted({*taken} - settings)
    assert all(meaning for _, _, meaning in rows)


def test_the_readme_has_every_mode_preset_and_model_file() -> None:
    rows = readme_table("mode", "page", "what it makes")
    assert [row[:2] for row in rows] == [[mode.name, mode.title] for mode in manifest.modes()]
    presets = [row[0] for row in readme_table("preset", "what it does to the graph")]
    assert presets == [preset.name for preset in manifest.modes()[0].presets]
    files = {re.sub(r"camera-control-.*", "camera-control-<move>.safetensors", name) for name in model_names()}
    assert {row[0] for row in readme_table("file", "folder", "from", "for")} == files


def model_names() -> set[str]:
    """Every model file that a graph of the studio names."""
    return {name for names in model_lists().values() for name in names}
