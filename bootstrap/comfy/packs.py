"""The custom node packs that a profile installs, read from bootstrap/packs.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parents[1] / "packs.toml"


@dataclass(frozen=True)
class Pack:
    """One pack at one commit; packs.toml says what each value means."""

    repository: str
    commit: str
    purpose: str
    node: str
    extras: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Its folder's name, which ComfyUI's --whitelist-custom-nodes and log use."""
        return self.repository.rpartition("/")[2]


def of(profile: str, table: Path = TABLE) -> tuple[Pack, ...]:
    """The packs of a profile; `core` has none."""
    found = tomllib.loads(table.read_text(encoding="utf-8"))
    return tuple(
        Pack(
            row["repository"],
            row["commit"],
            row["purpose"],
            row["node"],
            tuple(row.get("extras", ())),
            tuple(row.get("leave_out", ())),
        )
        for row in found.get(profile, ())
    )


def requirements(text: str, leave_out: Iterable[str]) -> str:
    """A requirements file less the lines that ask for the packages left out, whatever version they ask for."""
    names = {_normal(name) for name in leave_out}
    return "".join(line for line in text.splitlines(keepends=True) if _name(line) not in names)


def _name(line: str) -> str:
    found = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line)
    return _normal(found.group(1)) if found else ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
