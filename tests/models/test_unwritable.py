"""Folders that can't be written are said before the first byte, whoever looks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client.models.hub import Hub
from client.models.plan import plan
from client.models.pull import pull
from tests.models.conftest import QUICK, Machine, Person, need
from tests.support.unprivileged import as_nobody, open_folder, own_folder
from workflows.errors import StudioError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a folder that belongs to another user")


def tried(machine: Machine, models: Path, cache: Path) -> list[Any]:
    """What a pull into these folders ends with: the code, the path named, and how many bytes are planned for."""
    planned = plan([need()], models, Hub(machine.server.url, cache), "fp8")
    try:
        pull(planned, lambda event: None, QUICK)
    except StudioError as error:
        return [error.code, str(error.facts.get("path")), str(error.facts.get("reason")), planned.to_fetch]
    return ["", "", "", planned.to_fetch]


@needs_root
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda models: models.mkdir(), "permission denied"),
        (lambda models: (models / "loras").mkdir(parents=True), "permission denied"),
        (lambda models: models.parent.chmod(0o700), "permission denied"),
        (lambda models: models.write_text(""), "not a directory"),
    ],
    ids=["root's", "root's subfolder", "behind a closed door", "a file"],
)
def test_a_models_folder_that_can_t_be_written_is_refused_before_the_first_byte(
    machine: Machine, make: Callable[[Path], object], reason: str
) -> None:
    with open_folder() as folder:
        (folder / "of-root").mkdir(mode=0o755)
        models, data = folder / "of-root" / "models", own_folder(folder / "data")
        make(models)
        found = as_nobody(lambda: tried(machine, models, data / "hub"))
        assert found == ["models_unwritable", str(models / "loras"), reason, 300_000]
        assert list(data.iterdir()) == []


@needs_root
def test_a_cache_that_can_t_be_written_is_refused_before_the_first_byte(machine: Machine) -> None:
    with open_folder() as folder:
        data = own_folder(folder / "data")
        found = as_nobody(lambda: tried(machine, data / "models", folder / "hub"))
        assert found == ["hub_cache_unwritable", str(folder / "hub"), "permission denied", 300_000]


def test_a_plan_says_what_is_wrong_with_the_models_folder(person: Person) -> None:
    file = person.folder / "file"
    file.write_text("")
    said = person.run("plan", "--mode", "t2v", "--preset", "fast", "--folder", str(file))
    assert said.returncode == 2
    assert "MB to fetch" in said.stdout
    assert said.stderr.startswith(f"The models folder {file}/checkpoints can't be written (not a directory).")
    assert "0.0 GB" not in said.stdout + said.stderr
    pulled = person.run("pull", "--mode", "t2v", "--preset", "fast", "--folder", str(file))
    assert (pulled.returncode, pulled.stderr) == (2, said.stderr)
    assert person.hub.gets("") == []
