"""A dead worker in the log of the engine, through restarts, rotation and lines that only look like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.enginelog import EngineLog, first_line

DEATH = "Exception in thread Thread-1 (prompt_worker):\nTraceback (most recent call last):\n  File main.py\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "engine.log"


def add(log: Path, *texts: str) -> None:
    with log.open("a") as file:
        file.writelines(f"{text}\n" for text in texts)


def test_a_death_is_counted_once(log: Path) -> None:
    add(log, first_line(7), "got prompt", DEATH)
    watched = EngineLog(log)
    assert [watched.deaths(7), watched.deaths(7)] == [1, 1]
    add(log, DEATH, "more")
    assert watched.deaths(7) == 2


@pytest.mark.parametrize("before", ["", "\r  0%|          | 0/8 [00:00<?, ?it/s]"])
@pytest.mark.parametrize("thread", ["Thread-12 (prompt_worker)", "draft-worker"])
def test_the_threads_of_both_engines_are_known_even_behind_a_progress_bar(log: Path, thread: str, before: str) -> None:
    add(log, first_line(7), before + DEATH.replace("Thread-1 (prompt_worker)", thread))
    assert EngineLog(log).deaths(7) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Exception in thread Thread-9 (download):\nTraceback (most recent call last):",
        "Exception in thread Thread-1 (prompt_worker): said the sign on the wall",
        "got prompt",
    ],
)
def test_other_lines_are_no_death(log: Path, text: str) -> None:
    add(log, first_line(7), text)
    assert EngineLog(log).deaths(7) == 0


def test_what_an_earlier_process_said_is_not_held_against_the_next(log: Path) -> None:
    add(log, first_line(7), DEATH)
    watched = EngineLog(log)
    assert watched.deaths(7) == 1
    add(log, first_line(8), "got prompt")
    assert watched.deaths(8) == 0
    assert EngineLog(log).deaths(8) == 0
    add(log, DEATH)
    assert watched.deaths(8) == 1


def test_a_process_whose_first_line_is_still_to_come_is_followed_from_here(log: Path) -> None:
    add(log, first_line(7), DEATH)
    watched = EngineLog(log)
    assert watched.deaths(8) == 0
    add(log, first_line(8), DEATH)
    assert watched.deaths(8) == 1


def test_a_death_written_in_two_pieces_is_seen(log: Path) -> None:
    add(log, first_line(7))
    watched = EngineLog(log)
    for piece in (DEATH[:20], DEATH[20:60], DEATH[60:]):
        assert watched.deaths(7) == 0
        with log.open("a") as file:
            file.write(piece)
    assert watched.deaths(7) == 1


def rotate(log: Path) -> None:
    """As supervisord does."""
    for number in (2, 1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.rename(log.with_name(f"{log.name}.{number + 1}"))
    log.rename(log.with_name(f"{log.name}.1"))
    log.touch()


@pytest.mark.parametrize("times", [1, 2])
def test_nothing_is_lost_or_counted_twice_when_the_log_is_moved_away(log: Path, times: int) -> None:
    add(log, first_line(7), DEATH)
    watched = EngineLog(log)
    assert watched.deaths(7) == 1
    for _ in range(times):
        add(log, DEATH)
        rotate(log)
    add(log, DEATH)
    assert watched.deaths(7) == 2 + times
    assert watched.deaths(7) == 2 + times


def test_a_watchdog_that_comes_late_finds_the_beginning_in_the_moved_log(log: Path) -> None:
    add(log, first_line(6), DEATH, first_line(7), DEATH)
    rotate(log)
    add(log, DEATH)
    assert EngineLog(log).deaths(7) == 2


def test_no_log_says_nothing(log: Path) -> None:
    assert EngineLog(log).deaths(7) == 0
