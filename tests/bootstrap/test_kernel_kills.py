"""What the watchdog says of an engine's end where the kernel has ended something for want of memory."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from bootstrap.liveness import Limits
from bootstrap.watchdog import Storm, Watchdog
from client import engine_events

Kernel = tuple[Path, Watchdog]


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """The file in which the kernel counts, and a watchdog that reads it."""
    (tmp_path / "logs").mkdir()
    counter = tmp_path / "memory.events"
    counter.write_text("oom 7\noom_kill 3\n")
    nothing = str(tmp_path / "no.sock")
    return counter, Watchdog(tmp_path, "http://127.0.0.1:9", nothing, Limits(), Storm(), [counter])


def look(dog: Watchdog) -> None:
    # There is no supervisor here that could be asked for the engine.
    with contextlib.suppress(OSError):
        dog.look()


def why_ended(data: Path, dog: Watchdog, pid: int) -> str:
    dog.changed("EXITED", {"pid": str(pid)})
    return [event.why for event in engine_events.read(data) if event.what == "ended"][-1]


def test_an_engine_did_not_die_of_what_the_kernel_had_killed_long_before(tmp_path: Path, kernel: Kernel) -> None:
    counter, dog = kernel
    counter.write_text("oom_kill 4\n")
    for _ in range(3):
        look(dog)
    assert why_ended(tmp_path, dog, 77) == "ended by itself"


@pytest.mark.parametrize("looks", [0, 1])
def test_an_engine_that_the_kernel_killed_died_for_want_of_memory(tmp_path: Path, kernel: Kernel, looks: int) -> None:
    counter, dog = kernel
    look(dog)
    counter.write_text("oom_kill 4\n")
    for _ in range(looks):
        look(dog)
    assert why_ended(tmp_path, dog, 78) == engine_events.OUT_OF_MEMORY
    assert why_ended(tmp_path, dog, 79) == "ended by itself"
