from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootstrap import chromium
from bootstrap.chromium import Absent, Found


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def said() -> list[str]:
    return []


def test_a_named_browser_is_taken_when_it_starts(tmp_path: Path, said: list[str]) -> None:
    good = program(tmp_path / "browser", "echo Chromium 1")
    assert chromium.provide({chromium.VARIABLE: good}, tmp_path / "log", said.append) == Found(good)
    bad = program(tmp_path / "broken", "exit 1")
    absent = chromium.provide({chromium.VARIABLE: bad}, tmp_path / "log", said.append)
    assert isinstance(absent, Absent)
    assert bad in absent.reason


def test_an_installed_browser_is_found_past_one_that_does_not_start(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path / "chromium-browser", "exit 1")
    good = program(tmp_path / "google-chrome", "exit 0")
    assert chromium.provide({}, tmp_path / "log", said.append) == Found(good)
    assert said == []


@pytest.mark.parametrize(("installs", "reason"), [(True, ""), (False, "apt-get install")])
def test_root_installs_one_by_apt_get(
    installs: bool, reason: str, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("shutil.which", lambda name: str(tmp_path / name) if (tmp_path / name).exists() else None)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    browser = tmp_path / "chromium"
    makes = f"printf '#!/bin/sh\\n' > {browser}; chmod +x {browser}" if installs else "exit 100"
    program(tmp_path / "apt-get", f'echo "$@"; [ "$1" = update ] || {{ {makes}; }}')
    provided = chromium.provide({}, tmp_path / "log", said.append)
    assert len(said) == 1
    assert (tmp_path / "log").read_text().startswith("update\ninstall -y")
    if installs:
        assert provided == Found(str(browser))
    else:
        assert isinstance(provided, Absent)
        assert reason in provided.reason


def test_nobody_else_installs_anything(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.system", lambda: "Linux")
    ran = tmp_path / "ran"
    program(tmp_path / "apt-get", f"echo > {ran}")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    provided = chromium.provide({}, tmp_path / "log", said.append)
    assert isinstance(provided, Absent)
    assert "only root" in provided.reason
    assert chromium.variables(provided) == {chromium.VARIABLE: "", chromium.REASON_VARIABLE: provided.reason}
    assert not ran.exists()
