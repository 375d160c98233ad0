"""`python -m workflows` as it is run: exit codes, what goes to stdout and what to stderr."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.scripted import Scripted
from tests.workflows.helpers import CASES, server_with
from workflows import manifest, schema
from workflows.build import build
from workflows.request import parse

CHECKOUT = manifest.FOLDER.parent
NOBODY = "http://127.0.0.1:1"


def run(*arguments: str, folder: Path = CHECKOUT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workflows", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONUTF8": "1", **env},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def serving(object_info: Any) -> Scripted:
    """A server that answers `GET /object_info`."""
    return Scripted({"GET /object_info": lambda _: (200, object_info)})


def refused(*arguments: str) -> str:
    """The one sentence (and hint) of a run that had bad input."""
    ended = run(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr.strip()


def test_build_prints_the_graph_and_says_what_will_be_made() -> None:
    arguments = ("--preset", "fast", "--set", "prompt=Ein Drachen über dem Meer", "--set", "seed=7")
    ended = run("build", "t2v", *arguments, "--set", "seconds=3", "--set", "negative_prompt=fog")
    assert ended.returncode == 0
    values = {"preset": "fast", "prompt": "Ein Drachen über dem Meer", "seed": 7, "seconds": 3}
    values["negative_prompt"] = "fog"
    assert json.loads(ended.stdout) == build(parse("t2v", values))
    assert "über" in ended.stdout
    shape, note = ended.stderr.splitlines()
    assert shape == "640×384, 73 frames at 24 fps, 3.04 s"
    assert note.startswith("Negative prompt has no effect with the preset Fast")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["build", "t2v"], "Prompt is empty."),
        (["build", "t2v", "--set", "prompt=x", "--set", "seconds=0"], "Duration must be between 0.3 and 20 s; "),
        (["build", "t2v", "--set", "prompt"], "'prompt' does not set anything. Write --set NAME=VALUE."),
        (["check", "--server", NOBODY], f"The engine at {NOBODY} does not answer"),
    ],
    ids=["empty", "range", "assignment", "unreachable"],
)
def test_bad_input_is_one_sentence_on_stderr(arguments: list[str], sentence: str) -> None:
    assert refused(*arguments).startswith(sentence)


def test_the_graph_is_printed_whole_where_output_is_ascii() -> None:
    ended = run("build", "t2v", "--set", "prompt=é 雨", "--set", "seed=7", PYTHONIOENCODING="ascii")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == build(parse("t2v", {"prompt": "é 雨", "seed": 7}))
    assert run("build", "--help", PYTHONIOENCODING="ascii").returncode == 0


def test_text_that_is_not_unicode_is_bad_input() -> None:
    refused("build", "t2v", "--set", os.fsdecode(b"prompt=a \xff kite"))


def test_an_address_with_a_broken_port_is_bad_input() -> None:
    assert "no web address" in refused("check", "--server", "http://127.0.0.1:port")


def test_an_address_without_a_scheme_is_bad_input() -> None:
    for verb in ("check", "schema"):
        assert refused(verb, "--server", "127.0.0.1:8188").startswith("--server is no web address: 127.0.0.1:8188")


def test_a_server_that_is_something_else_is_bad_input() -> None:
    with serving(["not", "nodes"]) as server:
        refused("check", "--server", server.url)


def test_an_unknown_mode_is_bad_input() -> None:
    ended = run("build", "v2t", "--set", "prompt=x")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "'v2t'" in ended.stderr
    assert all(name in ended.stderr for name in manifest.MODES)


def test_check_passes_on_the_recorded_interfaces() -> None:
    ended = run("check")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        f"{mode.name} {preset.name}: ok" for mode in manifest.modes() for preset in mode.presets
    ]


def test_check_passes_on_a_server_with_the_files_in_a_subfolder_whatever_proxy_leads_to_the_internet() -> None:
    with serving(server_with("ltx/")) as server:
        ended = run("check", "--server", f"{server.url}/", http_proxy=NOBODY, no_proxy="", NO_PROXY="")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count(": ok") == len(CASES)


def test_check_fails_on_a_server_that_lacks_a_node_and_a_file() -> None:
    lacking = server_with("")
    lacking["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"][0] = ["other.safetensors"]
    del lacking["LTXVImgToVideoInplace"]
    with serving(lacking) as server:
        ended = run("check", "--server", server.url)
    assert ended.returncode == 1
    assert ": ok" not in ended.stdout
    assert "\n  Load checkpoint.ckpt_name: 'ltx-2.3-22b-dev-fp8.safetensors' is not one of the 1 " in ended.stdout
    assert "\n  Stage 2 first frame: the engine has no node LTXVImgToVideoInplace\n" in ended.stdout


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with a copy of the package that may be written to."""
    shutil.copytree(manifest.FOLDER, tmp_path / "workflows", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def recorded_from(object_info: dict[str, Any], package: Path) -> bytes:
    """What `schema` writes for a server that answers so."""
    with serving(object_info) as server:
        ended = run("schema", "--server", server.url, folder=package)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{len(schema.recorded())} node interfaces recorded in schema.json\n"
    return (package / "workflows" / "schema.json").read_bytes()


HIDDEN = "the specification of a hidden input is no list: AttributeError"


def test_schema_records_the_nodes_in_use_without_anybodys_files(package: Path) -> None:
    answer = server_with("private/")
    answer["LoadImage"]["input"]["required"]["image"][0] = ["private/holiday.png"]
    answer["PrivateNode"] = copy.deepcopy(answer["PreviewAny"])
    answer["CLIPTextEncode"]["description"] = "A text for people."
    answer["CLIPTextEncode"]["input"]["required"]["text"][1]["tooltip"] = "A text for people."
    written = recorded_from(answer, package)
    assert b"private" not in written.lower()
    assert b"for people" not in written
    assert json.loads(written).keys() == schema.recorded().keys()


def test_the_shipped_interfaces_are_what_schema_records(package: Path) -> None:
    assert recorded_from(server_with("private/"), package) == schema.SCHEMA_FILE.read_bytes()


def test_schema_leaves_the_file_alone_when_the_server_does_not_answer(package: Path) -> None:
    ended = run("schema", "--server", NOBODY, folder=package)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert (package / "workflows" / "schema.json").read_bytes() == schema.SCHEMA_FILE.read_bytes()
