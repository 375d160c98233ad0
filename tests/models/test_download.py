from __future__ import annotations

import hashlib
import resource
import threading

import pytest
from huggingface_hub import hf_hub_download, scan_cache_dir, try_to_load_from_cache

from client.models import pull as pulling
from client.models.cache import Entry
from client.models.download import Limits
from client.models.events import Checking, Done, Failed, Progress, Retrying, Stalled, Started, Stopped, Total, Waiting
from client.models.hub import Info
from tests.models.conftest import CONTENT, FILE, PATH, QUICK, REPO, Machine, need
from tests.support.hub import COMMIT, Chunked, Cut, Drip, Other, Stall, Status, Whole

ETAG = hashlib.sha256(CONTENT).hexdigest()
HALF = len(CONTENT) // 2


def done(outcomes: object) -> Done:
    assert isinstance(outcomes, tuple)
    (outcome,) = outcomes
    assert isinstance(outcome, Done), outcome
    return outcome


def failed(outcomes: object) -> Failed:
    assert isinstance(outcomes, tuple)
    (outcome,) = outcomes
    assert isinstance(outcome, Failed), outcome
    return outcome


def entry(machine: Machine, content: bytes = CONTENT) -> Entry:
    model = need().model
    assert model is not None
    return Entry(machine.cache, model.variants[0], Info(COMMIT, hashlib.sha256(content).hexdigest(), len(content)))


def leave(machine: Machine, left: bytes, content: bytes = CONTENT) -> Entry:
    """What a killed download of `content` leaves after `left` has come."""
    found = entry(machine, content)
    found.begin()
    found.part.write_bytes(left)
    return found


def test_a_file_ends_in_the_hub_s_cache_and_is_linked_from_the_models_folder(machine: Machine) -> None:
    outcome = done(machine.pull())
    assert machine.placed.read_bytes() == CONTENT
    assert machine.placed.is_symlink()
    assert (outcome.path, outcome.how, outcome.verified) == (str(machine.placed), "symlink", True)
    assert outcome.bytes == outcome.fetched == len(CONTENT)
    content = [path for path in machine.cache.rglob("*") if path.is_file() and path.stat().st_size == len(CONTENT)]
    assert len({path.resolve() for path in content}) == 1
    assert machine.parts() == []


def test_the_cache_is_one_that_huggingface_hub_reads(machine: Machine) -> None:
    machine.pull()
    found = try_to_load_from_cache(REPO, PATH, cache_dir=machine.cache)
    assert isinstance(found, str)
    scanned = scan_cache_dir(machine.cache)
    assert scanned.warnings == []
    assert [repo.repo_id for repo in scanned.repos] == [REPO]
    asked = len(machine.server.seen)
    loaded = hf_hub_download(REPO, PATH, cache_dir=machine.cache, endpoint=machine.server.url, token=False)
    assert loaded == found
    assert [seen.method for seen in machine.server.seen[asked:]] == ["HEAD"]


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_cut_connection_is_taken_up_where_it_ended(machine: Machine, how: str) -> None:
    machine.server.faults[PATH] = [Cut(100_000, how), Cut(50_000, how)]
    outcome = done(machine.pull())
    first, second, third = machine.server.ranges(PATH)
    offsets = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in (second, third)]
    assert first == ""
    # A reset may throw away what the kernel had received and nobody had read.
    assert 0 < offsets[0] <= 100_000
    assert offsets[0] < offsets[1] <= 150_000
    if how == "fin":
        assert offsets == [100_000, 150_000]
    assert machine.placed.read_bytes() == CONTENT
    assert outcome.fetched == len(CONTENT)
    assert [event.reason for event in machine.heard(Retrying)] == ["the connection was cut"] * 2  # type: ignore[attr-defined]


def test_a_killed_download_is_taken_up_where_it_ended(machine: Machine) -> None:
    leave(machine, CONTENT[:HALF])
    planned = machine.plan()
    (item,) = planned.items
    assert (item.state, item.have, item.to_fetch) == ("partial", HALF, len(CONTENT) - HALF)
    assert planned.to_fetch == item.to_fetch
    outcome = done(machine.pull())
    assert machine.server.ranges(PATH) == [f"bytes={HALF}-"]
    assert (outcome.fetched, machine.placed.read_bytes()) == (len(CONTENT) - HALF, CONTENT)
    assert machine.heard(Started) == [Started(FILE, len(CONTENT), HALF)]
    assert machine.heard(Checking) == [Checking(FILE, HALF, len(CONTENT))]


def test_a_part_that_has_all_is_kept_without_a_request(machine: Machine) -> None:
    leave(machine, CONTENT)
    assert done(machine.pull()).fetched == 0
    assert machine.server.ranges(PATH) == []


def test_a_part_of_other_content_is_thrown_away_once_its_hash_tells(machine: Machine) -> None:
    leave(machine, b"x" * HALF)
    assert done(machine.pull()).fetched == 2 * len(CONTENT) - HALF
    assert machine.server.ranges(PATH) == [f"bytes={HALF}-", ""]
    assert machine.placed.read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_is_thrown_away(machine: Machine) -> None:
    leave(machine, CONTENT + b"more")
    assert done(machine.pull()).fetched == len(CONTENT)
    assert machine.server.ranges(PATH) == [""]
    assert machine.heard(Retrying) == []


def test_what_is_left_of_an_older_version_is_removed(machine: Machine) -> None:
    older = leave(machine, b"older", b"older version")
    assert done(machine.pull()).fetched == len(CONTENT)
    assert not older.part.exists()
    assert machine.parts() == []


def test_a_stalled_connection_is_made_anew(machine: Machine) -> None:
    machine.server.faults[PATH] = [Stall(100_000)]
    done(machine.pull(limits=Limits(stall=0.3, report=0.0, backoff=0.0)))
    assert machine.heard(Stalled) == [Stalled(FILE, 0.3)]
    assert machine.server.ranges(PATH) == ["", "bytes=100000-"]
    assert machine.placed.read_bytes() == CONTENT


def test_a_connection_that_gives_hardly_anything_is_made_anew(machine: Machine) -> None:
    machine.server.faults[PATH] = [Drip()]
    done(machine.pull(limits=Limits(stall=2.0, report=0.0, backoff=0.0)))
    assert [event.reason for event in machine.heard(Retrying)] == ["hardly anything came for 2 s"]  # type: ignore[attr-defined]
    first, second = machine.server.ranges(PATH)
    assert (first, second.startswith("bytes=")) == ("", True)
    assert 1024 <= int(second.removeprefix("bytes=").removesuffix("-")) < 32 * 1024
    assert machine.placed.read_bytes() == CONTENT


def test_a_server_that_ignores_the_range_loses_nothing_that_is_there(machine: Machine) -> None:
    machine.server.faults[PATH] = [Cut(HALF), Whole()]
    assert done(machine.pull()).fetched == len(CONTENT)
    assert machine.server.ranges(PATH) == ["", f"bytes={HALF}-"]
    assert machine.placed.read_bytes() == CONTENT


def test_a_range_that_the_server_does_not_have_starts_over(machine: Machine) -> None:
    leave(machine, CONTENT[:HALF])
    machine.server.faults[PATH] = [Status(416, {"Content-Range": "bytes */10"})]
    assert done(machine.pull()).fetched == len(CONTENT)
    assert machine.server.ranges(PATH) == [f"bytes={HALF}-", ""]


def test_a_file_of_another_length_is_not_taken_and_costs_nothing_that_is_there(machine: Machine) -> None:
    left = leave(machine, CONTENT[:HALF])
    machine.server.forever[PATH] = Other(CONTENT[:-1])
    outcome = failed(machine.pull())
    assert (outcome.code, outcome.retryable) == ("download_broken", True)
    assert "6 tries in a row brought nothing, at last the server sent another range" in outcome.message
    assert left.part.read_bytes() == CONTENT[:HALF]
    assert len(machine.server.ranges(PATH)) == QUICK.tries
    machine.server.forever[PATH] = Other(CONTENT + b"more")
    left.part.unlink()
    assert "at last the server's file has another length" in failed(machine.pull()).message


def test_bytes_beyond_the_end_are_not_written(machine: Machine) -> None:
    machine.server.faults[PATH] = [Chunked(b"x" * 100_000)]
    done(machine.pull())
    assert machine.placed.read_bytes() == CONTENT


def test_damaged_content_is_fetched_once_more_and_then_given_up(machine: Machine) -> None:
    damaged = Other(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
    machine.server.faults[PATH] = [damaged]
    done(machine.pull())
    assert [event.reason for event in machine.heard(Retrying)] == ["it arrived damaged"]  # type: ignore[attr-defined]
    machine.server.seen.clear()
    machine.server.add(REPO, "other.safetensors", b"y" + CONTENT[1:])
    machine.server.forever["other.safetensors"] = damaged
    outcome = failed(machine.pull(need("other.safetensors")))
    assert outcome.code == "model_damaged"
    assert machine.server.ranges("other.safetensors") == ["", ""]
    assert not (machine.models / "loras" / "other.safetensors").exists()
    assert [path for path in machine.parts() if path.suffix == ".part"] == []


def test_a_small_file_is_proved_by_git_s_hash(machine: Machine) -> None:
    small = machine.server.add(REPO, "small.bin", b"a few bytes")
    machine.server.etags["small.bin"] = hashlib.sha1(b"blob %d\0%s" % (len(small), small)).hexdigest()
    assert done(machine.pull(need("small.bin"))).verified
    machine.server.add(REPO, "other.bin", b"a few bytes")
    machine.server.etags["other.bin"] = hashlib.sha1(b"something else").hexdigest()
    assert failed(machine.pull(need("other.bin"))).code == "model_damaged"


def test_a_hash_of_no_known_kind_is_said_to_prove_nothing(machine: Machine) -> None:
    machine.server.etags[PATH] = "W-opaque-7"
    assert not done(machine.pull()).verified


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(machine: Machine, status: int) -> None:
    machine.server.faults[PATH] = [Status(status, {"Retry-After": "0.25"}), Status(status)]
    done(machine.pull())
    assert machine.heard(Retrying) == [
        Retrying(FILE, f"status {status}", 0.25),
        Retrying(FILE, f"status {status}", 0.0),
    ]


def test_a_server_that_asks_for_too_long_a_pause_is_an_error(machine: Machine) -> None:
    machine.server.faults[PATH] = [Status(429, {"Retry-After": "3600"})]
    outcome = failed(machine.pull())
    assert outcome.code == "hub_busy"
    assert "it asks to be left alone for 3600 s" in outcome.message
    assert outcome.retryable


def test_a_server_that_stays_busy_is_given_up(machine: Machine) -> None:
    machine.server.forever[PATH] = Status(503)
    outcome = failed(machine.pull())
    assert outcome.code == "download_broken"
    assert len(machine.server.ranges(PATH)) == QUICK.tries
    machine.server.head_faults[PATH] = [Status(429, {"Retry-After": "0"})] * 3
    planned = machine.plan()
    assert planned.unreachable is not None
    assert planned.unreachable.code == "hub_busy"


def test_a_storage_address_that_has_run_out_is_asked_for_anew(machine: Machine) -> None:
    machine.server.faults[PATH] = [Cut(HALF), Status(403)]
    done(machine.pull())
    assert machine.server.ranges(PATH) == ["", f"bytes={HALF}-", f"bytes={HALF}-"]
    assert len(machine.server.gets(PATH, "hub")) == 3


def test_progress_counts_up_to_the_file_and_the_total(machine: Machine) -> None:
    machine.server.add(REPO, "second.safetensors", CONTENT[:100_000])
    machine.pull(need(), need("second.safetensors"))
    steps = [event.done for event in machine.heard(Progress) if event.file == FILE]  # type: ignore[attr-defined]
    assert steps == sorted(steps)
    assert steps[-1] == len(CONTENT)
    totals = machine.heard(Total)
    last = totals[-1]
    assert isinstance(last, Total)
    assert (last.done, last.bytes, last.files_done, last.files) == (
        len(CONTENT) + 100_000,
        len(CONTENT) + 100_000,
        2,
        2,
    )
    assert all(event.done <= event.bytes for event in totals)  # type: ignore[attr-defined]


def test_two_files_come_at_once_and_a_third_waits(machine: Machine) -> None:
    names = ["a.bin", "b.bin", "c.bin"]
    stalls = {name: Stall(10) for name in names[:2]}
    for name in names:
        machine.server.add(REPO, name, name.encode() + CONTENT)
        machine.server.faults[name] = [stalls[name]] if name in stalls else []
    outcomes: list[object] = []
    puller = threading.Thread(target=lambda: outcomes.extend(machine.pull(*(need(name) for name in names))))
    puller.start()
    assert all(stall.reached.wait(20) for stall in stalls.values())
    assert machine.server.gets("c.bin") == []
    for stall in stalls.values():
        stall.release.set()
    puller.join(30)
    assert [type(outcome) for outcome in outcomes] == [Done, Done, Done]


def test_one_file_that_fails_does_not_end_the_others(machine: Machine) -> None:
    gone, there = machine.pull(need("gone.safetensors"), need())
    assert isinstance(gone, Failed)
    assert isinstance(there, Done)
    assert gone.code == "model_not_on_hub"


def test_a_models_folder_that_is_a_file_fails_every_file_and_the_pull_ends(machine: Machine) -> None:
    names = ["a.bin", "b.bin", "c.bin"]
    for name in names:
        machine.server.add(REPO, name, name.encode() + CONTENT)
    planned = machine.plan(*(need(name) for name in names))
    machine.models.mkdir()
    (machine.models / "loras").write_text("")
    outcomes = pulling.pull(planned, machine.events.append, QUICK)
    assert [failed((outcome,)).code for outcome in outcomes] == ["model_not_kept"] * 3


def test_a_second_program_waits_for_the_first_and_fetches_nothing(machine: Machine) -> None:
    stall = Stall(HALF)
    machine.server.faults[PATH] = [stall]
    planned = machine.plan()
    heard: list[object] = []
    waiting = threading.Event()

    def second(event: object) -> None:
        heard.append(event)
        if isinstance(event, Waiting):
            waiting.set()

    outcomes: dict[str, object] = {}
    first = threading.Thread(target=lambda: outcomes.update(first=pulling.pull(planned, lambda event: None, QUICK)))
    first.start()
    assert stall.reached.wait(20)
    other = threading.Thread(target=lambda: outcomes.update(second=pulling.pull(planned, second, QUICK)))
    other.start()
    assert waiting.wait(20)
    stall.release.set()
    first.join(30)
    other.join(30)
    assert (done(outcomes["first"]).fetched, done(outcomes["second"]).fetched) == (len(CONTENT), 0)
    assert machine.server.ranges(PATH) == ["", f"bytes={HALF}-"]


def test_stopping_keeps_what_has_come(machine: Machine) -> None:
    stop = threading.Event()

    def hear(event: object) -> None:
        machine.events.append(event)  # type: ignore[arg-type]
        if isinstance(event, Retrying):
            stop.set()

    machine.server.faults[PATH] = [Cut(HALF)]
    (outcome,) = pulling.pull(machine.plan(), hear, Limits(report=0.0, backoff=30.0), stop)
    assert outcome == Stopped(FILE, HALF)
    assert entry(machine).part.read_bytes() == CONTENT[:HALF]
    assert done(machine.pull()).fetched == len(CONTENT) - HALF


def test_an_interrupt_keeps_what_has_come(machine: Machine) -> None:
    machine.server.faults[PATH] = [Cut(HALF)]

    def hear(event: object) -> None:
        if isinstance(event, Retrying):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pulling.pull(machine.plan(), hear, Limits(report=0.0, backoff=30.0))
    assert done(machine.pull()).fetched == len(CONTENT) - HALF
    assert machine.server.ranges(PATH) == ["", f"bytes={HALF}-"]


def test_a_file_that_can_t_be_written_says_why_and_what_has_come_stays(machine: Machine) -> None:
    planned = machine.plan()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, hard))
    try:
        outcome = failed(pulling.pull(planned, machine.events.append, QUICK))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert outcome.code == "model_not_kept"
    assert "file too large" in outcome.message
    assert entry(machine).part.read_bytes() == CONTENT[:HALF]
    assert done(machine.pull()).fetched == len(CONTENT) - HALF
