"""The reference page and `--help` say what the manifests say, of every setting of every mode."""

from __future__ import annotations

import re

import pytest

from workflows import manifest, reference
from workflows.manifest import Mode

PAGE = manifest.FOLDER.parent / "docs" / "reference.md"
MODES = [pytest.param(mode, id=mode.name) for mode in manifest.modes()]


def test_the_page_in_docs_is_the_one_that_is_made_now() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference.page()


@pytest.mark.parametrize("mode", MODES)
def test_the_page_names_every_setting_with_its_limits_and_default(mode: Mode) -> None:
    (section,) = re.findall(rf"\(`{mode.name}`\)\n(.*?)(?=\n## |\Z)", reference.page(), flags=re.DOTALL)
    for preset in mode.presets:
        assert f"| {preset.name} | {preset.summary} | {preset.cost} |" in section
    for field in mode.fields:
        (row,) = re.findall(rf"^\| `{field.name}` \|.*$", section, flags=re.MULTILINE)
        assert field.title in row
        assert field.help in row
        if field.min is not None:
            assert f"{field.min:g} to {field.max:g} {field.unit}".strip() in row
        for choice in field.choices if field.type == "choice" else ():
            assert choice in row
        assert ("Only with" in row) == bool(field.needs or field.when)


def test_help_names_every_setting_once() -> None:
    text = reference.help_text()
    for name in manifest.fields():
        assert len(re.findall(rf"^  {name} \(", text, flags=re.MULTILINE)) == 1
    assert max(map(len, text.splitlines())) <= reference.HELP_WIDTH
