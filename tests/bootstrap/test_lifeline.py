"""What a command starts: it hears SIGINT wherever the command was started, and does not outlive it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap import commands
from bootstrap.comfy import trial
from tests.support.comfy_tree import MAIN, TORCH
from tests.support.commands import CHECKOUT, alive, eventually


@pytest.fixture
def background() -> Iterator[None]:
    """As a shell's & starts a command: SIGINT is ignored, here and in what is started."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("background")
def test_a_command_of_a_set_up_hears_sigint_though_a_shell_had_it_ignored(tmp_path: Path) -> None:
    program = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert commands.run([sys.executable, "-c", program], tmp_path / "log", os.environ) == 0
    assert (tmp_path / "log").read_text() == "True\n"


@pytest.mark.usefixtures("background")
def test_the_engine_that_is_tried_ends_well_though_a_shell_had_sigint_ignored(tmp_path: Path) -> None:
    files = {
        "source/main.py": f"{MAIN}\nprint('ended well', flush=True)\n",
        "source/comfyui_version.py": "__version__ = '0.27.0'",
        "source/torch.py": TORCH.format(version="2.13.0"),
        "source/behaviour": "answers",
        "venv/bin/python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "venv" / "bin" / "python").chmod(0o755)
    assert trial.run(tmp_path, (), "cpu", os.environ) == trial.Answered("0.27.0", ())
    assert (tmp_path / "trial.log").read_text().splitlines()[-1] == "ended well"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_what_a_killed_command_had_started_does_not_outlive_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = "import os, time; print(os.getpid(), flush=True); time.sleep(1000)"
    program = (
        "import os, pathlib, sys; from bootstrap import commands; "
        f"commands.run([sys.executable, '-c', {child!r}], pathlib.Path({str(log)!r}), os.environ)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=CHECKOUT)
    assert eventually(lambda: log.exists() and log.read_text().endswith("\n"))
    pid = int(log.read_text())
    assert alive(pid)
    parent.kill()
    parent.wait()
    assert eventually(lambda: not alive(pid))
