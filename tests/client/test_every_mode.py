"""A request of any mode outlives the database: what is sent, and sent again, is what was asked for."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client.media import admit
from client.states import Succeeded
from client.store import Store
from tests.client.test_watching import ends, engine, manager, success
from tests.support import clips
from workflows import manifest
from workflows.errors import StudioError
from workflows.graph import title
from workflows.request import parse
from workflows.values import Lora

__all__ = ["engine", "manager"]
DATA = {"image": clips.picture(), "audio": clips.sound("mp3", 2.0), "video": clips.video(frames=60, sound_seconds=2.0)}
LORAS = "mine/soft.safetensors:0.8, grain"


@pytest.fixture
def library(engine):
    """The engine takes every upload and succeeds with every prompt."""
    engine.routes["POST /upload/image"] = lambda body: (
        200,
        {"name": re.search(rb'filename="([^"]*)"', body)[1].decode(), "subfolder": "ltx-studio", "type": "input"},
    )
    engine.routes["GET /history/"] = lambda _: (
        200,
        {body["prompt_id"]: success(body["prompt_id"])[1][body["prompt_id"]] for body in engine.posted("/prompt")},
    )
    return engine


def request(manager, mode, name="mine.bin", **values):
    media = {
        field.name: admit(field.type, DATA[field.type], name, manager.uploads, field.title, 10)
        for field in mode.fields
        if field.type in manifest.MEDIA_TYPES
    }
    return parse(mode.name, {"prompt": "a test", "seed": 5, **media, **values})


def without_prefix(graph):
    inputs = lambda node: {name: value for name, value in node["inputs"].items() if name != "filename_prefix"}  # noqa: E731
    return {node_id: {**node, "inputs": inputs(node)} for node_id, node in graph.items()}


@pytest.mark.parametrize("preset", ["fast", "balanced", "quality"])
@pytest.mark.parametrize("mode", manifest.modes(), ids=lambda mode: mode.name)
def test_a_job_and_its_retry_send_the_same(library, manager, mode, preset):
    wanted = request(manager, mode, preset=preset, loras=LORAS, enhance="on")
    job = manager.submit(wanted, "me")
    assert isinstance(ends(manager, job), Succeeded), manager.get(job.id).state
    again = manager.retry(job.id)
    assert isinstance(ends(manager, again), Succeeded), manager.get(again.id).state
    assert job.values == again.values == dict(wanted.values)
    assert job.values["loras"] == (Lora("mine/soft.safetensors", 0.8), Lora("grain", 1.0))
    assert job.shape == again.shape == wanted.shape
    first, second = (body["prompt"] for body in library.posted("/prompt"))
    assert without_prefix(first) == without_prefix(second)
    loaders = {title(node): node["inputs"] for node in first.values()}
    assert (loaders["LoRA 1"]["lora_name"], loaders["LoRA 1"]["strength_model"]) == ("mine/soft.safetensors", 0.8)
    files = {media.name for media in wanted.media().values()}
    assert files <= {value for node in first.values() for value in node["inputs"].values() if isinstance(value, str)}


@pytest.mark.parametrize("mode", manifest.modes(), ids=lambda mode: mode.name)
def test_what_goes_into_the_videos_tags_can_be_read_again(library, manager, mode):
    job = manager.submit(request(manager, mode, loras=LORAS), "me")
    assert isinstance(ends(manager, job), Succeeded), manager.get(job.id).state
    settings = library.posted("/prompt")[0]["extra_data"]["extra_pnginfo"]["ltx_studio"]
    assert settings["values"]["loras"] == [
        {"name": "mine/soft.safetensors", "strength": 0.8},
        {"name": "grain", "strength": 1.0},
    ]
    media = {field.name: "x" for field in mode.fields if field.type in manifest.MEDIA_TYPES}
    assert parse(mode.name, {**settings["values"], **media, "preset": settings["preset"]}).values["seed"] == 5


def of_length(frames, fps, mode, folder):
    """Media for the mode that last so many frames."""
    short = {
        "audio": lambda: clips.sound("wav", frames / fps),
        "video": lambda: clips.video(frames=frames, fps=fps),
        "image": clips.picture,
    }
    return {
        field.name: admit(field.type, short[field.type](), "a", folder, field.title, 1)
        for field in mode.fields
        if field.type in manifest.MEDIA_TYPES
    }


@pytest.mark.parametrize("mode", manifest.modes(), ids=lambda mode: mode.name)
@pytest.mark.parametrize(("frames", "fps"), [(9, 60), (9, 24), (24, 24), (25, 25)])
def test_sources_of_any_length_come_back_from_the_database(mode, frames, fps, tmp_path):
    wanted = parse(mode.name, {"prompt": "x", **of_length(frames, fps, mode, tmp_path / "u")})
    if mode.rate_of:
        assert wanted.shape.frames <= frames
    store = Store(tmp_path / "other.db")
    store.add("a", "me", wanted, "c", 1.0)
    row = store.get("a")
    store.close()
    again = parse(row.mode, {**row.request, "preset": row.preset})
    assert (again.values, again.shape) == (wanted.values, wanted.shape)


@pytest.mark.parametrize(("frames", "start"), [(8, 0.0), (24, 0.9)])
def test_a_source_with_too_few_frames_is_refused(frames, start, tmp_path):
    media = of_length(frames, 24, manifest.mode("style"), tmp_path)
    with pytest.raises(StudioError) as caught:
        parse("style", {"prompt": "x", "video_start": start, **media})
    assert (caught.value.code, caught.value.field) == ("source_too_short", "video")


MARK = "Zq7Vn3"


@given(name=st.text(max_size=60), ending=st.sampled_from(["", ".mp4", ".exe", "/../../x.png", "\\x.wav"]))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("mode", ["i2v", "a2v", "style"])
def test_no_name_that_a_person_chose_reaches_the_engine(library, manager, mode, name, ending):
    library.seen.clear()
    job = manager.submit(request(manager, manifest.mode(mode), f"{name}{MARK}{ending}"), "me")
    assert isinstance(ends(manager, job), Succeeded), manager.get(job.id).state
    assert not any(MARK.encode() in body or MARK in path for _, path, body in library.seen)
    uploads = [body for _, path, body in library.seen if path == "/upload/image"]
    names = [re.search(rb'name="image"; filename="([^"]*)"', body)[1].decode() for body in uploads]
    assert names
    assert all(re.fullmatch(r"[0-9a-f]{24}\.[a-z0-9]{3,4}", found) for found in names)
