"""What a pull shows of its progress: live lines on a terminal, plain ones elsewhere."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from bootstrap import models_progress
from bootstrap.models_progress import Teller
from client.models.events import Checking, Done, Failed, Progress, Retrying, Stalled, Started, Total, Waiting
from tests.models.conftest import CAME, CHECKPOINT, ENCODER, FAST, LORA, Person
from tests.support.commands import CHECKOUT, environment, eventually
from tests.support.hub import Stall
from workflows import registry

COLUMNS = 80
PARTS = re.compile(r"\x1b\[(?P<up>\d+)A|(?P<clear>\x1b\[J)|(?P<begin>\r)|(?P<end>\n)|(?P<text>[^\x1b\r\n]+)")


def screen(written: str) -> list[str]:
    """What a terminal shows in the end that was written to so."""
    lines, row, column = [""], 0, 0
    for part in PARTS.finditer(written):
        kind, text = part.lastgroup, part.group(part.lastgroup or 0)
        if kind == "up":
            row -= int(text)
        elif kind == "clear":
            lines[row:] = [lines[row][:column]]
        elif kind == "begin":
            column = 0
        elif kind == "end":
            row, column = row + 1, 0
            lines.extend([""] * (row - len(lines) + 1))
        else:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
            column += len(text)
    return [line.rstrip() for line in lines]


class Terminal:
    """A terminal of 80 columns, and all that was written to it."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        os.set_blocking(self._ours, False)
        self.written = ""

    def read(self) -> list[str]:
        with suppress(OSError):
            while more := os.read(self._ours, 65536):
                self.written += more.decode()
        return screen(self.written)

    def close(self) -> None:
        os.close(self._ours)
        os.close(self.theirs)


@contextmanager
def terminal() -> Iterator[Terminal]:
    opened = Terminal()
    try:
        yield opened
    finally:
        opened.close()


def test_a_terminal_has_a_live_line_for_each_file_in_flight_and_one_for_all(person: Person) -> None:
    stalls = {name: Stall(CAME) for name in ("checkpoint", "text-encoder")}
    for name, stall in stalls.items():
        person.hub.faults[registry.model(name).variants[0].path] = [stall]
    command = [sys.executable, "-m", "bootstrap", "models", "pull", "--data", str(person.folder / "data"), *FAST]
    with terminal() as shown:
        env = {**environment(), **person.env(TERM="xterm")}
        pulling = subprocess.Popen(command, cwd=CHECKOUT, env=env, stdout=shown.theirs, stderr=subprocess.PIPE)
        assert eventually(lambda: sum("nothing comes" in line for line in shown.read()) == 2, 60), shown.written
        *rows, total = [line for line in shown.read() if " %)" in line]
        assert sorted(row.split()[0] for row in rows) == sorted((CHECKPOINT, ENCODER))
        # What has come since the last report, half a second ago, is not in it yet.
        assert all(re.search(r"  0\.\d of 0\.2 MB \(\d+ %\), nothing comes$", row) for row in rows), rows
        assert re.match(r"  0 of 3 files, 0\.\d of 0\.\d MB \(\d+ %\), \d\.\d MB/s, .+ left$", total), total
        for stall in stalls.values():
            stall.release.set()
        _, complaint = pulling.communicate(timeout=60)
        assert (pulling.returncode, complaint) == (0, b"")
        last = shown.read()
    assert [line for line in last if " %)" in line] == []
    placed = [line for line in last if "in its place" in line]
    assert sorted(line.partition(":")[0].strip() for line in placed) == sorted((CHECKPOINT, ENCODER, LORA))
    assert last[-2:] == ["Everything is there.", ""]


def test_numbers_are_seen_on_a_narrow_terminal_and_long_names_give_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    tell = Teller(lambda: 0.0)
    file = "ltx_2.3_22b_distilled_1.1_lora_dynamic_fro09_avg_rank_111_bf16.safetensors"
    tell(Progress(file, 12_300_000_000, 29_100_000_000, 80e6, 12_000.0))
    tell(Progress("short.bin", 5_000_000, 20_000_000, 2.5e6, 6.0))
    tell(Total(12_305_000_000, 29_120_000_000, 82.5e6, 203.0, 1, 3))
    rows = screen(capsys.readouterr().out)
    assert [len(row) < COLUMNS for row in rows] == [True] * 4
    assert rows[0].startswith("  ltx_2.3_22b_d")
    assert rows[0].endswith(".safetensors  12.3 of 29.1 GB (42 %), 80 MB/s, 3 h 20 min left")
    assert rows[1].endswith("  5.0 of 20.0 MB (25 %), 2.5 MB/s, 6 s left")
    assert rows[2:] == ["  1 of 3 files, 12.3 of 29.1 GB (42 %), 82 MB/s, 3 min left", ""]


def test_what_matters_of_the_events_is_said_in_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    tell = Teller(lambda: now[0])
    tell(Total(1_500_000_000, 4_000_000_000, 80e6, 31.0, 1, 3))
    tell(Started("a", 3_000_000_000, 500_000_000))
    now[0] = models_progress.LOG_SECONDS
    tell(Progress("b", 1_000_000_000, 2_000_000_000, 80e6, 13.0))
    tell(Total(2_000_000_000, 4_000_000_000, 80e6, 25.0, 1, 3))
    for event in (
        Progress("a", 1, 2, 3.0, 4.0),
        Checking("a", 1, 2),
        Stalled("a", 30.0),
        Retrying("a", "status 503", 2.0),
        Waiting("a"),
        Done("a", "/m/a", 5, 5, "copy", verified=False),
        Failed("b", "model_gated", "b is gated.", "Accept it.", False),
    ):
        tell(event)
    now[0] *= 2
    tell(Total(2_000_000_000, 4_000_000_000, 0.0, None, 2, 3))
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "  a  0.5 of 3.0 GB (16 %)",
        "  b  1.0 of 2.0 GB (50 %), 80 MB/s, 13 s left",
        "  1 of 3 files, 2.0 of 4.0 GB (50 %), 80 MB/s, 25 s left",
        "  a: nothing came for 30 s",
        "  a: status 503, trying again in 2 s",
        "  a: another program fetches it; waiting for that",
        "  a: in its place (copy), which the hub gives no hash to prove",
        "  2 of 3 files, 2.0 of 4.0 GB (50 %), 0.0 MB/s",
    ]
    assert printed.err.splitlines() == ["  b is gated. Accept it."]


def test_a_file_that_is_held_up_is_seen_among_those_in_flight(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    tell = Teller(lambda: now[0])
    for event in (Checking("a", 10**9, 2 * 10**9), Progress("b", 10**9, 2 * 10**9, 5e6, 200.0), Waiting("c")):
        tell(event)
    capsys.readouterr()
    now[0] = models_progress.LOG_SECONDS
    tell(Total(2 * 10**9, 6 * 10**9, 0.0, None, 0, 3))
    assert capsys.readouterr().out.splitlines()[:3] == [
        "  a  1.0 of 2.0 GB (50 %) of what is there checked",
        "  b  1.0 of 2.0 GB (50 %), nothing comes",
        "  c  another program fetches it; waiting for that",
    ]
