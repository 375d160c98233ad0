"""The part of a sound or a video that is used: chosen on its waveform or filmstrip, held by the form's fields."""

from __future__ import annotations

import pytest

from client.jobs import JobManager
from pages.parts.trim import within
from tests.pages.test_fields import JOB_SECONDS, newest, upload
from tests.pages.visit import Visit
from tests.support.uploads import FILES, clip, wav


def parts(visit: Visit, key: str) -> object:
    return visit.app.get_by_key(visit._newest(key)).value


def test_all_of_a_sound_is_used_until_a_part_is_chosen(lora_manager: JobManager) -> None:
    visit = Visit().open_mode("a2v").set("a2v.prompt", "waves")
    upload(visit, "a2v.audio.upload.0", "words.wav", "audio/wav", wav(4.0))
    assert parts(visit, "a2v.audio.part") == (0.0, 4.0)
    visit.set("a2v.audio.part", (1.5, 3.0))
    assert visit.values("a2v", "audio_start", "seconds") == [1.5, 1.5]
    assert any("1.5 s of 4 s, from 1.5 s on." in caption.value for caption in visit.app.caption)
    assert any("33 frames" in text for text in visit.shown)
    visit.click("a2v.generate")
    job = newest(lora_manager, visit)
    assert (job.values["audio_start"], job.values["seconds"]) == (1.5, 1.5)
    lora_manager.cancel(job.id)
    lora_manager.wait(job.id, JOB_SECONDS)


def test_the_part_follows_the_numbers_and_all_that_is_left_stays_unsaid(visit: Visit) -> None:
    visit.open_mode("lipsync")
    upload(visit, "lipsync.audio.upload.0", "words.wav", "audio/wav", wav(4.0))
    visit.set("lipsync.audio_start", 1.0)
    assert parts(visit, "lipsync.audio.part") == (1.0, 4.0)
    visit.set("lipsync.seconds", 2.0)
    assert parts(visit, "lipsync.audio.part") == (1.0, 3.0)
    visit.set("lipsync.audio.part", (1.0, 4.0))
    assert visit.values("lipsync", "audio_start", "seconds") == [1.0, None]


def test_a_sound_longer_than_a_video_may_be_is_used_as_far_as_one_goes(visit: Visit) -> None:
    visit.open_mode("a2v")
    upload(visit, "a2v.audio.upload.0", "song.wav", "audio/wav", wav(45.0))
    assert parts(visit, "a2v.audio.part") == (0.0, 20.0)
    visit.set("a2v.audio.part", (0.0, 40.0))
    assert visit.values("a2v", "audio_start", "seconds") == [20.0, None]
    assert parts(visit, "a2v.audio.part") == (20.0, 40.0)
    visit.set("a2v.audio.part", (5.0, 40.0))
    assert parts(visit, "a2v.audio.part") == (5.0, 25.0)
    assert visit.refusals == []


def test_a_video_shows_pictures_from_all_along_it_and_is_cut_by_them(visit: Visit) -> None:
    visit.open_mode("style")
    upload(visit, "style.video.upload.0", *FILES["video"][:2], clip(3.0, 320, 240))
    assert any("s-strip" in body and "width:100.000%" in body for body in visit._markup)
    visit.set("style.video.part", (0.6, 2.1))
    assert visit.values("style", "video_start", "seconds") == [0.6, 1.5]
    assert any("s-strip" in body and "left:20.000%;width:50.000%" in body for body in visit._markup)


def test_a_waveform_lights_the_part_that_is_used(visit: Visit) -> None:
    visit.open_mode("a2v")
    upload(visit, "a2v.audio.upload.0", "words.wav", "audio/wav", wav(4.0))

    def wave() -> str:
        return next(body for body in visit._markup if "s-wave" in body)

    whole = wave()
    visit.set("a2v.audio.part", (1.0, 2.0))
    assert wave() != whole


@pytest.mark.parametrize(
    ("chosen", "before", "meant"),
    [
        ((1.0, 3.0), (0.0, 3.0), (1.0, 3.0)),
        ((0.0, 30.0), (0.0, 20.0), (10.0, 30.0)),
        ((0.0, 30.0), (10.0, 30.0), (0.0, 20.0)),
        ((2.9, 3.0), (0.0, 3.0), (2.9, 3.2)),
        ((5.0, 5.1), (5.0, 9.0), (4.8, 5.1)),
        ((44.9, 45.0), (30.0, 45.0), (44.7, 45.0)),
        ((0.0, 0.1), (0.0, 9.0), (0.0, 0.3)),
    ],
)
def test_the_end_that_is_moved_leads_the_other_one(
    chosen: tuple[float, float], before: tuple[float, float], meant: tuple[float, float]
) -> None:
    assert within(chosen, before, (0.3, 20.0), 45.0) == pytest.approx(meant)
