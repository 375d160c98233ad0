"""A hub or a mirror that answers what none should: one sentence, nothing outside the cache, no secret in the log."""

from __future__ import annotations

import logging

import pytest

from client.models.events import Failed
from tests.models.conftest import CONTENT, PATH, Machine
from tests.support.hub import COMMIT, Status


def names(commit: str = COMMIT, etag: str = "abc", size: str = "300000") -> Status:
    """The headers with which a hub names a file."""
    return Status(200, {"X-Repo-Commit": commit, "ETag": f'"{etag}"', "X-Linked-Size": size})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Status(302, {"Location": "http://[s3cret"}), "it redirects to no address"),
        (Status(302, {"Location": "http://host:s3cret/x"}), "it redirects to no address"),
        (names(etag="../../../evil"), "it names no hash"),
        (names(etag="/evil"), "it names no hash"),
        (names(commit="../../evil"), "it names no hash"),
        (names(commit=".."), "it names no hash"),
        (names(size="-5"), "it names no size"),
        (names(size="0"), "it names no size"),
        (names(size="many"), "it names no size"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(
    machine: Machine, answer: Status, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    machine.server.head_faults[PATH] = [answer] * 2
    (item,) = machine.plan().items
    assert item.state == "blocked"
    assert item.problem is not None
    assert (item.problem.code, item.problem.facts["reason"]) == ("hub_refuses", reason)
    (outcome,) = machine.pull()
    assert isinstance(outcome, Failed)
    assert "s3cret" not in outcome.message + caplog.text
    assert not [path for path in machine.cache.parent.rglob("*") if path.is_file()]


@pytest.mark.parametrize("location", ["http://[s3cret", "http://host:s3cret/x", "//user:pass:word@[/"])
def test_a_redirect_to_no_address_ends_the_file_in_one_sentence(
    machine: Machine, location: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    machine.server.faults[PATH] = [Status(302, {"Location": location})]
    (outcome,) = machine.pull()
    assert isinstance(outcome, Failed)
    assert (outcome.code, "it redirects to no address" in outcome.message) == ("hub_refuses", True)
    assert "s3cret" not in outcome.message + caplog.text
    machine.pull()
    assert machine.placed.read_bytes() == CONTENT
