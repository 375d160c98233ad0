"""The log of what happened to the engine, as pages read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from client import engine_events


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path


def test_events_come_back_as_they_were_written_the_newest_last(data: Path) -> None:
    written = [engine_events.append(data, "ended", "ended by itself", 7), engine_events.append(data, "gave_up", "…")]
    assert [*engine_events.read(data)] == written
    assert [*engine_events.read(data, 1)] == written[-1:]


@pytest.mark.parametrize(
    "line", ["", "{", "[]", '{"time": 1}', '{"time": 1, "what": "exploded", "why": "", "pid": 1}', '"\ufffd"']
)
def test_a_line_that_is_no_event_is_passed_over(data: Path, line: str) -> None:
    engine_events.append(data, "ended", "ended by itself")
    with engine_events.path(data).open("a") as file:
        file.write(f"{line}\n")
    engine_events.append(data, "restarted", "its worker thread has died")
    assert [event.what for event in engine_events.read(data)] == ["ended", "restarted"]


def test_where_nothing_happened_there_is_nothing_to_read(data: Path) -> None:
    assert engine_events.read(data) == ()


def test_the_log_does_not_grow_for_ever(data: Path) -> None:
    for _ in range(6):
        engine_events.append(data, "ended", "x" * 100_000)
    engine_events.append(data, "started", "was started")
    sizes = [path.stat().st_size for path in (data / "logs").iterdir()]
    assert sum(sizes) < 650_000
    assert engine_events.read(data)[-1].what == "started"
