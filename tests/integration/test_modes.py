"""All modes × all presets on every engine: accepted clean, executed, and the video means what was asked for."""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np
import pytest
import requests

from client.transport import Server
from tests.support.bench import FPS, FRAMES, HEIGHT, SOUND_RATE, WIDTH, Bench, Result, seen
from tests.support.sounds import alike, sound_of
from tests.support.videos import blocks, correlation
from workflows import manifest
from workflows.checking import check

CASES = [
    pytest.param(mode.name, preset.name, id=f"{mode.name}-{preset.name}")
    for mode in manifest.modes()
    for preset in mode.presets
]
PRESETS = ("fast", "balanced", "quality")
ALIKE = 0.9
"""Block colours of a picture that was kept; of two different ones it is about 0."""
KEPT = 0.95
"""Sound that went through AAC and nothing else."""


def cases(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("mode", "preset"), [case for case in CASES if case.values[0] in names])


def shows(picture: np.ndarray, wanted: np.ndarray) -> float:
    return correlation(blocks(picture), wanted)


def heard(path: Path, start: float, seconds: float) -> np.ndarray:
    """A stretch of a video's sound, stereo."""
    return sound_of(path, SOUND_RATE)[:, round(start * SOUND_RATE) : round((start + seconds) * SOUND_RATE)]


def given(bench: Bench, start: float, seconds: float) -> np.ndarray:
    return bench.samples(3.0)[:, round(start * SOUND_RATE) : round((start + seconds) * SOUND_RATE)]


def test_every_graph_with_every_choice_fits_the_live_interfaces(engine_url):
    assert {name: found for name, found in check(Server(engine_url).object_info()) if found} == {}


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_the_video_is_exactly_what_was_promised(bench, mode, preset):
    made = bench.run(mode, preset)
    assert made.describe() == {
        "width": WIDTH, "height": HEIGHT, "frames": FRAMES, "fps": float(FPS), "audio": 1, "codec": "h264",
    }  # fmt: skip
    assert made.job.shape.frames == FRAMES


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_the_server_has_no_objection_to_any_node(bench, mode, preset):
    graph = bench.manager.graph(bench.run(mode, preset).job.id)
    body = {"prompt": graph, "prompt_id": str(uuid.uuid4()), "client_id": "objections"}
    answer = requests.post(f"{bench.url}/prompt", json=body, timeout=60)
    assert (answer.status_code, answer.json()["node_errors"]) == (200, {})
    requests.post(f"{bench.url}/queue", json={"delete": [body["prompt_id"]]}, timeout=60)


@cases("i2v", "lipsync", "style")
def test_the_first_frame_is_the_picture(bench, mode, preset):
    made = bench.run(mode, preset)
    assert shows(made.frames[0], seen(bench.picture(5))) > ALIKE
    assert abs(shows(made.frames[0], seen(bench.picture(6)))) < 0.5


@cases("keyframe")
def test_the_first_and_the_last_frame_are_the_pictures(bench, mode, preset):
    made = bench.run(mode, preset)
    first, last = seen(bench.picture(5)), seen(bench.picture(6))
    assert shows(made.frames[0], first) > ALIKE
    assert shows(made.frames[-1], last) > ALIKE
    assert max(abs(shows(made.frames[0], last)), abs(shows(made.frames[-1], first))) < 0.5


@cases("keyframe")
def test_swapped_pictures_swap_the_video(bench, mode, preset):
    swapped = bench.run(mode, preset, first_frame=bench.picture(6), last_frame=bench.picture(5))
    assert shows(swapped.frames[0], seen(bench.picture(6))) > ALIKE
    assert shows(swapped.frames[-1], seen(bench.picture(5))) > ALIKE


@cases("a2v", "lipsync")
def test_the_sound_is_what_was_given(bench, mode, preset):
    made = bench.run(mode, preset)
    assert alike(heard(made.path, 0, FRAMES / FPS), given(bench, 0, FRAMES / FPS)) > KEPT
    assert abs(alike(heard(made.path, 0, FRAMES / FPS), given(bench, 0.5, FRAMES / FPS))) < 0.5


@pytest.mark.parametrize("mode", ["a2v", "lipsync"])
def test_the_sound_begins_where_it_was_told_to(bench, mode):
    made = bench.run(mode, "fast", audio_start=0.7)
    assert alike(heard(made.path, 0, FRAMES / FPS), given(bench, 0.7, FRAMES / FPS)) > KEPT


@pytest.mark.parametrize("mode", ["a2v", "lipsync"])
def test_the_video_is_as_long_as_the_sound_where_nothing_is_set(bench, mode):
    made = bench.run(mode, "fast", seconds=None)
    assert made.describe()["frames"] == 73
    assert alike(heard(made.path, 0, 2.9), given(bench, 0, 2.9)) > KEPT


@pytest.mark.parametrize("mode", ["a2v", "lipsync"])
def test_after_a_short_sound_there_is_silence(bench, mode):
    made = bench.run(mode, "fast", audio=bench.sound(0.5))
    assert made.describe()["frames"] == FRAMES
    assert alike(heard(made.path, 0, 0.45), bench.samples(0.5)) > KEPT
    rest = heard(made.path, 0.6, 1)
    assert not rest.size or np.abs(rest).max() < 0.02


@pytest.mark.parametrize(("channels", "suffix"), [(1, ".wav"), (2, ".mp3"), (2, ".m4a"), (2, ".mp4")])
def test_any_kind_of_sound_will_do(bench, channels, suffix):
    made = bench.run("a2v", "fast", audio=bench.sound(3.0, channels, suffix))
    assert alike(heard(made.path, 0, FRAMES / FPS), bench.samples(3.0, channels)[:, :SOUND_RATE]) > 0.9


@cases("style")
def test_the_source_keeps_its_sound(bench, mode, preset):
    assert sound_from(bench, bench.run(mode, preset), 0.0) > KEPT


def test_the_sound_of_a_source_begins_with_its_picture(bench):
    assert sound_from(bench, bench.run("style", "fast", video_start=0.24), 0.24) > KEPT


def sound_from(bench: Bench, made: Result, start: float) -> float:
    """How alike a stretch of the result's sound is to the source's, there or up to a packet of 1024 samples beside.

    A cut by time falls on a packet.
    """
    wanted, found = sound_of(Path(bench.source().path), SOUND_RATE), heard(made.path, 0.1, 0.7)
    begins = (round((start + 0.1) * SOUND_RATE) + shift for shift in range(-1024, 1025, 16))
    return max(alike(found, wanted[:, begin : begin + found.shape[1]]) for begin in begins)
