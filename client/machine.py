"""The machine that an engine runs on, as `GET /system_stats` tells it. Pure; sizes in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WITHOUT_MEMORY = ("cpu", "mps")
"""Kinds of device whose memory is the machine's."""


@dataclass(frozen=True)
class Device:
    """What the engine computes on. `held` is what torch keeps for models and results, 0 where that isn't told."""

    name: str
    type: str
    total: int
    free: int
    held: int = 0

    @property
    def used(self) -> int:
        """By the engine and everybody else."""
        return max(0, self.total - self.free)

    @property
    def has_memory(self) -> bool:
        """Whether its memory is its own."""
        return self.type not in WITHOUT_MEMORY


@dataclass(frozen=True)
class Machine:
    """Devices, memory and versions; whatever a server doesn't tell is 0 or ""."""

    devices: tuple[Device, ...] = ()
    ram_total: int = 0
    ram_free: int = 0
    python: str = ""
    torch: str = ""

    @property
    def ram_used(self) -> int:
        """By the engine and everybody else."""
        return max(0, self.ram_total - self.ram_free)

    @property
    def first(self) -> Device:
        """The device that ComfyUI computes on."""
        return self.devices[0] if self.devices else Device("", "", 0, 0)


def single(name: str, type_: str, vram_gb: float = 0.0, ram_gb: float = 0.0) -> Machine:
    """A machine with one device, and memory in GB (10^9 bytes)."""
    return Machine((Device(name, type_, round(1e9 * vram_gb), 0),), ram_total=round(1e9 * ram_gb))


def machine(stats: Mapping[str, Any]) -> Machine:
    """The machine in an answer of `GET /system_stats`."""
    system = stats.get("system")
    system = system if isinstance(system, Mapping) else {}
    listed = stats.get("devices")
    devices = [_device(one) for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return Machine(
        devices=tuple(devices),
        ram_total=_count(system.get("ram_total")),
        ram_free=_count(system.get("ram_free")),
        python=str(system.get("python_version") or "").split(" ")[0],
        torch=str(system.get("pytorch_version") or ""),
    )


def _device(row: Mapping[str, Any]) -> Device:
    return Device(
        name=str(row.get("name") or ""),
        type=str(row.get("type") or ""),
        total=_count(row.get("vram_total")),
        free=_count(row.get("vram_free")),
        held=max(0, _count(row.get("torch_vram_total")) - _count(row.get("torch_vram_free"))),
    )


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0
