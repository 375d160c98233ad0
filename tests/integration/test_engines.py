"""The same jobs on every engine: the draft engine always, a real ComfyUI with --comfy-real."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from client.jobs import JobManager
from client.media import admit_file
from client.states import Cancelled, Queued, Running, Succeeded
from client.transport import Server
from tests.support.proxy import Proxy
from tests.support.videos import blocks, correlation, describe, frame, frames
from workflows import schema
from workflows.request import parse

SMALL = {"prompt": "a lighthouse in a storm, slow dolly in", "width": 256, "height": 128, "seconds": 1, "seed": 3}
LONG = {**SMALL, "width": 768, "height": 512, "seconds": 12}


@pytest.fixture
def picture(tmp_path):
    """Sixteen flat colours, easy to recognise in a decoded frame whatever the codec did."""
    path = tmp_path / "picture.png"
    colours = np.random.default_rng(5).integers(0, 255, (4, 8, 3), np.uint8)
    Image.fromarray(colours.repeat(64, 0).repeat(64, 1)).save(path)
    return path


@pytest.fixture
def manager(engine_url, tmp_path):
    made = JobManager(tmp_path / "data", engine_url)
    yield made
    made.close()


def make(manager, mode, values):
    job = manager.submit(parse(mode, values), "me")
    manager.wait(job.id, 120)
    job = manager.get(job.id)
    assert isinstance(job.state, Succeeded), job.state
    return job, manager.folder / job.state.outputs[0].name


def until(manager, job, wanted, seconds=60):
    """Wait until the job's state is of one of the wanted kinds."""
    end = time.monotonic() + seconds
    while not isinstance(manager.get(job.id).state, wanted):
        assert time.monotonic() < end, manager.get(job.id)
        manager.wait(job.id, 0.02)
    return manager.get(job.id)


@pytest.mark.parametrize("preset", ["fast", "balanced"])
def test_text_to_video_is_exactly_what_was_promised(manager, preset):
    job, video = make(manager, "t2v", {**SMALL, "preset": preset, "fps": 25})
    assert describe(video) == {
        "width": 256, "height": 128, "frames": job.shape.frames, "fps": 25.0, "audio": 1, "codec": "h264",
    }  # fmt: skip
    assert job.shape.frames == 25
    assert (manager.folder / job.poster).is_file()
    assert job.elapsed(0) > 0


@pytest.mark.parametrize("preset", ["fast", "balanced"])
def test_image_to_video_begins_with_the_picture(manager, picture, preset):
    image = admit_file("image", picture, manager.uploads, "Image", 10)
    _, video = make(manager, "i2v", {**SMALL, "image": image, "preset": preset})
    assert correlation(blocks(frame(video, 0)), blocks(np.asarray(Image.open(picture).resize((256, 128))))) > 0.9


def test_the_seed_decides(manager):
    first, again, other = (make(manager, "t2v", {**SMALL, "seed": seed})[1] for seed in (11, 11, 12))
    assert all((a == b).all() for a, b in zip(frames(first), frames(again), strict=True))
    assert any((a != b).any() for a, b in zip(frames(first), frames(other), strict=True))


def test_a_running_job_is_cancelled_on_the_engine_too(manager, engine_url):
    job = manager.submit(parse("t2v", LONG), "me")
    until(manager, job, Running)
    manager.cancel(job.id)
    assert until(manager, job, Cancelled).state == Cancelled()
    assert Server(engine_url).queue_remaining() == 0


def test_a_queued_job_knows_its_place_and_can_be_cancelled(manager):
    running = manager.submit(parse("t2v", LONG), "me")
    until(manager, running, Running)
    waiting = manager.submit(parse("t2v", SMALL), "me")
    while manager.get(waiting.id).state == Queued(None):
        manager.wait(waiting.id, 0.02)
    assert manager.get(waiting.id).state == Queued(1)
    manager.cancel(waiting.id)
    assert until(manager, waiting, Cancelled).started_at is None
    assert isinstance(manager.get(running.id).state, Running)
    manager.cancel(running.id)
    until(manager, running, Cancelled | Succeeded)


def test_ten_cuts_of_the_websocket_and_it_still_completes_once(engine_url, tmp_path):
    with Proxy(engine_url) as proxy:
        direct, manager = JobManager(tmp_path / "direct", engine_url), JobManager(tmp_path, proxy.url)
        before = direct.submit(parse("t2v", LONG), "me")
        until(direct, before, Running)
        job = manager.submit(parse("t2v", {**LONG, "seed": 4}), "me")
        for _ in range(5):
            proxy.cut_websocket()
        direct.cancel(before.id)
        for _ in range(5):
            proxy.cut_websocket()
        manager.wait(job.id, 240)
        ended = manager.get(job.id)
        assert isinstance(ended.state, Succeeded)
        assert len(ended.state.outputs) == len(manager.library("me")) == 1
        assert proxy.cuts == 10
        manager.close()
        direct.close()


def test_stages_are_passed_in_order_and_progress_never_falls(manager):
    job = manager.submit(parse("t2v", {**SMALL, "width": 512, "height": 320, "seconds": 4}), "me")
    seen = []
    while not isinstance(manager.get(job.id).state, Succeeded):
        seen.append(manager.get(job.id))
        manager.wait(job.id, 0.01)
    running = [now.state for now in seen if isinstance(now.state, Running)]
    fractions = [state.fraction for state in running]
    assert fractions == sorted(fractions)
    assert {state.stage for state in running} <= {*seen[0].stages, ""}
    assert len({state.stage for state in running}) >= 3


def test_recorded_interfaces_need_what_the_live_ones_need(engine_url):
    live = Server(engine_url).object_info()
    for name in schema.recorded():
        if name in live:
            assert set(live[name]["input"].get("required", {})) == set(schema.recorded()[name]["input"]["required"])


def run(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "client", "run", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_the_command_line_reports_every_state_and_leaves_the_video(engine_url, tmp_path):
    out = tmp_path / "clip.mp4"
    settings = [f"--set={name}={value}" for name, value in SMALL.items()]
    process = run("t2v", *settings, "--out", str(out), "--server", engine_url, "--json")
    stdout, stderr = process.communicate(timeout=120)
    lines = [json.loads(line) for line in stdout.splitlines()]
    assert process.returncode == 0, stderr
    assert lines[-1]["state"] == "succeeded"
    assert lines[-1]["outputs"] == [str(out)]
    assert lines[0]["state"] == "queued"
    assert describe(out)["frames"] == 25


def test_ctrl_c_cancels_on_the_engine_and_exits_130(engine_url, tmp_path):
    settings = [f"--set={name}={value}" for name, value in LONG.items()]
    process = run("t2v", *settings, "--out", str(tmp_path / "x.mp4"), "--server", engine_url, "--json")
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["state"] == "running":
            process.send_signal(signal.SIGINT)
            break
    rest = process.communicate(timeout=120)[0].splitlines()
    assert process.returncode == 130
    assert json.loads(rest[-1])["state"] == "cancelled"
    assert Server(engine_url).queue_remaining() == 0
    assert not (tmp_path / "x.mp4").exists()
