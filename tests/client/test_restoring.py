"""The settings inside a video: ours come back whole, everything else is refused in one sentence."""

import json
import re
from io import BytesIO
from pathlib import Path

import pytest

from client.jobs import JobManager
from client.media import admit
from client.restoring import graph_in, restore
from client.states import Succeeded
from tests.support import clips, shelves
from tests.support.captures import FOLDER
from tests.support.videos import mp4
from workflows.errors import StudioError
from workflows.request import parse
from workflows.values import Lora

VALUES = {
    "prompt": "a boat",
    "negative_prompt": "",
    "seed": 7,
    "width": 640,
    "height": 384,
    "seconds": 1.0,
    "loras": [{"name": "ink.safetensors", "strength": 0.5}],
}
SETTINGS = {"mode": "t2v", "preset": "fast", "values": VALUES}


@pytest.fixture
def uploads(tmp_path):
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


def video(tmp_path, text):
    tags = {} if text is None else {"ltx_studio": text}
    return BytesIO(shelves.tagged(tmp_path, {"prompt": "{}", **tags}, mp4()).read_bytes())


def given(settings):
    return json.dumps(settings)


def test_a_video_of_the_draft_engine_gives_its_request_back(draft_url, tmp_path):
    manager = JobManager(tmp_path, draft_url)
    image = admit("image", clips.picture(), "at the sea.png", manager.uploads, "Image", 5)
    wanted = {"prompt": "she turns to the sea", "image": image, "seconds": 0.5, "preset": "fast", "seed": 2**64 - 1}
    job = manager.submit(parse("i2v", {**wanted, "image_strength": 0.8}), "me")
    manager.wait(job.id, 60)
    state = manager.get(job.id).state
    assert isinstance(state, Succeeded), state
    with (manager.folder / state.outputs[0].name).open("rb") as file:
        named = lambda name: manager.shelf.source_of("me", name)  # noqa: E731
        found = restore(file, "dropped.mp4", manager.uploads, 5, named)
        assert graph_in(file) == manager.graph(job.id)
    assert (found.mode, found.preset, dict(found.missing), found.unknown) == ("i2v", "fast", {}, ())
    assert found.values == job.values
    assert found.values["image"] == image
    Path(image.path).unlink()
    with (manager.folder / state.outputs[0].name).open("rb") as file:
        found = restore(file, "dropped.mp4", manager.uploads, 5)
    assert dict(found.missing) == {"image": image.name}
    assert found.values == {name: value for name, value in job.values.items() if name != "image"}
    manager.close()


def test_a_video_of_a_real_comfyui_gives_its_settings_and_graph_back(tmp_path):
    with (FOLDER / "video_0.27.0.mp4").open("rb") as file:
        found, graph = restore(file, "clip.mp4", tmp_path, 5), graph_in(file)
    assert (found.mode, found.preset, found.unknown) == ("style", "fast", ())
    assert found.missing.keys() == {"video", "style_image"}
    assert graph is not None
    assert "SaveVideo" in {node["class_type"] for node in graph.values()}


def test_what_this_version_does_not_know_is_named_and_the_rest_kept(tmp_path, uploads):
    values = {**VALUES, "sparkle": 3, "a mood": "dark"}
    found = restore(video(tmp_path, given({**SETTINGS, "values": values})), "c.mp4", uploads, 5)
    assert found.unknown == ("a mood", "sparkle")
    assert (found.values["seed"], found.values["loras"]) == (7, (Lora("ink.safetensors", 0.5),))


@pytest.mark.parametrize(
    "name",
    [
        "ltx-studio/000000000000000000000000.png",
        "ltx-studio/../../../etc/passwd",
        "/etc/passwd",
        "ltx-studio/..%2f.png",
        "ltx-studio/000000000000000000000000.png\x00",
        "x" * 5000,
        "",
        None,
        7,
        {"$media": {"name": "x", "path": "/etc/passwd"}},
        ["ltx-studio/000000000000000000000000.png"],
    ],
    ids=lambda name: repr(name)[:40],
)
def test_a_file_that_is_not_here_is_missing_and_nothing_else_is_read(tmp_path, uploads, name):
    settings = {"mode": "i2v", "preset": "fast", "values": {"prompt": "x", "seed": 1, "image": name}}
    found = restore(video(tmp_path, given(settings)), "c.mp4", uploads, 5)
    assert list(found.missing) == ["image"]
    assert "image" not in found.values
    assert len(found.missing["image"]) < 80


def test_a_file_of_another_kind_under_an_uploads_name_is_missing(tmp_path, uploads):
    name = "0" * 24 + ".png"
    (uploads / name).write_text("no picture")
    settings = {"mode": "i2v", "preset": "fast", "values": {"prompt": "x", "image": f"ltx-studio/{name}"}}
    found = restore(video(tmp_path, given(settings)), "c.mp4", uploads, 5)
    assert list(found.missing) == ["image"]


NOT_OURS = {
    "without settings": None,
    "empty": "",
    "no JSON": "{",
    "a list": "[]",
    "null": "null",
    "no values": given({"mode": "t2v", "preset": "fast"}),
    "values that are none": given({**SETTINGS, "values": [1]}),
    "far too long": given({**SETTINGS, "values": {"prompt": "x" * 300_000}}),
    "nested too deep": "[" * 100_000,
    "a number of many digits": '{"values": ' + "9" * 6000 + "}",
}


@pytest.mark.parametrize("text", NOT_OURS.values(), ids=NOT_OURS)
def test_a_video_that_is_not_ours_is_one_sentence(tmp_path, uploads, text):
    with pytest.raises(StudioError, match=r"clip\.mp4 carries no settings of this studio\.") as caught:
        restore(video(tmp_path, text), "clip.mp4", uploads, 5)
    assert caught.value.code == "not_our_video"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x00\x00\x18ftypmp42 and no more",
        b"no video",
        clips.picture(),
        clips.video("webm"),
        clips.sound("wav"),
    ],
    ids=["empty", "broken", "text", "picture", "webm", "sound"],
)
def test_what_is_no_mp4_is_the_same_sentence(uploads, content):
    with pytest.raises(StudioError) as caught:
        restore(BytesIO(content), "clip.mp4", uploads, 5)
    assert caught.value.code == "not_our_video"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mode": "t9v"}, "no mode called t9v"),
        ({"mode": ["t2v"]}, "no mode called"),
        ({"mode": None}, "no mode called None"),
        ({"preset": "x" * 9000}, "no preset called xxx"),
        ({"values": {**VALUES, "seed": -1}}, "Seed must be"),
        ({"values": {**VALUES, "seed": {"a": 1}}}, "Seed must be"),
        ({"values": {**VALUES, "width": 1e300}}, "Width must be"),
        ({"values": {**VALUES, "seconds": "NaN"}}, "Duration must be"),
        ({"values": {**VALUES, "prompt": 7}}, "Prompt must be text"),
        ({"values": {**VALUES, "prompt": "\ud800"}}, "Prompt must be text in UTF-8"),
        ({"values": {**VALUES, "loras": {"name": "x"}}}, "LoRA"),
        ({"values": {**VALUES, "loras": [[["x"]]]}}, "LoRA"),
        ({"values": {**VALUES, "camera": "<script>"}}, "Camera move can't be"),
        ({"values": {"prompt": "x" * 150_000}}, "Prompt is longer than"),
    ],
    ids=lambda value: re.sub(r"\W+", " ", str(value))[:40],
)
def test_settings_that_no_form_could_hold_are_refused_with_the_reason(tmp_path, uploads, change, said):
    with pytest.raises(StudioError) as caught:
        restore(video(tmp_path, given({**SETTINGS, **change})), "clip.mp4", uploads, 5)
    assert caught.value.code == "settings_unusable"
    assert said in caught.value.message
    assert len(caught.value.message) < 400


def test_a_graph_inside_a_video_is_one_that_can_be_run(tmp_path):
    for text in ("", "{", "[]", '{"1": {"class_type": "X"}}', "[" * 100_000):
        path = shelves.tagged(tmp_path, {"prompt": text}, mp4())
        with path.open("rb") as file:
            assert graph_in(file) is None
