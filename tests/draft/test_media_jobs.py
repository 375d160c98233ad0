"""Jobs with uploaded sound and video at a draft engine: what is wrong with a file ends that job and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from tests.draft.prompting import refused
from tests.support.comfy_client import Listener, messages
from tests.support.nodes import photograph
from tests.support.sounds import syllables, write_sound, write_video


def upload(url: str, path: Path) -> str:
    with path.open("rb") as file:
        answer = requests.post(f"{url}/upload/image", files={"image": (path.name, file)}, data={"overwrite": "true"})
    assert answer.status_code == 200, answer.text
    name: str = answer.json()["name"]
    return name


def sound_graph(name: str) -> dict[str, Any]:
    return {
        "1": {"class_type": "LoadAudio", "inputs": {"audio": name}},
        "2": {"class_type": "TrimAudioDuration", "inputs": {"audio": ["1", 0], "start_index": 0.0, "duration": 0.5}},
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 0]}},
    }


def video_graph(name: str, prefix: str = "media/clip") -> dict[str, Any]:
    cut = {"video": ["1", 0], "start_time": 0.25, "duration": 0.5, "strict_duration": False}
    rounded = {"expression": "round(a)", "values.a": ["3", 2]}
    made = {"images": ["4", 0], "audio": ["3", 1], "fps": ["3", 2]}
    return {
        "1": {"class_type": "LoadVideo", "inputs": {"file": name}},
        "2": {"class_type": "Video Slice", "inputs": cut},
        "3": {"class_type": "GetVideoComponents", "inputs": {"video": ["2", 0]}},
        "4": {"class_type": "ImageFromBatch", "inputs": {"image": ["3", 0], "batch_index": 0, "length": 9}},
        "5": {"class_type": "ComfyMathExpression", "inputs": rounded},
        "6": {"class_type": "PreviewAny", "inputs": {"source": ["5", 1]}},
        "7": {"class_type": "CreateVideo", "inputs": made},
        "8": {
            "class_type": "SaveVideo",
            "inputs": {"video": ["7", 0], "filename_prefix": prefix, "format": "mp4", "codec": "h264"},
        },
    }


def failure(listener: Listener, graph: dict[str, Any]) -> str:
    (error,) = messages(listener.run(graph), "execution_error")
    sentence: str = error["data"]["exception_message"]
    return sentence


def test_a_broken_file_ends_its_job_with_a_sentence_and_the_next_job_runs(
    draft_url: str, listener: Listener, tmp_path: Path
) -> None:
    write_sound(tmp_path / "whole.m4a", syllables(1.0), 48000)
    write_video(tmp_path / "whole.mp4", [photograph(64, 48)] * 30, 30, sound=syllables(1.0))
    for kind in ("m4a", "mp4"):
        (tmp_path / f"cut.{kind}").write_bytes((tmp_path / f"whole.{kind}").read_bytes()[:3000])
    names = {name: upload(draft_url, tmp_path / name) for name in ("whole.m4a", "cut.m4a", "whole.mp4", "cut.mp4")}

    sentence = failure(listener, sound_graph(names["cut.m4a"]))
    assert sentence.startswith("The sound of cut.m4a can't be read: ")
    assert sentence.count("\n") == 1
    assert not messages(listener.run(sound_graph(names["whole.m4a"])), "execution_error")

    assert failure(listener, video_graph(names["cut.mp4"])).startswith("cut.mp4 can't be read as a video: ")
    heard = listener.run(video_graph(names["whole.mp4"]))
    assert not messages(heard, "execution_error")
    shown = {message["data"]["node"]: message["data"]["output"] for message in messages(heard, "executed")}
    assert shown["6"] == {"text": ["30"]}
    assert shown["8"]["images"][0]["filename"].endswith(".mp4")


@pytest.mark.parametrize(
    ("graph", "sentence"),
    [
        (sound_graph("nothing.wav"), "Invalid audio file: nothing.wav"),
        (video_graph("no.mp4"), "Invalid video file: no.mp4"),
    ],
)
def test_a_file_that_is_not_there_is_refused_at_once(draft_url: str, graph: dict[str, Any], sentence: str) -> None:
    (error,) = refused(draft_url, graph)["node_errors"]["1"]["errors"]
    assert error["type"] == "custom_validation_failed"
    assert sentence in error["details"]


def test_uploaded_sound_and_video_are_on_offer(draft_url: str, tmp_path: Path) -> None:
    write_sound(tmp_path / "offered.flac", syllables(0.3), 48000)
    write_video(tmp_path / "offered.mp4", [photograph(64, 48)] * 3)
    for name in ("offered.flac", "offered.mp4"):
        upload(draft_url, tmp_path / name)
    info = requests.get(f"{draft_url}/object_info").json()
    audio = info["LoadAudio"]["input"]["required"]["audio"][1]["options"]
    video = info["LoadVideo"]["input"]["required"]["file"][1]["options"]
    assert {"offered.flac", "offered.mp4"} <= set(audio)
    assert "offered.mp4" in video
    assert "offered.flac" not in video
