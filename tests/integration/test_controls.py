"""Every control on every engine: what it does is seen or heard in the video, or it leaves the video as it was."""

from __future__ import annotations

import numpy as np
import pytest
import requests
from PIL import Image

from client.media import admit_file
from client.transport import Server
from tests.support.bench import FPS, HEIGHT, WIDTH, Bench, Result, movement, moving, resting
from tests.support.sounds import write_video
from tests.support.videos import blocks, correlation
from workflows import manifest
from workflows.build import Capabilities
from workflows.loras import is_ic_lora

GUIDED = [mode.name for mode in manifest.modes() for preset in mode.presets if "guidance" in preset.provides]
CAMERAS = [mode.name for mode in manifest.modes() if any(field.name == "camera" for field in mode.fields)]


def free_loras(bench: Bench) -> list[str]:
    """LoRAs of the engine's list that go with any graph."""
    listed = Capabilities.from_object_info(Server(bench.url).object_info()).options["LoraLoaderModelOnly", "lora_name"]
    return [name for name in listed if not is_ic_lora(name) and "distilled" not in name]


@pytest.mark.parametrize("mode", manifest.MODES)
def test_another_seed_makes_another_video(bench, mode):
    assert bench.run(mode, "fast", seed=4).differs_from(bench.run(mode, "fast"))


@pytest.mark.parametrize("mode", manifest.MODES)
def test_the_same_request_makes_the_same_video_again(bench, mode):
    first = bench.run(mode, "fast")
    # Without its memory the engine has to make it once more.
    requests.post(f"{bench.url}/free", json={"free_memory": True}, timeout=60).raise_for_status()
    again = bench.make(mode, bench.values(mode, "fast"))
    assert again.job.id != first.job.id
    assert not again.differs_from(first)


@pytest.mark.parametrize("mode", manifest.MODES)
def test_another_prompt_makes_another_video(bench, mode):
    assert bench.run(mode, "fast", prompt="a red train in the desert at noon").differs_from(bench.run(mode, "fast"))


@pytest.mark.parametrize("mode", GUIDED)
def test_the_negative_prompt_counts_where_there_is_guidance(bench, mode):
    changed = bench.run(mode, "quality", negative_prompt="storm, waves, darkness")
    assert changed.differs_from(bench.run(mode, "quality"))


@pytest.mark.parametrize("mode", CAMERAS)
def test_a_camera_move_changes_the_video(bench, mode):
    assert bench.run(mode, "fast", camera="dolly-in").differs_from(bench.run(mode, "fast"))


def test_how_strong_a_camera_move_is_changes_the_video(bench):
    moved = bench.run("t2v", "fast", camera="dolly-in")
    assert bench.run("t2v", "fast", camera="dolly-in", camera_strength=0.3).differs_from(moved)


@pytest.mark.parametrize("mode", manifest.MODES)
def test_an_own_lora_changes_the_video(bench, mode):
    assert bench.run(mode, "fast", loras=f"{free_loras(bench)[0]}:1.0").differs_from(bench.run(mode, "fast"))


@pytest.mark.parametrize("mode", ["t2v", "style"])
def test_every_row_of_own_loras_counts(bench, mode):
    one, two = free_loras(bench)[:2]
    both = bench.run(mode, "fast", loras=f"{one}:1.0,{two}:0.5")
    assert both.differs_from(bench.run(mode, "fast", loras=f"{one}:1.0"))


@pytest.mark.parametrize("mode", manifest.MODES)
def test_an_enhanced_prompt_is_told_and_used(bench, mode):
    enhanced = bench.run(mode, "fast", enhance=True)
    assert enhanced.job.enhanced
    assert enhanced.differs_from(bench.run(mode, "fast"))


def test_smaller_tiles_make_the_same_picture(bench):
    whole, tiled = bench.run("t2v", "fast", width=512), bench.run("t2v", "fast", width=512, decode_tile="256")
    assert min(correlation(blocks(a), blocks(b)) for a, b in zip(whole.frames, tiled.frames, strict=True)) > 0.98


@pytest.mark.parametrize(
    ("mode", "preset", "name", "value"),
    [
        ("i2v", "balanced", "image_strength", 0.2),
        ("lipsync", "balanced", "image_strength", 0.2),
        ("keyframe", "balanced", "first_strength", 0.2),
        ("keyframe", "balanced", "last_strength", 0.2),
        ("style", "balanced", "image_strength", 0.2),
        ("style", "balanced", "control_strength", 0.3),
        ("style", "balanced", "canny_low", 0.05),
    ],
)
def test_a_strength_changes_the_video(bench, mode, preset, name, value):
    more = {"canny_high": 0.1} if name == "canny_low" else {}
    assert bench.run(mode, preset, **{name: value}, **more).differs_from(bench.run(mode, preset))


def pair(bench: Bench, preset: str, control: str, size: int) -> list[Result]:
    """A job whose source moves and one whose source rests; the seed and the style image decide as much in both."""
    plain = bench.media("image", "plain.png", lambda path: Image.new("RGB", (WIDTH, HEIGHT), (120, 80, 60)).save(path))
    values = {"control": control, "seconds": 33 / FPS, "style_image": plain, "width": size, "height": size // 2}
    return [bench.run("style", preset, video=bench.source(drawn), **values) for drawn in (moving, resting)]


def following(made: list[Result]) -> list[float]:
    """How well the result moves as the source does, block by block: at each moment, then with the moments shifted."""
    result = movement(made[0].frames, made[1].frames, made[0].job.shape.width // 4)
    source = movement(moving(33), resting(33), WIDTH // 4)
    assert result.shape == source.shape
    return [correlation(result, np.roll(source, shift, 0)) for shift in range(len(source))]


@pytest.mark.parametrize(
    ("preset", "control", "size"),
    [
        ("fast", "canny", WIDTH),
        ("quality", "canny", 2 * WIDTH),
        ("fast", "pose", WIDTH),
    ],
)
def test_the_video_moves_where_and_when_the_source_does(bench, preset, control, size):
    own, *shifted = following(pair(bench, preset, control, size))
    assert own > 0.3
    assert own > max(shifted) + 0.15


def test_a_draft_with_depth_moves_where_and_when_the_source_does(draft_bench):
    """The draft engine alone: random weights see no depth."""
    own, *shifted = following(pair(draft_bench, "fast", "depth", WIDTH))
    assert own > 0.25
    assert own > max(shifted) + 0.15


def test_with_depth_another_movement_makes_another_video(bench):
    one, other = pair(bench, "fast", "depth", WIDTH)
    assert one.differs_from(other)


def test_a_source_begins_where_it_was_told_to(bench):
    later = bench.run("style", "fast", video_start=0.32)
    assert later.job.shape.frames == 25
    assert later.differs_from(bench.run("style", "fast"))


def test_a_source_without_sound_makes_a_video_without_sound(bench, tmp_path):
    silent = tmp_path / "silent.mp4"

    write_video(silent, moving(33), 25)
    video = admit_file("video", silent, bench.manager.uploads, "Video", 10)
    assert bench.run("style", "fast", video=video).describe()["audio"] == 0
