"""`python -m client run`: what it refuses, and how it ends when nobody reads along."""

import json
import os
import signal
import subprocess
import sys

import pytest

from client.transport import Server
from tests.integration.test_engines import LONG, SMALL
from tests.support import clips, scripted, videos
from tests.support.videos import describe, frames
from workflows.graph import title


def start(url, out, values, *more, mode="t2v"):
    settings = [f"--set={name}={value}" for name, value in values.items()]
    command = [sys.executable, "-m", "client", "run", mode, *settings, "--out", str(out), "--server", url, *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def refused(url, out, values=SMALL, *more, mode="t2v"):
    process = start(url, out, values, *more, mode=mode)
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


def lines_of(process):
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    return [json.loads(line) for line in stdout.splitlines()]


def test_variations_are_numbered_and_told_apart(draft_url, tmp_path):
    lines = lines_of(start(draft_url, tmp_path / "clip.mp4", SMALL, "--json", "--variations", "3"))
    done = {line["seed"]: line["outputs"] for line in lines if line["state"] == "succeeded"}
    assert done == {3 + number: [str(tmp_path / f"clip-{number + 1}.mp4")] for number in range(3)}
    assert len({line["id"] for line in lines}) == 3
    first, second = (frames(tmp_path / f"clip-{number}.mp4")[12] for number in (1, 2))
    assert (first != second).any()


def test_the_number_goes_where_it_is_wanted(draft_url, tmp_path):
    process = start(draft_url, tmp_path / "{n}-take.mp4", SMALL, "--variations", "2")
    stderr = process.communicate(timeout=120)[1]
    assert process.returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1-take.mp4", "2-take.mp4"]
    assert "1/2: " in stderr
    assert "2/2: " in stderr


@pytest.mark.parametrize("count", ["0", "9", "-1"])
def test_a_number_of_variations_that_is_not_offered(draft_url, tmp_path, count):
    code, sentence = refused(draft_url, tmp_path / "x.mp4", SMALL, f"--variations={count}")
    assert code == 2
    assert "between 1 and 8" in sentence


def test_all_variations_are_cancelled_together(draft_url, tmp_path):
    process = start(draft_url, tmp_path / "x.mp4", LONG, "--json", "--variations", "3")
    for line in process.stdout:
        if json.loads(line)["state"] == "running":
            process.send_signal(signal.SIGINT)
            break
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert Server(draft_url).queue_remaining() == 0
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def accepting():
    """An engine that takes every upload and succeeds with every prompt, having rewritten it where it was asked to."""

    def ended(_):
        found = {}
        for body in script.posted("/prompt"):
            enhanced = [key for key, node in body["prompt"].items() if title(node) == "Enhanced prompt"]
            outputs = {**scripted.one_video(), **{key: {"text": ["A storm, in long words."]} for key in enhanced}}
            found |= scripted.history(body["prompt_id"], outputs)[1]
        return 200, found

    with scripted.engine() as script:
        script.routes["GET /view"] = lambda _: (200, videos.mp4())
        script.routes["GET /history/"] = ended
        script.routes["POST /upload/image"] = lambda _: (200, {"name": "up.bin", "subfolder": "ltx-studio"})
        yield script


def test_a_sound_file_sets_the_length_and_own_loras_their_strength(accepting, tmp_path):
    sound = tmp_path / "speech.bin"
    sound.write_bytes(clips.sound("ogg", 3.0))
    values = {"prompt": "a singer", "audio": sound, "loras": "mine.safetensors:0.8,other"}
    lines_of(start(accepting.url, tmp_path / "x.mp4", values, "--json", mode="a2v"))
    nodes = {title(node): node["inputs"] for node in accepting.posted("/prompt")[0]["prompt"].values()}
    assert nodes["Audio"]["audio"] == "ltx-studio/up.bin"
    assert nodes["Cut audio"]["duration"] == pytest.approx(3.0, abs=0.2)
    assert [(nodes[name]["lora_name"], nodes[name]["strength_model"]) for name in ("LoRA 1", "LoRA 2")] == [
        ("mine.safetensors", 0.8),
        ("other", 1.0),
    ]


def test_a_video_gives_its_rate(accepting, tmp_path):
    video, image = tmp_path / "source.bin", tmp_path / "style.bin"
    video.write_bytes(clips.video("mkv", frames=60, fps=30))
    image.write_bytes(clips.picture())
    values = {"prompt": "in oil", "video": video, "style_image": image}
    process = start(accepting.url, tmp_path / "x.mp4", values, mode="style")
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode == 0, stderr
    assert "1.90 s" in stderr


@pytest.mark.parametrize(
    ("mode", "field", "data", "told"),
    [
        ("a2v", "audio", clips.video(), "without a sound track"),
        ("a2v", "audio", b"#EXTM3U\n", "no sound"),
        ("style", "video", clips.picture(), "not an MP4"),
    ],
)
def test_a_file_of_another_kind_is_refused_before_anything_is_sent(accepting, tmp_path, mode, field, data, told):
    named = tmp_path / "named.mp4"
    named.write_bytes(data)
    image = tmp_path / "image.png"
    image.write_bytes(clips.picture())
    values = {"prompt": "x", field: named, **({"style_image": image} if mode == "style" else {})}
    code, sentence = refused(accepting.url, tmp_path / "x.mp4", values, mode=mode)
    assert code == 2
    assert told in sentence
    assert accepting.seen == []


def test_an_enhanced_prompt_is_told(accepting, tmp_path):
    values = {**SMALL, "enhance": "on"}
    *_, last = lines_of(start(accepting.url, tmp_path / "x.mp4", values, "--json"))
    assert last["enhanced"] == "A storm, in long words."
    stderr = start(accepting.url, tmp_path / "x.mp4", values).communicate(timeout=60)[1]
    assert "Enhanced prompt: A storm, in long words." in stderr
    *_, last = lines_of(start(accepting.url, tmp_path / "x.mp4", SMALL, "--json"))
    assert "enhanced" not in last
