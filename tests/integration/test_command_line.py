"""`python -m client run`: what it refuses, and how it ends when nobody reads along."""

import json
import os
import signal
import subprocess
import sys

import pytest

from client.transport import Server
from tests.integration.test_engines import LONG, SMALL
from tests.support.videos import describe


def start(url, out, values, *more):
    settings = [f"--set={name}={value}" for name, value in values.items()]
    command = [sys.executable, "-m", "client", "run", "t2v", *settings, "--out", str(out), "--server", url, *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def refused(url, out, values=SMALL):
    process = start(url, out, values)
    stdout, stderr = process.communicate(timeout=60)
    assert stdout == ""
    assert "Traceback" not in stderr
    assert len(stderr.strip().splitlines()) == 1
    return process.returncode, stderr


@pytest.mark.parametrize("out", [".", "missing/clip.mp4", "folder"])
def test_a_place_that_can_not_hold_a_video_is_refused_first(draft_url, tmp_path, out):
    (tmp_path / "folder").mkdir()
    assert refused(draft_url, tmp_path / out)[0] == 2


@pytest.mark.parametrize(
    "values",
    [{"prompt": " "}, {**SMALL, "seconds": 0}, {**SMALL, "width": 100}, {**SMALL, "sharpness": 3}],
)
def test_bad_input_gets_one_sentence(draft_url, tmp_path, values):
    assert refused(draft_url, tmp_path / "x.mp4", values)[0] == 2


def test_a_server_that_is_not_there_is_said_at_once(tmp_path):
    code, sentence = refused("http://127.0.0.1:9", tmp_path / "x.mp4")
    assert code == 1
    assert "does not answer" in sentence


def test_a_reader_that_leaves_ends_the_job(draft_url, tmp_path):
    process = start(draft_url, tmp_path / "x.mp4", LONG, "--json")
    for line in process.stdout:
        if json.loads(line)["state"] == "running":
            break
    process.stdout.close()
    assert process.wait(60) == 130
    assert "Traceback" not in process.stderr.read()
    assert Server(draft_url).queue_remaining() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_end_cancels_the_job(draft_url, tmp_path, number):
    process = start(draft_url, tmp_path / "x.mp4", LONG, "--json")
    for line in process.stdout:
        if json.loads(line)["state"] == "running":
            process.send_signal(number)
            break
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert Server(draft_url).queue_remaining() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a small file system of its own to fill")
def test_a_full_disk_keeps_the_video_elsewhere(draft_url, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        process = start(draft_url, small / "x.mp4", SMALL)
        stderr = process.communicate(timeout=60)[1]
        assert process.returncode == 1
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)
    kept = stderr.split("kept at ")[1].strip().rstrip(".")
    assert describe(kept)["frames"] == 25
