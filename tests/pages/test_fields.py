"""Each kind of field in the six forms: what is set reaches the request, stays, and can be had again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from client.jobs import Job, JobManager
from pages.parts.lora_rows import NONE_LISTED
from tests.pages.conftest import LORAS
from tests.pages.visit import Visit
from tests.support.uploads import FILES, clip, png, wav
from workflows import manifest
from workflows.manifest import MEDIA_TYPES, Field, Mode
from workflows.values import Lora, Media

JOB_SECONDS = 60
TEXT, SEED, STRENGTH = "A kite over dunes; wind.", "11", 0.65
SIZE = {"width": 448, "height": 576}
"""One that no preset has and that all of them make."""


def upload(visit: Visit, key: str, name: str, mime: str, data: bytes) -> None:
    visit.app.file_uploader(key=key).upload(name, data, mime)
    visit.run()


def upload_all(visit: Visit, mode: Mode) -> None:
    for field in mode.fields:
        if field.type in MEDIA_TYPES:
            upload(visit, f"{mode.name}.{field.name}.upload.0", *FILES[field.type])


def other_value(field: Field) -> Any:
    """A value that is not the field's default in any preset; None where a widget of its own sets it."""
    if field.name in SIZE:
        return SIZE[field.name]
    if field.type in ("text", "seed"):
        return TEXT if field.type == "text" else SEED
    if field.type == "choice":
        return list(field.choices)[-1]
    if field.type == "flag":
        return not field.default
    if field.start_of or field.follows:
        return 0.5
    if field.unit:
        return type(field.default)(field.default + field.step)
    return 0.35 if field.name.startswith("canny_low") else 0.45


def set_everything(visit: Visit, mode: Mode, turn_choices: bool) -> dict[str, Any]:
    """Give every field that has an effect another value, those that appear meanwhile too; what was set."""
    upload_all(visit, mode)
    done: dict[str, Any] = {}
    while new := [field for field in effective(mode, done, turn_choices) if field.name not in done]:
        for field in new:
            if field.type == "loras":
                done[field.name] = add_lora(visit, mode, field)
            elif field.type not in MEDIA_TYPES:
                done[field.name] = other_value(field)
                visit.turn(f"{mode.name}.{field.name}", done[field.name])
            else:
                done[field.name] = FILES[field.type][0]
        visit.run()
    return {field.name: done[field.name] for field in effective(mode, done, turn_choices)}


def effective(mode: Mode, done: Mapping[str, Any], turn_choices: bool) -> list[Field]:
    """The fields of the preset Quality under what was set; choices that hide others only where they are to turn."""
    fields = mode.fields_for(mode.preset("quality"), done)
    leads = {
        other for field in mode.fields for other, wanted in field.when.items() if mode.field(other).default in wanted
    }
    return [field for field in fields if turn_choices or field.name not in leads]


def add_lora(visit: Visit, mode: Mode, field: Field) -> tuple[Lora, ...]:
    visit.click(f"{mode.name}.{field.name}.add")
    visit.turn(f"{mode.name}.{field.name}.1.name", LORAS[1]).turn(f"{mode.name}.{field.name}.1.strength", STRENGTH)
    return (Lora(LORAS[1], STRENGTH),)


def newest(manager: JobManager, visit: Visit) -> Job:
    return manager.jobs(visit.owner, limit=1)[0]


def check(job: Job, wanted: Mapping[str, Any]) -> None:
    sent = {name: value.source if isinstance(value, Media) else value for name, value in job.values.items()}
    assert {name: sent[name] for name in wanted} == {**wanted, "seed": int(SEED)}


def saying(mode: Mode, wanted: Mapping[str, Any]) -> list[str]:
    """What the page of a job must say of the values: titles of choices, lengths of media, rows of LoRAs."""
    said = ["styles/film grain at 0.65"]
    for name, value in wanted.items():
        field = mode.field(name)
        if field.type == "choice":
            said.append(f"{field.title}  {field.choices[value].title}")
        elif field.type in MEDIA_TYPES:
            facts = {"image": "(320×200)", "audio": "(1.5 s)", "video": "(320×240, 1.2 s, 25 fps)"}
            said.append(f"{value} {facts[field.type]}")
    return said


@pytest.mark.parametrize("turn_choices", [False, True], ids=["default choices", "other choices"])
@pytest.mark.parametrize("mode_name", manifest.MODES)
def test_what_every_field_says_is_sent_stays_and_comes_again(
    lora_manager: JobManager, mode_name: str, turn_choices: bool
) -> None:
    mode = manifest.mode(mode_name)
    visit = Visit().open_mode(mode_name).set(f"{mode_name}.preset", "quality")
    wanted = set_everything(visit, mode, turn_choices)
    visit.set(f"{mode_name}.preset", "fast").set(f"{mode_name}.preset", "quality")
    visit.open("Library").open_mode(mode_name).click(f"{mode_name}.generate")
    assert visit.refusals == []
    job = newest(lora_manager, visit)
    check(job, wanted)

    lora_manager.cancel(job.id)
    lora_manager.wait(job.id, JOB_SECONDS)
    other = Visit(visit.owner).open("Library", job=job.id)
    told = " ".join(other.shown)
    assert [said for said in saying(mode, wanted) if said not in told] == []
    other.click("again").click(f"{mode_name}.generate")
    assert other.refusals == []
    again = newest(lora_manager, other)
    assert again.id != job.id
    assert (again.preset, again.values, again.shape) == (job.preset, job.values, job.shape)


@pytest.mark.parametrize(("mode_name", "name"), [("a2v", "audio"), ("lipsync", "audio"), ("style", "video")])
def test_a_duration_follows_its_source_until_somebody_sets_one(visit: Visit, mode_name: str, name: str) -> None:
    mode = manifest.mode(mode_name)
    title = mode.field(name).title.lower()
    visit.open_mode(mode_name)

    def placeholder() -> str:
        return visit.app.get_by_key(f"{mode_name}.seconds").placeholder

    assert placeholder() == f"As long as the {title}"
    visit.set(f"{mode_name}.seconds", 4.0)
    assert not any(f"as long as the {title}" in text for text in visit.shown)
    visit.set(f"{mode_name}.seconds", None)
    assert any(f"as long as the {title}" in text for text in visit.shown)
    kind = mode.field(name).type
    data = wav(3.5) if kind == "audio" else clip(3.5, 320, 240)
    upload(visit, f"{mode_name}.{name}.upload.0", *FILES[kind][:2], data)
    assert placeholder() == f"As long as the {title}: 3.5 s"
    visit.set(f"{mode_name}.{name}_start", 1.5)
    assert placeholder() == f"As long as the {title}: 2 s"
    assert any("49 frames" in text for text in visit.shown)
    visit.set(f"{mode_name}.seconds", 1.0).set(f"{mode_name}.preset", "fast")
    assert visit.value(f"{mode_name}.seconds") == 1.0
    assert any("25 frames" in text for text in visit.shown)


def test_made_again_a_duration_that_followed_follows_still(lora_manager: JobManager) -> None:
    visit = Visit().open_mode("a2v").set("a2v.prompt", TEXT)
    upload(visit, "a2v.audio.upload.0", "words.wav", "audio/wav", wav(2.0))
    visit.click("a2v.generate")
    job = newest(lora_manager, visit)
    lora_manager.cancel(job.id)
    lora_manager.wait(job.id, JOB_SECONDS)
    other = Visit(visit.owner).open("Library", job=job.id).click("again")
    assert other.value("a2v.seconds") is None
    assert any("words.wav" in text and "2 s" in text for text in other.shown)


def test_a_start_behind_the_end_is_one_sentence(visit: Visit) -> None:
    visit.open_mode("a2v").set("a2v.prompt", TEXT)
    upload(visit, "a2v.audio.upload.0", "words.wav", "audio/wav", wav(1.0))
    visit.set("a2v.audio_start", 4.0)
    assert ["ends at 1.0 s" in refusal for refusal in visit.refusals] == [True]


def test_a_sound_is_shown_with_its_length_and_a_player(visit: Visit) -> None:
    visit.open_mode("lipsync")
    upload(visit, "lipsync.audio.upload.0", *FILES["audio"])
    assert any("words.wav" in text and "1.5 s" in text for text in visit.shown)
    assert len(visit.app.get("audio")) == 1
    visit.click("lipsync.audio.replace")
    assert not visit.app.get("audio")
    upload(visit, "lipsync.audio.upload.1", *FILES["video"])
    assert any("source.mp4" in text and "1.2 s" in text for text in visit.shown)


def test_a_video_is_shown_with_all_that_was_found_in_it(visit: Visit) -> None:
    visit.open_mode("style")
    upload(visit, "style.video.upload.0", *FILES["video"])
    line = next(text for text in visit.shown if "source.mp4" in text)
    for found in ("320×240", "1.2 s", "25 fps", "with sound", "11 % cropped at top and bottom"):
        assert found in line
    assert len(visit.app.get("video")) == 1

    def frame() -> str:
        (picture,) = visit.pictures
        return picture

    first = frame()
    visit.set("style.video_start", 0.6)
    assert frame() != first
    visit.set("style.video_start", 0.0)
    assert frame() == first


@pytest.mark.parametrize(
    ("mode_name", "field", "sentence"),
    [("a2v", "audio", "is no sound"), ("style", "video", "is not"), ("keyframe", "first_frame", "is not a PNG")],
)
def test_what_is_something_else_is_refused_in_one_sentence(
    visit: Visit, mode_name: str, field: str, sentence: str
) -> None:
    visit.open_mode(mode_name)
    extension = FILES[manifest.mode(mode_name).field(field).type][0].rsplit(".", 1)[-1]
    upload(visit, f"{mode_name}.{field}.upload.0", f"notes.{extension}", "text/plain", b"not what it is called " * 20)
    assert [sentence in refusal for refusal in visit.refusals] == [True]
    assert visit.has(f"{mode_name}.{field}.upload.1")


def test_restyle_says_that_the_style_image_is_the_first_frame(visit: Visit) -> None:
    visit.open_mode("style")
    said = "The first frame of the result: best the source's first frame, redrawn in the wanted style."
    assert said in [caption.value for caption in visit.app.caption]
    upload(visit, "style.style_image.upload.0", "ink.png", "image/png", png(64, 64))
    assert said in [caption.value for caption in visit.app.caption]


def test_a_preset_says_what_it_does_and_what_it_costs(visit: Visit) -> None:
    visit.open_mode("a2v")
    for preset in manifest.mode("a2v").presets:
        visit.set("a2v.preset", preset.name)
        said = [caption.value for caption in visit.app.caption]
        assert any(preset.summary in text and preset.cost in text for text in said)


def test_a_choice_says_what_it_means(visit: Visit) -> None:
    visit.open_mode("t2v").set("t2v.camera", "jib-up")
    said = next(caption.value for caption in visit.app.caption if "The camera rises." in caption.value)
    assert "Experimental" in said
    assert visit.app.get_by_key("t2v.camera").options[1:3] == ["Static", "Dolly in"]


def test_what_a_choice_hides_is_there_again_as_it_was(visit: Visit) -> None:
    visit.open_mode("style").set("style.canny_low", 0.2).set("style.control", "depth")
    assert not visit.has("style.canny_low")
    visit.open_mode("t2v").open_mode("style").set("style.control", "canny")
    assert visit.value("style.canny_low") == 0.2


def test_an_engine_without_loras_of_ones_own_is_said_in_a_line(visit: Visit) -> None:
    visit.open_mode("t2v")
    assert NONE_LISTED in [caption.value for caption in visit.app.caption]
    assert not visit.has("t2v.loras.add")


def test_loras_have_rows_up_to_the_most_and_each_can_go(lora_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.prompt", TEXT)
    for _ in range(4):
        visit.click("t2v.loras.add")
    assert not visit.has("t2v.loras.add")
    visit.set("t2v.loras.2.name", LORAS[0]).set("t2v.loras.4.name", LORAS[1]).set("t2v.loras.4.strength", -0.5)
    visit.click("t2v.loras.1.remove").click("t2v.loras.2.remove")
    assert visit.has("t2v.loras.add")
    visit.click("t2v.generate")
    assert newest(lora_manager, visit).values["loras"] == (Lora(LORAS[1], -0.5),)


def test_an_ic_lora_is_refused_with_the_reason_where_nothing_guides_it(lora_manager: JobManager) -> None:
    visit = Visit().open_mode("t2v").set("t2v.prompt", TEXT).click("t2v.loras.add").set("t2v.loras.1.name", LORAS[2])
    assert ["this mode has none" in refusal for refusal in visit.refusals] == [True]
    visit.click("t2v.generate")
    assert lora_manager.jobs(visit.owner) == []
    visit.open_mode("style").click("style.loras.add").set("style.loras.1.name", LORAS[2])
    assert visit.refusals == []
