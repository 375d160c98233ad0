"""The supervisor as pages ask it: whether there is one, and what is left to read when it does not answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from client import supervisor


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[str]:
    """The socket of a supervisor that takes connections and says nothing."""
    path = str(tmp_path / "s.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen()
        yield path


def test_a_process_that_nobody_supervises_has_no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UP_SOCKET", raising=False)
    assert supervisor.socket_path() == ""
    assert not supervisor.available()


def test_a_supervisor_that_is_gone_is_not_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UP_SOCKET", str(tmp_path / "gone.sock"))
    assert not supervisor.available()


def test_a_busy_supervisor_is_available(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UP_SOCKET", silent)
    assert supervisor.socket_path() == silent
    assert supervisor.available()


def test_a_log_is_read_from_its_file_where_the_supervisor_says_nothing(silent: str, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "engine.log").write_bytes(b"first\xff\nlast words\n")
    assert supervisor.tail(silent, "engine", 11, tmp_path) == "last words\n"
    assert supervisor.tail(silent, "engine", 99, tmp_path) == "first\ufffd\nlast words\n"
    assert supervisor.tail(silent, "studio", 99, tmp_path) == ""
    with pytest.raises(TimeoutError):
        supervisor.tail(silent, "engine", 11)
