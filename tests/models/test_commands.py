"""`python3 -m bootstrap models` as a person runs it, against a hub on loopback."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from bootstrap import models_cli
from client import card
from client import settings as configuration
from client.models.choice import choice_for
from client.models.rates import Meter
from tests.models.conftest import CAME, CHECKPOINT, ENCODER, FAST, LORA, Person
from tests.support.commands import eventually
from tests.support.hub import Stall
from workflows import registry

TOKEN = "hf_secret_of_mine"


def test_a_plan_says_what_is_missing_and_how_much_it_is(person: Person) -> None:
    ended = person.run("plan", *FAST)
    assert ended.returncode == 0, ended.stderr
    assert f"Models folder: {person.models}" in ended.stdout
    for file in (CHECKPOINT, ENCODER, LORA):
        assert f"missing  {file}" in ended.stdout
    size = sum(len(file) * 5000 for file in (CHECKPOINT, ENCODER, LORA))
    assert f"{size / 1e6:.1f} MB to fetch; " in ended.stdout
    assert f"free in {person.folder / 'hf' / 'hub'}" in ended.stdout
    assert not (person.folder / "hf").exists()


def test_a_plan_for_programs_has_every_number(person: Person) -> None:
    planned = person.plan("--mode", "style", "--with", "depth,pose", "--variant", "bf16")
    names = {file["model"]: file for file in planned["files"]}
    assert list(names) == [
        "checkpoint",
        "text-encoder",
        "distilled-lora",
        "union-control",
        "depth",
        "pose",
    ]
    assert names["checkpoint"]["file"] == "ltx-2.3-22b-dev.safetensors"
    assert names["checkpoint"]["repository"] == "Lightricks/LTX-2.3"
    assert names["depth"]["with"] == ["control=depth"]
    assert names["pose"]["bytes"] == len(names["pose"]["file"]) * 5000
    assert planned["bytes_to_fetch"] == sum(file["to_fetch"] for file in planned["files"])
    assert (planned["complete"], planned["variant"], planned["models"]) == (False, "bf16", str(person.models))


def test_single_models_and_another_folder_can_be_chosen(person: Person) -> None:
    planned = person.plan(
        *FAST, "--variant", "fp8", "--variant", "text-encoder=bf16", "--folder", str(person.folder / "mine")
    )
    assert [file["variant"] for file in planned["files"]] == ["fp8", "bf16", "rank111"]
    assert planned["models"] == str(person.folder / "mine")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--variant", "int4"], "--variant can't be int4. Choose one of auto, bf16, fp8, nvfp4, MODEL=VARIANT."),
        (["--variant", "checkpoint=gguf-q4"], "needs the node pack ComfyUI-GGUF"),
        (["--variant", "vae=bf16"], "The model can't be vae"),
        (["--mode", "v2v"], "There is no mode called v2v"),
        (["--preset", "slow"], "no preset called slow"),
        (["--with", "zoom"], "--with can't be zoom"),
    ],
)
def test_what_can_t_be_asked_for_is_refused(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert models_cli.main(["plan", "--data", str(tmp_path), *arguments]) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""


def test_a_refusal_comes_through_both_stages(person: Person) -> None:
    ended = person.run("plan", "--variant", "int4")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("--variant can't be int4.")
    assert person.run("plan", "--frobnicate").returncode == 2


def refused(person: Person, **extra: str) -> str:
    """The one line with which a plan is refused."""
    ended = person.run("plan", *FAST, **extra)
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    (line,) = ended.stderr.splitlines()
    return line


def test_a_variable_of_hugging_face_s_that_is_wrong_is_named_in_one_line(person: Person) -> None:
    file = person.folder / "file"
    file.write_bytes(b"\xff\xfe")
    assert refused(person, HF_TOKEN="hf_gehéim").startswith("The hub's token from HF_TOKEN can't be sent: it holds")
    assert refused(person, HF_TOKEN_PATH=str(file)).startswith(f"The hub's token can't be read from {file} (it is no")
    assert refused(person, HF_HOME=str(file)).startswith(f"HF_HOME leads to {file}, which is no folder.")
    assert refused(person, HF_HUB_CACHE=str(file / "hub")).startswith(f"HF_HUB_CACHE leads to {file}, which is no")
    for endpoint in ("http://[bad", "huggingface.co", "http://bob:12/s3cret@host", "http://host/?token=s3cret"):
        line = refused(person, HF_ENDPOINT=endpoint)
        assert line.startswith("HF_ENDPOINT is no web address: ")
        assert "s3cret" not in line


def test_an_empty_variable_of_hugging_face_s_is_one_that_is_not_set(person: Person) -> None:
    planned = person.plan(*FAST, HF_ENDPOINT="", HF_HUB_CACHE="", HF_HUB_OFFLINE="1", HF_TOKEN="")
    assert planned["cache"] == str(person.folder / "hf" / "hub")


def test_a_pull_has_everything_and_a_second_one_fetches_nothing(person: Person) -> None:
    ended = person.run("pull", *FAST, HF_TOKEN=TOKEN)
    assert ended.returncode == 0, ended.stderr
    assert "Everything is there." in ended.stdout
    for folder, file in (("checkpoints", CHECKPOINT), ("text_encoders", ENCODER), ("loras", LORA)):
        placed = person.models / folder / file
        assert placed.read_bytes() == file.encode() * 5000
        assert placed.is_symlink()
        assert f"{file}: in its place (symlink)" in ended.stdout
    assert TOKEN not in ended.stdout + ended.stderr
    asked = [seen for seen in person.hub.seen if "/resolve/" in seen.path]
    assert {seen.headers.get("authorization") for seen in asked} == {f"Bearer {TOKEN}"}
    assert not [seen for seen in person.hub.gets("") if "authorization" in seen.headers]
    person.hub.seen.clear()
    again = person.run("pull", *FAST)
    assert again.returncode == 0
    assert "Everything is there." in again.stdout
    assert [seen for seen in person.hub.seen if "/resolve/" in seen.path] == []
    assert person.plan(*FAST, HF_HUB_OFFLINE="1")["complete"]


def test_a_killed_pull_goes_on_where_it_was(person: Person) -> None:
    path = registry.model("checkpoint").variants[0].path
    stall = Stall(CAME)
    person.hub.faults[path] = [stall]
    pulling = person.start(*FAST)
    assert stall.reached.wait(60)
    assert eventually(lambda: person.parts() == [CAME])
    pulling.send_signal(signal.SIGKILL)
    pulling.communicate(timeout=30)
    assert not (person.models / "checkpoints" / CHECKPOINT).exists()
    planned = {file["file"]: file for file in person.plan(*FAST)["files"]}
    assert (planned[CHECKPOINT]["state"], planned[CHECKPOINT]["have"]) == ("partial", CAME)
    ended = person.run("pull", *FAST)
    assert ended.returncode == 0, ended.stderr
    assert person.hub.ranges(path) == ["", f"bytes={CAME}-"]
    assert (person.models / "checkpoints" / CHECKPOINT).read_bytes() == CHECKPOINT.encode() * 5000
    assert person.parts() == []


def test_ctrl_c_keeps_what_has_come(person: Person) -> None:
    path = registry.model("checkpoint").variants[0].path
    stall = Stall(CAME)
    person.hub.faults[path] = [stall]
    pulling = person.start(*FAST)
    assert stall.reached.wait(60)
    assert eventually(lambda: person.parts() == [CAME])
    pulling.send_signal(signal.SIGINT)
    _, complaint = pulling.communicate(timeout=30)
    assert (pulling.returncode, complaint.strip()) == (130, "Interrupted. Pulling again goes on from here.")
    assert CAME in person.parts()


def test_events_are_one_json_object_a_line_and_a_failure_is_an_exit_code(person: Person) -> None:
    encoder = registry.model("text-encoder").variants[0]
    person.hub.gated.add(encoder.repo)
    ended = person.run("pull", *FAST, "--json")
    assert ended.returncode == 1
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert events[0]["event"] == "plan"
    assert events[0]["licences"] == [f"{person.hub.url}/{encoder.repo}"]
    assert events[-1] == {"event": "result", "complete": False}
    failed = [event for event in events if event["event"] == "failed"]
    assert [(event["file"], event["code"]) for event in failed] == [(ENCODER, "model_gated")]
    assert {event["file"] for event in events if event["event"] == "done"} == {CHECKPOINT, LORA}
    last = [event for event in events if event["event"] == "total"][-1]
    assert (last["files_done"], last["files"]) == (2, 3)
    assert last["done"] == last["bytes"] == (len(CHECKPOINT) + len(LORA)) * 5000


def test_offline_a_pull_says_which_files_are_not_here(person: Person) -> None:
    ended = person.run("pull", *FAST, HF_HUB_OFFLINE="1")
    assert ended.returncode == 1
    assert f"{CHECKPOINT} is not on this machine, and HF_HUB_OFFLINE forbids fetching it." in ended.stderr
    assert "3 of 3 files are missing." in ended.stdout
    assert person.hub.seen == []


def driver(folder: Path, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose NVIDIA driver answers this."""
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\ncase $1 in -L) echo 'GPU 0';; *) printf '{answer}';; esac\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


@pytest.mark.parametrize(
    ("answer", "device", "choice"),
    [
        ("NVIDIA H100, 81559, 9.0\\n", "auto", "bf16"),
        ("NVIDIA GeForce RTX 4090, 24564, 8.9\\nNVIDIA H100, 81559, 9.0\\n", "auto", "fp8"),
        ("NVIDIA GeForce RTX 5080, 16303, 12.0\\n", "auto", "nvfp4"),
        ("NVIDIA GB10, [N/A], 12.1\\n", "cuda", "fp8"),
        ("No devices were found\\n", "auto", "fp8"),
        ("NVIDIA H100, 81559, 9.0\\n", "cpu", "fp8"),
        ("NVIDIA H100, 81559, 9.0\\n", "mps", "bf16"),
    ],
)
def test_auto_is_what_suits_the_device(
    answer: str, device: str, choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(tmp_path, answer, monkeypatch)
    settings = configuration.read({"STUDIO_DATA": str(tmp_path), "STUDIO_DEVICE": device})
    assert choice_for(settings) == choice


def test_a_card_is_read_in_gb_of_ten_to_the_nine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(tmp_path, "NVIDIA RTX PRO 6000, Blackwell, 97887, 12.0\\n", monkeypatch)
    found = card.first()
    assert found is not None
    assert (found.name, round(found.memory_gb, 1), found.fp4) == ("NVIDIA RTX PRO 6000, Blackwell", 102.6, True)
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert card.first() is None


def test_the_rate_is_that_of_the_last_seconds() -> None:
    now = [100.0]
    meter = Meter(lambda: now[0])
    assert (meter.rate(), meter.left(5)) == (0.0, None)
    meter.add(0)
    for _ in range(10):
        now[0] += 1.0
        meter.add(1000)
    assert (meter.rate(), meter.left(5000)) == (1000.0, 5.0)
    for _ in range(20):
        now[0] += 1.0
        meter.add(10)
    assert 9 < meter.rate() < 20
    now[0] += 1000.0
    assert meter.rate() < 1
