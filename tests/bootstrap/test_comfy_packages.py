"""What pip and uv are asked to install for ComfyUI, and what they may not."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from bootstrap.comfy import damage, packages
from bootstrap.comfy.install import Ready
from tests.support.comfy_bench import PINS, Bench
from tests.support.comfy_tree import tool
from tests.support.commands import bootstrap


def test_the_command_installs_starts_it_once_and_does_nothing_the_second_time(pip_bench: Bench, tmp_path: Path) -> None:
    done = bootstrap("install", env={**os.environ, **pip_bench.variables})
    assert done.returncode == 0, done.stderr
    made = pip_bench.in_use
    assert made is not None
    assert pip_bench.found == Ready(made)
    assert (made.commit, made.version, made.device, made.torch) == (pip_bench.commit, "0.27.0", "cpu", "2.13.0")
    assert f"ComfyUI 0.27.0 for cpu is ready in {made.folder}" in done.stdout
    assert (made.source / "main.py").exists()
    assert pip_bench.version("extra") == "1.0"
    assert not (made.folder / "trial").exists()
    shutil.rmtree(pip_bench.source.path)
    assert pip_bench.ensure() == made
    assert pip_bench.said == []


def test_no_requirement_replaces_torch_though_a_newer_one_is_there(pip_bench: Bench) -> None:
    pip_bench.ensure()
    assert {name: pip_bench.version(name) for name in PINS} == PINS


def test_packages_that_are_nowhere_are_an_error_and_the_next_call_goes_on(pip_bench: Bench) -> None:
    (pip_bench.wheels / "extra-1.0-py3-none-any.whl").rename(pip_bench.folder / "kept")
    error = pip_bench.refusal()
    assert (error.code, error.facts["what"]) == ("packages_failed", "ComfyUI's packages")
    assert "No matching distribution found for extra" in pip_bench.log
    (pip_bench.folder / "kept").rename(pip_bench.wheels / "extra-1.0-py3-none-any.whl")
    pip_bench.ensure()
    assert pip_bench.in_use is not None


def test_a_pack_that_asks_for_another_torch_is_refused(pip_bench: Bench) -> None:
    pip_bench.pack("Greedy", {"__init__.py": "NODE_CLASS_MAPPINGS = {}", "requirements.txt": "torch==9.9\n"})
    error = pip_bench.refusal()
    assert (error.code, error.facts["what"]) == ("packages_failed", "the packages of someone/Greedy")
    assert pip_bench.version("torch") == "2.13.0"


def test_what_removes_torch_past_the_constraints_is_an_error(pip_bench: Bench, tmp_path: Path) -> None:
    # A uv that does not heed the constraints, as a build of another tool might.
    folder = tool(
        tmp_path / "tools",
        "uv",
        f"""
        import subprocess, sys
        python = sys.argv[sys.argv.index("--python") + 1]
        asked = sys.argv[sys.argv.index("-c") + 2:]
        asked = ["torch==9.9" if name == "extra==1.0" else name for name in asked]
        options = ["--no-index", "--no-deps", "--find-links", {str(pip_bench.wheels)!r}]
        sys.exit(subprocess.call([python, "-m", "pip", "install", *options, *asked]))
        """,
    )
    pip_bench.pack("Greedy", {"__init__.py": ""}, more='extras = ["extra==1.0"]')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        error = pip_bench.refusal()
    assert error.code == "torch_replaced"
    assert "someone/Greedy replaced torch 2.13.0 by 9.9" in error.message


def test_where_uv_fails_pip_is_tried_and_uv_was_told_what_pip_knows(
    pip_bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "record.json"
    program = f"""
        import json, os, sys
        said = {{name: value for name, value in os.environ.items() if name.startswith(("UV_", "STUDIO_"))}}
        with open({str(record)!r}, "w") as file:
            json.dump([sys.argv, said], file)
        sys.exit("No solution found")
        """
    monkeypatch.setenv("PATH", f"{tool(tmp_path / 'tools', 'uv', program)}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://user:s3cret@packages.invalid/simple")
    made = pip_bench.ensure()
    assert pip_bench.in_use == made
    assert any("uv could not install torch; trying pip" in line for line in pip_bench.said)
    arguments, variables = json.loads(record.read_text())
    assert "--no-index" in arguments
    assert "s3cret" not in " ".join(arguments)
    assert variables["UV_FIND_LINKS"] == str(pip_bench.wheels)
    assert variables["UV_EXTRA_INDEX_URL"] == "https://user:s3cret@packages.invalid/simple"
    assert not any(name.startswith("STUDIO_") for name in variables)


@pytest.mark.parametrize("fails", [False, True])
def test_uv_makes_the_environment_and_where_it_fails_python_does(
    fails: bool, bench: Bench, fresh_venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    record = bench.folder / "record.json"
    program = f"""
        import json, os, shutil, sys
        with open({str(record)!r}, "w") as file:
            json.dump([sys.argv[1:], os.environ.get("UV_FIND_LINKS")], file)
        if {fails}:
            sys.exit("No solution found")
        shutil.copytree({str(fresh_venv)!r}, sys.argv[-1], symlinks=True, copy_function=os.link)
        """
    monkeypatch.setenv("PATH", f"{tool(bench.folder / 'first', 'uv', program)}{os.pathsep}{os.environ['PATH']}")
    made = packages.make(bench.folder / "made", bench.folder / "log")
    assert packages.versions(made, ["pip"])
    arguments, links = json.loads(record.read_text())
    assert arguments == ["venv", "--seed", "--python", sys.executable, "--no-index", str(bench.folder / "made")]
    assert links == str(bench.wheels)
    assert ("No solution found" in (bench.folder / "log").read_text()) == fails


def test_torch_comes_from_the_default_index_where_that_for_the_device_does_not_answer(
    pip_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    simple = pip_bench.folder / "simple"
    simple.mkdir()
    monkeypatch.setenv("PIP_INDEX_URL", simple.as_uri())
    # Nobody listens on the discard port of loopback, so that no request leaves this machine.
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    pip_bench.ensure()
    assert any("https://download.pytorch.org/whl/cpu does not answer" in line for line in pip_bench.said)
    assert pip_bench.version("torch") == "2.13.0"


def test_a_disk_that_takes_its_time_is_no_damage(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench.ensure()
    bench.site_packages("sitecustomize.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(damage, "_SECONDS", 0.2)
    assert bench.found == Ready(made)
