"""Engines at work, shared by the tests of meaning."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.bench import Bench


@pytest.fixture(scope="session")
def benches() -> Iterator[dict[str, Bench]]:
    """By address."""
    made: dict[str, Bench] = {}
    yield made
    for bench in made.values():
        bench.manager.close()


@pytest.fixture
def bench(engine_url: str, benches: dict[str, Bench], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The engine of this test; what it has made for another test is not made again."""
    return _at(engine_url, benches, tmp_path_factory)


@pytest.fixture
def draft_bench(draft_url: str, benches: dict[str, Bench], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The draft engine at work."""
    return _at(draft_url, benches, tmp_path_factory)


def _at(url: str, benches: dict[str, Bench], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    if url not in benches:
        benches[url] = Bench(url, tmp_path_factory.mktemp("bench"))
    return benches[url]
