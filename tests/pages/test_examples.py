"""The examples of the six modes: each fills its form with something that can be sent as it is."""

from __future__ import annotations

from typing import Any

import pytest

from pages.parts import examples
from tests.pages.visit import HOME, Visit
from workflows import manifest
from workflows.manifest import MEDIA_TYPES, Mode
from workflows.values import Media

MOST_BYTES = 2_000_000
EVERY_EXAMPLE = [(mode, number) for mode in manifest.modes() for number in range(len(mode.examples))]


def test_each_mode_has_two_examples_and_their_files_are_there_and_small() -> None:
    used, posters = {"make.py", "portraits.py", "sounds.py"}, set()
    for mode in manifest.modes():
        assert len({example.title for example in mode.examples}) == 2, mode.name
        for example in mode.examples:
            files = [str(example.values[name]) for name in example.values if mode.field(name).type in MEDIA_TYPES]
            used |= set(files)
            posters.add(example.poster)
    there = {path.name: path.stat().st_size for path in examples.FOLDER.iterdir() if path.is_file()}
    assert set(there) == used
    assert {path.name for path in (HOME.parent / "static" / "examples").iterdir()} == posters
    assert sum(there.values()) < MOST_BYTES


@pytest.mark.parametrize(
    ("mode", "number"), EVERY_EXAMPLE, ids=[f"{mode.name}-{mode.examples[n].title}" for mode, n in EVERY_EXAMPLE]
)
def test_an_example_fills_the_form_in_one_click(visit: Visit, mode: Mode, number: int) -> None:
    example = mode.examples[number]
    visit.open_mode(mode.name).set(f"{mode.name}.seed", "7").click(f"{mode.name}.example.{number}")
    assert {name: held(visit, mode, name) for name in example.values} == example.values
    assert visit.value(f"{mode.name}.seed") == ""
    assert visit.refusals == []
    assert any("frames" in text and "tokens" in text for text in visit.shown)


def held(visit: Visit, mode: Mode, name: str) -> Any:
    value = visit.value(f"{mode.name}.{name}")
    return value.source if isinstance(value, Media) else value


def test_an_example_keeps_the_preset_and_takes_the_form_of_its_picture(visit: Visit) -> None:
    visit.open_mode("i2v").set("i2v.preset", "fast").set("i2v.width", 512).click("i2v.example.1.short")
    assert visit.values("i2v", "preset", "aspect", "width", "height") == ["fast", "9:16", 384, 640]


def test_an_example_whose_file_is_gone_is_one_sentence_and_changes_nothing(
    visit: Visit, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    visit.open_mode("i2v").set("i2v.prompt", "a cat")
    monkeypatch.setattr(examples, "FOLDER", tmp_path)
    visit.click("i2v.example.0")
    assert ["sailboat.jpg" in refusal for refusal in visit.refusals] == [True]
    assert visit.value("i2v.prompt") == "a cat"
