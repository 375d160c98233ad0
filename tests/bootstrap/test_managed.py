"""The managed engine's way through `up`, with a stand-in for what was installed: the draft engine behind main.py."""

from __future__ import annotations

import sys
from pathlib import Path

from bootstrap import supervise
from bootstrap.comfy import install
from bootstrap.probe import engine_failure
from client import installs as state
from client import settings as configuration
from client import supervisor
from client.comfy_home import comfyui
from client.installs import Install
from tests.bootstrap.conftest import Running
from tests.bootstrap.test_lifecycle import report
from tests.support.commands import CHECKOUT, bootstrap, eventually
from tests.support.ports import free_ports

MAIN = f"""
import argparse, os, sys
sys.path.insert(0, {str(CHECKOUT)!r})
from bootstrap.draft.__main__ import main
parser = argparse.ArgumentParser(allow_abbrev=False)
for name in ("listen", "port", "base-directory", "max-upload-size"):
    parser.add_argument(f"--{{name}}")
known = parser.parse_known_args()[0]
print("working in", os.getcwd(), "for", sorted(name for name in os.environ if name.startswith("STUDIO_")), flush=True)
sys.exit(main([word for name, value in vars(known).items() for word in (f"--{{name.replace('_', '-')}}", value)]))
"""


def installed(data: Path) -> Install:
    """What these settings ask for, as if it had been installed."""
    asked = configuration.read({"STUDIO_DATA": str(data), "STUDIO_DEVICE": "cpu"})
    name, home = install.wanted(asked).name, comfyui(asked)
    made = Install(name, asked.comfyui_commit, "0.27.0", "cpu", "core", (), (), "2.13.0", home.installs / name)
    made.source.mkdir(parents=True)
    (made.source / "main.py").write_text(MAIN)
    made.python.parent.mkdir(parents=True)
    made.python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    made.python.chmod(0o755)
    state.mark_ready(made)
    state.write_json(home.current, {"name": name, "before": None})
    return made


def test_what_is_installed_is_started_supervised_and_held(running: Running, tmp_path: Path) -> None:
    made = installed(tmp_path)
    port, engine_port = free_ports(2)
    flags = ("--data", tmp_path, "--port", port, "--engine-port", engine_port, "--device", "cpu")
    started = bootstrap("up", "--detach", *flags)
    try:
        assert started.returncode == 0, started.stderr
        log = tmp_path / "logs" / "engine.log"
        first, ready = started.stdout.splitlines()
        assert first.startswith("Starting ComfyUI")
        assert str(log) in first
        assert "(managed engine)" in ready
        code, found = report(tmp_path)
        assert (code, found["engine"]) == (0, "managed")
        assert f"working in {made.source} for []" in log.read_text()
        assert (tmp_path / "comfyui" / "base" / "input").is_dir()
        assert state.held(made.folder)
        studio = supervise.find(tmp_path)
        assert studio is not None
        before = supervisor.states(studio.socket)
        assert before["watchdog"].state == "RUNNING"
        supervisor.restart(studio.socket, "engine")
        assert eventually(lambda: not engine_failure(found["engine_url"]))
        assert supervisor.states(studio.socket)["engine"].pid != before["engine"].pid
    finally:
        assert bootstrap("down", "--data", tmp_path).returncode == 0
    assert not state.held(made.folder)


def test_an_install_that_does_not_start_is_quoted_and_nothing_stays(running: Running, tmp_path: Path) -> None:
    made = installed(tmp_path)
    port, engine_port = free_ports(2)
    flags = ("--data", tmp_path, "--port", port, "--engine-port", engine_port, "--engine", "managed", "--device", "cpu")
    (made.source / "main.py").write_text("import sys; print('no torch here'); sys.exit(3)")
    ended = bootstrap("up", "--detach", *flags)
    assert ended.returncode == 1
    said = ended.stderr.splitlines()
    assert said[-2].strip() == "no torch here"
    assert said[-1].startswith("The engine does not start; its log is ")
    assert supervise.find(tmp_path) is None
    assert not state.held(made.folder)
