"""What an engine's machine is, and how the engine is: the answer held against what the supervisor knows."""

import pytest

from client.condition import condition
from client.engine import Engine, describe
from client.machine import Device, Machine, machine
from client.supervisor import Program

NOW = 1_000_000.0
STATS = {
    "system": {"ram_total": 64, "ram_free": 40, "python_version": "3.12.3 (main)", "pytorch_version": "2.13.0+cu130"},
    "devices": [
        {
            "name": "cuda:0 NVIDIA H200 : native",
            "type": "cuda",
            "vram_total": 100,
            "vram_free": 30,
            "torch_vram_total": 60,
            "torch_vram_free": 10,
        }
    ],
}


def test_memory_and_versions_are_read() -> None:
    found = machine(STATS)
    assert (found.ram_used, found.python, found.torch) == (24, "3.12.3", "2.13.0+cu130")
    (device,) = found.devices
    assert (device.used, device.held, device.has_memory) == (70, 50, True)


@pytest.mark.parametrize("stats", [{}, {"system": None, "devices": None}, {"devices": ["x", {"vram_total": "much"}]}])
def test_what_a_server_does_not_tell_is_nothing(stats: dict) -> None:
    found = machine(stats)
    assert found in (Machine(), Machine(devices=(Device("", "", 0, 0),)))


@pytest.mark.parametrize(
    ("engine", "program", "word", "running"),
    [
        (Engine("u", "alive"), None, "alive", False),
        (Engine("u", "alive", queue=2), None, "busy", True),
        (Engine("u", "gone"), None, "gone", False),
        (Engine("u", "starting"), Program("engine", "STARTING", 7, 3.0), "starting", False),
        (Engine("u", "gone", answered=NOW - 60), Program("engine", "RUNNING", 7, 5.0), "starting", False),
        (Engine("u", "gone", answered=NOW - 60), Program("engine", "RUNNING", 7, 500.0), "busy", True),
        (Engine("u", "gone", answered=NOW - 60), Program("engine", "BACKOFF", 0, 0.0), "gone", False),
        (Engine("u", "gone", answered=NOW - 60), Program("engine", "FATAL", 0, 0.0), "gone", False),
    ],
)
def test_the_engine_is_alive_busy_or_gone(engine: Engine, program: Program | None, word: str, running: bool) -> None:
    found = condition(engine, program, NOW)
    assert (found.word, found.running) == (word, running)
    assert condition(engine, program, NOW, restarting=True).word == "restarting"


def test_an_engine_is_described_with_its_machine() -> None:
    assert describe("http://x", STATS, 0).machine == machine(STATS)
    assert describe("http://x", STATS, 0).device == "NVIDIA H200"
