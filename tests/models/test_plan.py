from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download

from client.models import hub as hubs
from client.models import place
from client.models.events import Done, Failed, as_dict
from client.models.plan import Plan, plan
from client.models.pull import pull
from tests.models.conftest import CONTENT, FILE, PATH, QUICK, REPO, Machine, need
from tests.support.hub import Cut, Status
from tests.support.ports import free_ports
from workflows import needs, registry
from workflows.address import Credentials
from workflows.errors import StudioError
from workflows.needs import Need
from workflows.registry import Model, Variant

TOKEN = "hf_secret_of_mine"
USER, PASSWORD = "b0b", "p%40ssw0rd"
SECRETS = (TOKEN, PASSWORD, "p@ssw0rd", f"{USER}:", "signed-secret")


def of_two(**more: object) -> Need:
    """A model of which the graphs name `big.safetensors` and `small.safetensors` does the same."""
    variants = tuple(
        Variant.model_validate({"name": name, "repo": REPO, "path": f"{name}.safetensors", "folder": "loras", **more})
        for name in ("big", "small")
    )
    return Need("big.safetensors", Model(name="twofold", title="Twofold", variants=variants))


def test_a_missing_file_comes_with_the_hub_s_own_size(machine: Machine) -> None:
    planned = machine.plan(need(bytes=123))
    (item,) = planned.items
    assert (item.state, item.bytes, item.exact, item.to_fetch) == ("missing", len(CONTENT), True, len(CONTENT))
    assert (planned.to_fetch, planned.complete, planned.licences) == (len(CONTENT), False, ())
    assert list(machine.cache.parent.iterdir()) == []


def test_what_has_been_pulled_is_there_and_nobody_is_asked_about_it(machine: Machine) -> None:
    machine.pull()
    asked = len(machine.server.seen)
    planned = machine.plan()
    assert planned.complete
    assert planned.items[0].at == str(machine.placed)
    assert pull(planned, machine.events.append) == ()
    assert len(machine.server.seen) == asked


def test_a_file_that_another_program_put_into_the_cache_is_linked_and_not_fetched(machine: Machine) -> None:
    hf_hub_download(REPO, PATH, cache_dir=machine.cache, endpoint=machine.server.url, token=False)
    asked = len(machine.server.seen)
    assert machine.plan().items[0].state == "cached"
    (outcome,) = machine.pull()
    assert isinstance(outcome, Done)
    assert (outcome.fetched, outcome.bytes) == (0, len(CONTENT))
    assert machine.placed.read_bytes() == CONTENT
    assert len(machine.server.seen) == asked


def test_content_that_lies_in_the_cache_under_another_commit_is_not_fetched_again(machine: Machine) -> None:
    machine.pull()
    machine.placed.unlink()
    (ref,) = machine.cache.rglob("refs/main")
    ref.write_text("f" * 40)
    assert machine.plan().items[0].state == "cached"
    (outcome,) = machine.pull()
    assert isinstance(outcome, Done)
    assert outcome.fetched == 0
    assert len(machine.server.gets(PATH)) == 1


@pytest.mark.parametrize("below", ["", "ltx/deep"])
def test_a_file_in_the_models_folder_is_there_in_whichever_subfolder(machine: Machine, below: str) -> None:
    at = machine.models / "loras" / below / FILE
    at.parent.mkdir(parents=True)
    at.write_bytes(CONTENT)
    planned = machine.plan()
    assert planned.complete
    assert planned.items[0].at == str(at)


def test_a_file_of_another_size_is_shown_and_never_replaced(machine: Machine) -> None:
    machine.placed.parent.mkdir(parents=True)
    machine.placed.write_bytes(CONTENT[:1000])
    planned = machine.plan()
    assert planned.items[0].state == "blocked"
    (outcome,) = pull(planned, machine.events.append)
    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.message.partition(" has ")[2]) == (
        "model_differs",
        "1,000 bytes and the hub's file 300,000: it is incomplete, or another file.",
    )
    assert machine.placed.read_bytes() == CONTENT[:1000]


def test_a_file_that_appears_meanwhile_is_not_replaced_either(machine: Machine) -> None:
    planned = machine.plan()
    machine.placed.parent.mkdir(parents=True)
    machine.placed.write_bytes(b"mine")
    (outcome,) = pull(planned, machine.events.append, QUICK)
    assert isinstance(outcome, Failed)
    assert outcome.code == "model_differs"
    assert machine.placed.read_bytes() == b"mine"


def test_a_link_that_leads_nowhere_is_no_file_and_is_replaced(machine: Machine) -> None:
    machine.pull()
    for blob in machine.cache.rglob("blobs/*"):
        blob.unlink()
    assert machine.plan().items[0].state == "missing"
    machine.pull()
    assert machine.placed.read_bytes() == CONTENT


def test_too_little_room_is_refused_with_the_numbers_before_the_first_byte(machine: Machine) -> None:
    machine.server.faults[PATH] = [Cut(100_000)]
    big = [need(), need("second.safetensors")]
    machine.server.add(REPO, "second.safetensors", CONTENT)
    planned = plan(big, machine.models, machine.hub, "fp8", free=lambda folder: 2 * len(CONTENT) - 1)
    with pytest.raises(StudioError) as refused:
        pull(planned, machine.events.append)
    assert refused.value.code == "disk_short"
    assert refused.value.facts["needed_gb"] == 2 * len(CONTENT) / 1e9
    assert refused.value.facts["free_gb"] == (2 * len(CONTENT) - 1) / 1e9
    assert machine.server.gets(PATH) == []
    assert machine.events == []


def test_what_has_come_already_needs_no_room(machine: Machine) -> None:
    machine.server.faults[PATH] = [Cut(100_000), Status(404, {"X-Error-Code": "EntryNotFound"})]
    machine.pull()
    planned = plan([need()], machine.models, machine.hub, "fp8", free=lambda folder: len(CONTENT) - 100_000)
    assert planned.rooms[0].needed == len(CONTENT) - 100_000
    (outcome,) = pull(planned, machine.events.append, QUICK)
    assert isinstance(outcome, Done)


def refuse(*names: str) -> Callable[[pytest.MonkeyPatch], None]:
    """A file system that has no links of these kinds."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(*_: object, **__: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        for name in names:
            monkeypatch.setattr(os, name, refused)

    return patch


def test_where_no_symlink_can_be_made_the_file_is_hardlinked(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse("symlink")(monkeypatch)
    (outcome,) = machine.pull()
    assert isinstance(outcome, Done)
    assert outcome.how == "hardlink"
    assert machine.placed.stat().st_nlink == 2
    (cached,) = [path for path in machine.cache.rglob(FILE) if path.is_file()]
    assert cached.samefile(machine.placed)
    assert machine.plan().complete


def test_where_no_link_can_be_made_the_file_is_copied(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse("symlink", "link")(monkeypatch)
    (outcome,) = machine.pull()
    assert isinstance(outcome, Done)
    assert outcome.how == "copy"
    assert machine.placed.read_bytes() == CONTENT
    assert [path.name for path in machine.placed.parent.iterdir()] == [FILE]


def test_a_copy_counts_on_the_disk_that_it_goes_to(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "needs_copy", lambda cache, models: True)
    planned = machine.plan()
    assert [room.needed for room in planned.rooms] == [2 * len(CONTENT)]


def test_a_licence_that_is_not_accepted_names_its_page_and_where_the_token_goes(machine: Machine) -> None:
    machine.server.gated.add(REPO)
    page = f"{machine.server.url}/{REPO}"
    for token in (None, TOKEN):
        machine.token = token
        planned = machine.plan(need(bytes=123))
        assert planned.licences == (page,)
        assert (planned.items[0].state, planned.items[0].to_fetch) == ("blocked", 123)
        (outcome,) = machine.pull()
        assert isinstance(outcome, Failed)
        assert outcome.code == "model_gated"
        assert page in outcome.message
        assert "HF_TOKEN" in outcome.hint
        assert "hf auth login" in outcome.hint
    assert machine.server.gets(PATH, "hub") == []


@pytest.mark.parametrize(
    ("asked", "token", "code", "words"),
    [
        ({"repo": "org/none"}, None, "model_not_on_hub", "no repository org/none"),
        ({"repo": "org/none"}, TOKEN, "model_not_on_hub", "no repository org/none"),
        ({"path": "none.safetensors"}, None, "model_not_on_hub", "no file org/weights/none.safetensors"),
        ({"revision": "v9"}, None, "model_not_on_hub", "no revision org/weights at v9"),
        ({}, "wrong", "hub_token_refused", "does not accept your token"),
    ],
)
def test_what_the_hub_does_not_give_is_said(
    machine: Machine, asked: dict[str, str], token: str | None, code: str, words: str
) -> None:
    machine.token = token
    (outcome,) = machine.pull(need(**asked))  # type: ignore[arg-type]
    assert isinstance(outcome, Failed)
    assert outcome.code == code
    assert words in outcome.message


@pytest.mark.parametrize("status", [400, 403, 418])
def test_a_status_that_nothing_is_known_of_is_passed_on(machine: Machine, status: int) -> None:
    machine.server.head_faults[PATH] = [Status(status)]
    problem = machine.plan().items[0].problem
    assert problem is not None
    assert (problem.code, problem.facts["reason"]) == ("hub_refuses", f"status {status}")


def test_the_token_goes_to_the_hub_and_never_to_the_host_it_redirects_to(machine: Machine) -> None:
    machine.token = TOKEN
    machine.server.faults[PATH] = [Cut(100_000)]
    machine.pull()
    sent = {(seen.server, seen.headers.get("authorization")) for seen in machine.server.seen}
    assert sent == {("hub", f"Bearer {TOKEN}"), ("storage", None)}


@pytest.mark.parametrize("fault", [Status(500), Cut(1000)])
def test_neither_token_nor_password_nor_signed_address_is_told_to_anybody(
    machine: Machine, caplog: pytest.LogCaptureFixture, fault: Status | Cut
) -> None:
    caplog.set_level(logging.DEBUG)
    machine.token = TOKEN
    machine.server.url = machine.server.url.replace("http://", f"http://{USER}:{PASSWORD}@")
    machine.server.add("org/gated", "gated.safetensors", b"x")
    machine.server.gated.add("org/gated")
    wanted = (need(), need("gated.safetensors", "org/gated"), need("none.safetensors", "org/none"))
    machine.server.forever[PATH] = fault
    outcomes = machine.pull(*wanted)
    planned = machine.plan(*wanted)
    assert planned.licences == (f"http://{machine.server.url.rpartition('@')[2]}/org/gated",)
    told = [repr(planned), repr(planned.hub), json.dumps(planned.as_dict()), repr(outcomes), caplog.text]
    told += [json.dumps(as_dict(event)) for event in machine.events]
    assert not [text for text in told for secret in SECRETS if secret in text]


def test_a_mirror_that_asks_for_a_password_gets_it_and_the_storage_host_does_not(machine: Machine) -> None:
    machine.server.url = machine.server.url.replace("http://", f"http://{USER}:{PASSWORD}@")
    machine.pull()
    sent = {(seen.server, seen.headers.get("authorization")) for seen in machine.server.seen}
    assert sent == {("hub", Credentials(USER, "p@ssw0rd").header), ("storage", None)}


def test_offline_nothing_is_asked_and_what_is_there_counts(machine: Machine) -> None:
    machine.pull()
    machine.server.seen.clear()
    machine.offline = True
    machine.placed.unlink()
    planned = machine.plan(need(), need("missing.safetensors", bytes=7))
    assert [item.state for item in planned.items] == ["cached", "missing"]
    assert (planned.items[1].bytes, planned.items[1].exact) == (7, False)
    there, missing = pull(planned, machine.events.append)
    assert isinstance(there, Done)
    assert isinstance(missing, Failed)
    assert missing.code == "hub_offline"
    assert machine.server.seen == []


def test_a_hub_that_can_t_be_reached_is_tried_once_and_the_known_sizes_stand(machine: Machine) -> None:
    (port,) = free_ports(1)
    machine.server.url = f"http://127.0.0.1:{port}"
    planned = machine.plan(need(bytes=7), need("b.bin", bytes=8), need("c.bin"))
    assert planned.unreachable is not None
    assert planned.unreachable.code == "hub_unreachable"
    assert [(item.state, item.bytes, item.exact) for item in planned.items] == [
        ("missing", 7, False),
        ("missing", 8, False),
        ("missing", None, False),
    ]
    assert [item.problem for item in planned.items] == [planned.unreachable] * 3
    (outcome, *_) = pull(planned, machine.events.append)
    assert isinstance(outcome, Failed)
    assert outcome.retryable


def test_a_file_that_no_source_is_known_of_is_there_or_has_to_be_put_there(machine: Machine) -> None:
    unknown = Need("mine.safetensors", None)
    (outcome,) = machine.pull(unknown)
    assert isinstance(outcome, Failed)
    assert outcome.code == "model_missing"
    own = machine.models / "checkpoints" / "mine.safetensors"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"weights")
    assert machine.plan(unknown).complete


def test_a_variant_that_is_there_is_preferred_where_the_choice_is_left_open(machine: Machine) -> None:
    small = machine.models / "loras" / "small.safetensors"
    small.parent.mkdir(parents=True)
    small.write_bytes(machine.server.add(REPO, "small.safetensors", b"small"))
    machine.server.add(REPO, "big.safetensors", b"bigger")

    def planned(prefer_present: bool) -> Plan:
        return plan([of_two()], machine.models, machine.hub, "fp8", prefer_present=prefer_present)

    assert [(item.file, item.state) for item in planned(True).items] == [("small.safetensors", "there")]
    assert [(item.file, item.state) for item in planned(False).items] == [("big.safetensors", "missing")]


def test_a_single_model_s_variant_can_be_chosen(machine: Machine) -> None:
    machine.offline = True
    wanted = needs.of_modes(["t2v"], ["fast"])
    planned = plan(wanted, machine.models, machine.hub, "bf16", {"text-encoder": "fp8", "distilled-lora": "rank384"})
    assert [item.variant.name for item in planned.items if item.variant] == ["bf16", "fp8", "rank384"]
    with pytest.raises(StudioError, match="ComfyUI-GGUF"):
        plan(wanted, machine.models, machine.hub, "fp8", {"checkpoint": "gguf-q4"})


def test_graphs_that_name_different_variants_of_a_model_are_served_by_one_file(machine: Machine) -> None:
    machine.offline = True
    checkpoint = registry.model("checkpoint")
    named = [
        Need(variant.file, checkpoint, (mode,))
        for variant, mode in zip(checkpoint.variants[:2], ("t2v", "i2v"), strict=True)
    ]
    (item,) = plan(named, machine.models, machine.hub, "fp8").items
    assert (item.file, item.need.modes) == ("ltx-2.3-22b-dev-fp8.safetensors", ("t2v", "i2v"))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), (" 0.5 ", 0.5), ("-3", 0.0), ("", None), ("soon", None), ("Wed, 01 Jan 2020 00:00:00 GMT", 0.0)],
)
def test_the_pause_that_a_server_asks_for_is_read(header: str, seconds: float | None) -> None:
    assert hubs.retry_after({"retry-after": header}) == seconds


def test_pauses_grow_up_to_a_limit() -> None:
    assert [hubs.pause(None, attempt) for attempt in (0, 1, 2, 9)] == [0.5, 1.0, 2.0, 20.0]
    assert hubs.pause(3.0, 5) == 3.0


def test_the_hub_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hubs.constants, "ENDPOINT", "https://mirror.example")
    monkeypatch.setattr(hubs.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hubs.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert hubs.Hub.from_environment() == hubs.Hub("https://mirror.example", tmp_path, TOKEN, True)


def test_no_thread_is_left_behind(machine: Machine) -> None:
    machine.pull()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("models-")]
