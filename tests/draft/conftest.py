"""Engines and clients for the tests of the draft engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.comfy_client import Listener
from tests.support.draft import start_draft
from tests.support.nodes import NodeContext


@pytest.fixture
def listener(draft_url: str) -> Iterator[Listener]:
    """A client of the shared engine."""
    with Listener(draft_url) as connected:
        yield connected


@pytest.fixture(scope="module")
def own_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base directory of `own_url`."""
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module")
def own_url(own_base: Path) -> Iterator[str]:
    """An engine that nobody but the tests of this module has used."""
    process, url = start_draft(own_base)
    yield url
    process.terminate()
    process.wait(20)


@pytest.fixture
def context(tmp_path: Path) -> NodeContext:
    """What a node called directly gets."""
    for kind in ("input", "output", "temp"):
        (tmp_path / kind).mkdir()
    return NodeContext(tmp_path, graph={"7": {"class_type": "X", "inputs": {}}}, extra_pnginfo={"workflow": {"n": 1}})
