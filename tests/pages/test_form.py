"""The form is what the manifest says, tells the truth as it changes, and sends only what it may."""

from __future__ import annotations

import pytest

from client.jobs import JobManager
from pages.parts.lora_rows import NONE_LISTED
from tests.pages.visit import Visit
from tests.support.uploads import png
from workflows import manifest
from workflows.manifest import MEDIA_TYPES

EVERY_PRESET = [(mode.name, preset.name) for mode in manifest.modes() for preset in mode.presets]


def upload(visit: Visit, key: str, name: str, data: bytes) -> None:
    visit.app.file_uploader(key=key).upload(name, data, "image/png")
    visit.run()


@pytest.mark.parametrize(("mode_name", "preset_name"), EVERY_PRESET)
def test_a_form_has_a_control_for_every_effective_field_and_no_other(
    visit: Visit, mode_name: str, preset_name: str
) -> None:
    mode = manifest.mode(mode_name)
    visit.open_mode(mode_name).set(f"{mode_name}.preset", preset_name)
    effective = {field.name for field in mode.fields_for(mode.preset(preset_name), {})}
    shown = {
        field.name: any(caption.value == NONE_LISTED for caption in visit.app.caption)
        if field.type == "loras"
        else visit.has(f"{mode_name}.{field.name}{'.upload.0' if field.type in MEDIA_TYPES else ''}")
        for field in manifest.fields().values()
    }
    assert {name for name, there in shown.items() if there} == effective
    assert [preset.title for preset in mode.presets] == visit.app.get_by_key(f"{mode_name}.preset").options


@pytest.mark.parametrize(("mode_name", "preset_name"), EVERY_PRESET)
def test_a_form_starts_at_the_presets_defaults(visit: Visit, mode_name: str, preset_name: str) -> None:
    mode = manifest.mode(mode_name)
    visit.open_mode(mode_name).set(f"{mode_name}.preset", preset_name)
    for field in mode.fields_for(mode.preset(preset_name), {}):
        if field.follows:
            assert visit.value(f"{mode_name}.{field.name}") is None
        elif field.default is not None and field.type != "loras":
            assert visit.value(f"{mode_name}.{field.name}") == field.default, field.name


@pytest.mark.parametrize(("mode_name", "preset_name"), EVERY_PRESET)
def test_no_size_that_is_offered_is_more_than_the_preset_makes(visit: Visit, mode_name: str, preset_name: str) -> None:
    visit.open_mode(mode_name).set(f"{mode_name}.preset", preset_name)
    for resolution in manifest.mode(mode_name).preset(preset_name).resolutions:
        visit.set(f"{mode_name}.resolution", resolution)
        for aspect in ("16:9", "9:16", "1:1", "3:2", "21:9"):
            visit.set(f"{mode_name}.aspect", aspect)
            assert not visit.refusals, (resolution, aspect)
            assert visit.values(mode_name, "resolution", "aspect") == [resolution, aspect]


def test_a_resolution_keeps_the_aspect_and_says_what_it_is_for(visit: Visit) -> None:
    visit.open_mode("t2v").set("t2v.aspect", "9:16").set("t2v.resolution", "large")
    assert visit.values("t2v", "width", "height") == [1088, 1920]
    assert any("1088×1920" in text and "32,640 tokens" in text for text in visit.shown)
    assert any("1088×1920. More than twice the pixels" in caption.value for caption in visit.app.caption)
    visit.set("t2v.preset", "fast")
    assert visit.values("t2v", "aspect", "resolution", "width", "height") == ["9:16", "large", 448, 768]
    visit.set("t2v.height", 704)
    assert visit.values("t2v", "aspect", "resolution") == [None, None]
    assert any("448×704. A size of your own" in caption.value for caption in visit.app.caption)
    visit.set("t2v.resolution", "standard")
    assert visit.values("t2v", "aspect", "width", "height") == ["9:16", 384, 640]


def test_a_resolution_that_the_next_preset_lacks_becomes_the_standard_one(visit: Visit) -> None:
    visit.open_mode("style").set("style.resolution", "large").set("style.preset", "fast")
    assert visit.values("style", "resolution", "width", "height") == ["standard", 768, 448]


def test_a_picture_chooses_the_aspect_nearest_to_it_unless_the_size_is_ones_own(visit: Visit) -> None:
    visit.open_mode("i2v").set("i2v.resolution", "small")
    upload(visit, "i2v.image.upload.0", "portrait.png", png(300, 500))
    assert visit.values("i2v", "aspect", "resolution", "width", "height") == ["9:16", "small", 512, 896]
    visit.set("i2v.aspect", "1:1").click("i2v.image.replace")
    visit.set("i2v.width", 512)
    upload(visit, "i2v.image.upload.1", "wide.png", png(640, 360))
    assert visit.values("i2v", "aspect", "width", "height") == [None, 512, 640]


def test_only_the_first_of_two_key_frames_chooses_the_aspect(visit: Visit) -> None:
    visit.open_mode("keyframe")
    upload(visit, "keyframe.last_frame.upload.0", "portrait.png", png(300, 500))
    assert visit.value("keyframe.aspect") == "16:9"
    upload(visit, "keyframe.first_frame.upload.0", "square.png", png(500, 500))
    assert visit.value("keyframe.aspect") == "1:1"


def test_what_will_be_made_stands_beside_generate_and_follows_the_form(visit: Visit) -> None:
    visit.open_mode("t2v")
    assert any("1280×704" in text and "121 frames" in text and "5.04 s at 24 fps" in text for text in visit.shown)
    assert any("14,080 tokens" in text for text in visit.shown)
    visit.set("t2v.seconds", 3.0).set("t2v.aspect", "9:16").set("t2v.fps", 30.0)
    assert any("704×1280" in text and "89 frames" in text and "2.97 s at 30 fps" in text for text in visit.shown)
    visit.set("t2v.width", 1000)
    assert any("1024×1280" in text for text in visit.shown)
    assert visit.value("t2v.aspect") is None


def test_a_preset_brings_its_defaults_and_leaves_what_was_set(visit: Visit) -> None:
    visit.open_mode("i2v").set("i2v.fps", 30.0).set("i2v.aspect", "1:1").set("i2v.preset", "fast")
    assert visit.values("i2v", "image_strength", "fps", "width", "height") == [1.0, 30.0, 512, 512]
    visit.set("i2v.preset", "balanced")
    assert visit.values("i2v", "image_strength", "fps", "width", "height") == [0.7, 30.0, 960, 960]


def test_generate_right_after_another_preset_sends_what_the_preset_makes(visit: Visit, manager: JobManager) -> None:
    visit.open_mode("t2v").set("t2v.prompt", "a cat").set("t2v.aspect", "1:1")
    visit.turn("t2v.preset", "fast").click("t2v.generate")
    assert visit.refusals == []
    job = manager.jobs(visit.owner)[0]
    assert (job.preset, job.shape.width, job.shape.height) == ("fast", 512, 512)
    manager.cancel(job.id)


def test_a_size_of_ones_own_stays_whatever_the_preset(visit: Visit) -> None:
    visit.open_mode("t2v").set("t2v.width", 640).set("t2v.height", 512).set("t2v.preset", "fast")
    assert visit.values("t2v", "width", "height", "aspect") == [640, 512, None]
    visit.set("t2v.aspect", "16:9").set("t2v.aspect", None)
    assert visit.values("t2v", "width", "height", "aspect") == [640, 384, "16:9"]


def test_an_empty_prompt_is_one_sentence_and_sends_nothing(visit: Visit, manager: JobManager) -> None:
    visit.open_mode("t2v").set("t2v.seconds", 3.0).click("t2v.generate")
    assert len(visit.refusals) == 1
    assert "Prompt is empty." in visit.refusals[0]
    assert manager.jobs(visit.owner) == []
    assert visit.value("t2v.seconds") == 3.0
    visit.set("t2v.prompt", "a cat")
    assert visit.refusals == []


def test_a_bad_value_is_said_at_once_and_nothing_typed_is_lost(visit: Visit, manager: JobManager) -> None:
    visit.open_mode("t2v").set("t2v.prompt", "a cat").set("t2v.preset", "fast").set("t2v.width", 1920)
    assert len(visit.refusals) == 1
    assert "more than the preset Fast makes" in visit.refusals[0]
    visit.click("t2v.generate")
    assert len(visit.refusals) == 1
    assert manager.jobs(visit.owner) == []
    assert visit.values("t2v", "prompt", "width") == ["a cat", 1920]


def test_a_seed_that_is_none_is_refused(visit: Visit, manager: JobManager) -> None:
    visit.open_mode("t2v").set("t2v.prompt", "a cat").set("t2v.seed", "<b>lucky</b>").click("t2v.generate")
    assert "Seed must be" in visit.refusals[0]
    assert "<b>lucky" not in visit.refusals[0]
    assert manager.jobs(visit.owner) == []


def test_a_form_is_as_it_was_after_another_page(visit: Visit) -> None:
    visit.open_mode("t2v").set("t2v.prompt", "a cat").set("t2v.preset", "fast").set("t2v.seconds", 3.0)
    visit.set("t2v.aspect", "1:1").set("t2v.seed", "7")
    visit.open("Library").open_mode("i2v").open_mode("t2v")
    kept = visit.values("t2v", "prompt", "preset", "seconds", "aspect", "width", "height", "seed")
    assert kept == ["a cat", "fast", 3.0, "1:1", 512, 512, "7"]


def test_a_picture_is_shown_with_its_size_and_what_will_be_cropped(visit: Visit) -> None:
    visit.open_mode("i2v")
    upload(visit, "i2v.image.upload.0", "square.png", png(600, 600))
    assert any("square.png" in text and "600×600" in text and "used whole" in text for text in visit.shown)
    visit.set("i2v.aspect", "16:9")
    assert any("square.png" in text and "45 % cropped" in text for text in visit.shown)
    visit.open_mode("t2v").open_mode("i2v")
    assert any("square.png" in text for text in visit.shown)
    visit.click("i2v.image.replace")
    assert not any("square.png" in text for text in visit.shown)
    assert visit.has("i2v.image.upload.1")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [(b"not a picture at all", "is not a PNG, JPEG or WebP picture"), (b"", "is empty")],
)
def test_a_file_that_is_no_picture_is_one_sentence(
    visit: Visit, manager: JobManager, data: bytes, sentence: str
) -> None:
    visit.open_mode("i2v")
    upload(visit, "i2v.image.upload.0", "notes.png", data)
    assert [sentence in refusal for refusal in visit.refusals] == [True]
    visit.set("i2v.prompt", "a cat").click("i2v.generate")
    assert manager.jobs(visit.owner) == []
    assert any("Image is empty." in refusal for refusal in visit.refusals)
