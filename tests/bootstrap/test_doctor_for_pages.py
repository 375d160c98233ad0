"""The doctor's findings as a page gets them."""

from pathlib import Path

import pytest

from client import doctor
from tests.support.commands import eventually


def test_a_page_gets_what_the_command_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_DATA", str(tmp_path))
    monkeypatch.setenv("STUDIO_ENGINE", "draft")
    looking = doctor.Doctor()
    looking.look()
    assert looking.busy
    assert eventually(lambda: looking.report() is not None, 60)
    report = looking.report()
    assert report is not None
    assert report.failure == ""
    found = {finding.name: finding for finding in report.findings}
    assert str(tmp_path) in found["Data"].text
    assert found["Engine"].text.startswith("draft")
    assert report.blocked == any(finding.level == "problem" for finding in report.findings)


def test_settings_that_make_no_sense_are_a_problem_with_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_DATA", str(tmp_path))
    monkeypatch.setenv("STUDIO_PORT", "many")
    report = doctor.examine()
    assert report.blocked
    assert any("STUDIO_PORT" in finding.text for finding in report.findings)
