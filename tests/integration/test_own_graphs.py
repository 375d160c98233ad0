"""A graph of one's own, from the file to the video, on an engine; and what becomes of it when it no longer fits."""

from __future__ import annotations

import io
import subprocess
import sys
import uuid
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import av
import pytest
from PIL import Image

from client.jobs import JobManager
from client.states import Failed, Succeeded
from tests.integration.test_engines import SMALL
from tests.workflows.graphs import kept, node_of, renumbered, run, saved, with_nodes
from workflows import manifest, own
from workflows.request import parse


def loaders(run_id: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Loaders of files that no server has, whatever earlier runs left there."""
    return {
        "901": ("LoadImage", {"image": f"{run_id}.jpg"}),
        "902": ("LoadAudio", {"audio": f"{run_id} old/söng.mp3"}),
        "903": ("VHS_LoadVideo", {"video": f"{run_id}.mov"}),
        "904": ("LoadImage", {"image": f"{run_id}.jpg"}),
        "905": ("LoadImage", {"image": "/etc/motd.png"}),
    }


@pytest.fixture
def manager(draft_url: str, tmp_path: Path):
    made = JobManager(tmp_path, draft_url)
    yield made
    made.close()


def made_by(manager: JobManager, **values: object):
    """The graph that was sent and the state at the end."""
    job = manager.submit(parse("t2v", {**SMALL, **values}), "me")
    manager.wait(job.id, 60)
    return manager.graph(job.id), manager.get(job.id).state


def imported(folder: Path, graph, url: str, *more: str):
    return run("import", saved(folder, graph), "--mode", "t2v", "--data", folder, "--server", url, *more)


def own_graph(run_id: str = "old"):
    """A re-export with another sampler and a branch of its own."""
    graph = renumbered(manifest.graph("t2v"))
    node_of(graph, "Stage 2 sampler")["inputs"]["sampler_name"] = "euler_ancestral"
    return with_nodes(graph, **{"950": ("PreviewImage", {"images": ["901", 0]}), **loaders(run_id)})


def test_a_job_uses_the_imported_graph_until_its_file_is_deleted(draft_url, tmp_path, manager) -> None:
    assert imported(tmp_path, own_graph(), draft_url).returncode == 0
    sent, state = made_by(manager, preset="balanced")
    assert isinstance(state, Succeeded)
    assert node_of(sent, "Stage 2 sampler")["inputs"]["sampler_name"] == "euler_ancestral"
    assert node_of(sent, "Prompt")["inputs"]["text"] == SMALL["prompt"]
    assert sent.keys() <= renumbered(manifest.graph("t2v")).keys()
    assert (manager.folder / state.outputs[0].name).stat().st_size > 1000
    own.path_of(tmp_path, "t2v").unlink()
    sent, state = made_by(manager, preset="balanced")
    assert isinstance(state, Succeeded)
    assert node_of(sent, "Stage 2 sampler")["inputs"]["sampler_name"] != "euler_ancestral"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is no JSON file"),
        ('{"1": {"class_type": "A"}}', "node '1' (A) has no inputs"),
        ('{"1": {"class_type": "A", "inputs": {}}}', "no node has this title"),
    ],
    ids=["cut", "malformed", "another graph"],
)
def test_a_graph_that_no_longer_fits_fails_the_job_and_names_the_file(tmp_path, manager, text, reason) -> None:
    path = own.path_of(tmp_path, "t2v")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    sent, state = made_by(manager)
    assert sent == {}
    assert isinstance(state, Failed)
    assert (state.code, state.retryable) == ("own_graph_unfit", False)
    assert f"Your own graph for Text to Video, {path}, does not fit: " in state.message
    assert reason in state.message
    assert "delete the file" in state.hint


def test_the_command_line_uses_the_graph_of_the_data_folder(draft_url, tmp_path) -> None:
    path = own.path_of(tmp_path, "t2v")
    path.parent.mkdir(parents=True)
    path.write_text("{")
    settings = [f"--set={name}={value}" for name, value in SMALL.items()]
    command = [sys.executable, "-m", "client", "run", "t2v", *settings, "--out", str(tmp_path / "x.mp4")]
    ended = subprocess.run(
        [*command, "--server", draft_url],
        env={"STUDIO_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert str(path) in ended.stderr


def test_placeholders_are_uploaded_under_the_names_that_loaders_ask_for(engine_url, tmp_path) -> None:
    run_id = f"own-{uuid.uuid4().hex[:8]}"
    graph = own_graph(run_id)
    asked = imported(tmp_path, graph, engine_url, "--check-only")
    assert asked.stdout.startswith(
        "uploaded files that loaders name and the server lacks (--placeholders):\n"
        f"  '{run_id}.jpg' (LoadImage.image of 'LoadImage (901)', in a branch that the mode does not use)\n"
        f"  '{run_id} old/söng.mp3' (LoadAudio.audio of 'LoadAudio', in a branch that the mode does not use)\n"
        f"  '{run_id}.mov' (VHS_LoadVideo.video of 'VHS_LoadVideo', in a branch that the mode does not use)\n"
        f"  '{run_id}.jpg' (LoadImage.image of 'LoadImage (904)', in a branch that the mode does not use)\n"
    )
    ended = imported(tmp_path, graph, engine_url, "--placeholders")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [line for line in ended.stdout.splitlines() if line.startswith("placeholder")] == [
        f"placeholder uploaded as '{run_id}.jpg'",
        f"placeholder uploaded as '{run_id} old/söng.mp3'",
        f"placeholder uploaded as '{run_id}.mov'",
    ]
    with Image.open(io.BytesIO(fetched(engine_url, f"{run_id}.jpg"))) as picture:
        picture.load()
        assert picture.format == "PNG"
    with av.open(io.BytesIO(fetched(engine_url, "söng.mp3", f"{run_id} old"))) as sound:
        assert sum(frame.samples for frame in sound.decode(audio=0)) == 8000
    with av.open(io.BytesIO(fetched(engine_url, f"{run_id}.mov"))) as clip:
        assert sum(1 for _ in clip.decode(video=0)) == 8
    again = imported(tmp_path, graph, engine_url, "--placeholders")
    assert (again.returncode, "placeholder uploaded" in again.stdout) == (0, False)


def fetched(url: str, filename: str, subfolder: str = "") -> bytes:
    """An uploaded file as the engine has it."""
    query = urlencode({"type": "input", "filename": filename, "subfolder": subfolder})
    with urlopen(f"{url}/view?{query}", timeout=10) as answer:
        return answer.read()


def in_use(graph):
    """The graph with a picture that the mode doesn't set in what it sends: behind it the encoder is told to wait."""
    encoder = node_of(graph, "Prompt")
    encoder["inputs"]["wait_for"] = ["960", 0]
    return with_nodes(graph, **{"960": ("LoadImage", {"image": "own-graphs-needed.png"})})


def test_a_file_that_a_sent_branch_lacks_needs_a_placeholder(draft_url, tmp_path, manager) -> None:
    graph = in_use(manifest.graph("t2v"))
    ended = imported(tmp_path, graph, draft_url)
    assert ended.returncode == 1
    assert "  'own-graphs-needed.png' (LoadImage.image of 'LoadImage')\n" in ended.stdout
    assert kept(tmp_path, "t2v") is None
    assert imported(tmp_path, graph, draft_url, "--placeholders").returncode == 0
    sent, state = made_by(manager)
    assert node_of(sent, "LoadImage")["inputs"] == {"image": "own-graphs-needed.png"}
    assert isinstance(state, Succeeded), state


def test_the_placeholders_are_small() -> None:
    folder = Path(manifest.__file__).parent.parent / "assets" / "placeholders"
    sizes = {path.name: path.stat().st_size for path in folder.glob("placeholder.*")}
    assert sizes.keys() == {"placeholder.png", "placeholder.wav", "placeholder.mp4"}
    assert max(sizes.values()) < 20_000
