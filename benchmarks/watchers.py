"""What pages that watch jobs cost: `python benchmarks/watchers.py [--pages 50] [--owners 50]`.

Starts the draft engine and the studio as it is served, and connects pages to it over Streamlit's websocket, each as a
browser would, timers included. Each of `--owners` people has a job; all of them wait behind one that hangs until every
page is open, then run one after the other, ten steps in a second. Prints the studio's CPU time (its own process, from
/proc, in per cent of one core) while the pages watch, and the milliseconds from a change of a job's state, as the
database dates it, to the message that shows it. Exit code 1 where a page misses a change, or a bar is missed:
`--most-cpu` per cent, `--most-late` milliseconds at the 95th percentile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from streamlit.proto.BackMsg_pb2 import BackMsg  # noqa: E402
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg  # noqa: E402
from websockets.asyncio.client import ClientConnection, connect  # noqa: E402

from bootstrap import serve  # noqa: E402
from client.jobs import manager  # noqa: E402
from client.store import DATABASE  # noqa: E402
from tests.support.draft import start_draft  # noqa: E402
from tests.support.served import Served, served  # noqa: E402
from workflows.request import parse  # noqa: E402

SMALL = {"prompt": "a lighthouse in a storm", "width": 256, "height": 128, "seconds": 1.0, "fps": 25}
PACE = "walk 10 0.1"
"""How the engine's sampler goes: ten steps in a second; see `tests/support/paced.py`."""
LOAD_SECONDS = 60.0
SECONDS_A_JOB = 20.0
SHOWS = {"started": re.compile(r"\d elapsed"), "finished": re.compile(r"made in")}
"""What a page says once a job runs, and once it is done."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--owners", type=int, default=50)
    parser.add_argument("--most-cpu", type=float, default=100.0)
    parser.add_argument("--most-late", type=float, default=500.0)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        studio = _studio(folder, arguments.owners, stack)
        owners = [f"{number:032x}" for number in range(1, arguments.owners + 1)]
        pages = [Page(studio.served.port, owners[number % len(owners)]) for number in range(arguments.pages)]
        watched = asyncio.run(_watch(studio, owners, pages))
        return _report(arguments, pages, watched, studio.changes())


@dataclass
class Studio:
    """The studio's process, told through its standard input what to do with jobs."""

    served: Served

    def say(self, **command: object) -> None:
        """One command; see `_obey`."""
        pipe = self.served.process.stdin
        assert pipe is not None
        pipe.write(json.dumps(command) + "\n")
        pipe.flush()

    def cpu(self) -> float:
        """Seconds of the processor that it has used."""
        fields = Path(f"/proc/{self.served.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_jobs(self) -> int:
        """How many jobs have not ended."""
        return int(self._read("SELECT COUNT(*) FROM jobs WHERE finished_at IS NULL")[0][0])

    def runs_a_job(self) -> bool:
        """Whether the engine has begun one."""
        return bool(self._read("SELECT 1 FROM jobs WHERE started_at IS NOT NULL"))

    def changes(self) -> dict[str, dict[str, float]]:
        """When each owner's job began and ended, in unix seconds."""
        failed = self._read("SELECT result FROM jobs WHERE state = 'failed'")
        assert not failed, failed[0]
        rows = self._read("SELECT owner, started_at, finished_at FROM jobs WHERE state = 'succeeded'")
        return {owner: {"started": began, "finished": ended} for owner, began, ended in rows}

    def _read(self, query: str) -> list[tuple[str, float, float]]:
        connection = sqlite3.connect(self.served.data / DATABASE, timeout=30)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


def _studio(folder: Path, jobs: int, stack: ExitStack) -> Studio:
    engine, engine_url = start_draft(folder / "engine", module="tests.support.paced")
    (folder / "engine" / "pace").write_text("\n".join(["hang", *[PACE] * jobs]))
    stack.callback(engine.wait, 20)
    stack.callback(engine.terminate)
    return Studio(stack.enter_context(served(folder, engine_url, (__file__, "--serve"))))


def _serve() -> int:
    """In the studio's process: the studio, and a thread that does what it is told."""
    threading.Thread(target=_obey, daemon=True).start()
    return serve.main()


def _obey() -> None:
    blocker = ""
    for line in sys.stdin:
        command = json.loads(line)
        if "block" in command:
            blocker = manager().submit(parse("t2v", {**SMALL, "seed": 1}), "0" * 32).id
        elif "submit" in command:
            manager().submit(parse("t2v", {**SMALL, "seed": 2 + command["seed"]}), command["submit"])
        else:
            manager().cancel(blocker)


@dataclass
class Page:
    """One open page of text to video, with its timers, as Streamlit's front end keeps them."""

    port: int
    owner: str
    seen: dict[str, float] = field(default_factory=dict)
    received: int = 0
    runs: int = 0
    address: str = ""
    loaded: asyncio.Event = field(default_factory=asyncio.Event)
    timers: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def watch(self) -> None:
        """Open the page and stay."""
        headers = {"Cookie": f"studio_owner={self.owner}"}
        address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        async with connect(
            address, additional_headers=headers, subprotocols=["streamlit"], max_size=None, compression=None
        ) as socket:
            await self._rerun(socket)
            async for raw in socket:
                assert isinstance(raw, bytes)
                self.received += len(raw)
                await self._hear(socket, ForwardMsg.FromString(raw))
            raise ConnectionError(f"the studio closed the connection: {socket.close_code} {socket.close_reason}")

    async def _rerun(self, socket: ClientConnection, fragment: str = "") -> None:
        message = BackMsg()
        message.rerun_script.page_name = "" if self.address else "Text_to_Video"
        message.rerun_script.page_script_hash = self.address
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_auto_rerun = bool(fragment)
        await socket.send(message.SerializeToString())

    async def _hear(self, socket: ClientConnection, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.runs += 1
            if not message.metadata.run.fragment_ids:
                self._stop(list(self.timers))
        elif kind == "navigation":
            self.address = message.navigation.page_script_hash
        elif kind == "stop_auto_rerun":
            self._stop(list(message.stop_auto_rerun.fragment_ids))
        elif kind == "auto_rerun":
            self._stop([message.auto_rerun.fragment_id])
            timer = self._poll(socket, message.auto_rerun.fragment_id, message.auto_rerun.interval)
            self.timers[message.auto_rerun.fragment_id] = asyncio.create_task(timer)
        elif kind == "script_finished":
            self.loaded.set()
        elif kind == "delta" and message.delta.new_element.HasField("html"):
            for change, words in SHOWS.items():
                if change not in self.seen and words.search(message.delta.new_element.html.body):
                    self.seen[change] = time.time()

    async def _poll(self, socket: ClientConnection, fragment: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._rerun(socket, fragment)

    def _stop(self, fragments: list[str]) -> None:
        for fragment in fragments:
            timer = self.timers.pop(fragment, None)
            if timer:
                timer.cancel()


@dataclass(frozen=True)
class Watched:
    """What watching took: seconds of the clock and of the studio's processor."""

    seconds: float
    cpu: float
    runs: int


async def _watch(studio: Studio, owners: list[str], pages: list[Page]) -> dict[str, Watched]:
    """Open the pages, and see all jobs through; what was spent while all waited, and while one after the other ran."""
    studio.say(block=True)
    while not studio.runs_a_job():
        await asyncio.sleep(0.1)
    for number, owner in enumerate(owners):
        studio.say(submit=owner, seed=number)
    while studio.open_jobs() <= len(owners):
        await asyncio.sleep(0.2)
    tasks = []
    for number, page in enumerate(pages, 1):
        tasks.append(asyncio.create_task(page.watch()))
        try:
            await asyncio.wait_for(page.loaded.wait(), LOAD_SECONDS)
        except TimeoutError:
            sys.exit(f"page {number} did not open within {LOAD_SECONDS:.0f} s: the studio is swamped")
    waiting = await _spent(studio, pages, asyncio.sleep(10))
    studio.say(go=True)
    running = await _spent(studio, pages, _until_done(studio, len(owners)))
    await asyncio.sleep(3)
    for task in tasks:
        task.cancel()
    failed = [task for task in tasks if task.done() and not task.cancelled() and task.exception()]
    assert not failed, failed
    return {"waiting": waiting, "running": running}


async def _until_done(studio: Studio, jobs: int) -> None:
    deadline = time.monotonic() + 60 + SECONDS_A_JOB * jobs
    while studio.open_jobs():
        assert time.monotonic() < deadline, "the jobs did not end in time"
        await asyncio.sleep(0.5)


async def _spent(studio: Studio, pages: list[Page], until: Coroutine[None, None, None]) -> Watched:
    cpu, runs, started = studio.cpu(), sum(page.runs for page in pages), time.monotonic()
    await until
    seconds = time.monotonic() - started
    return Watched(seconds, studio.cpu() - cpu, sum(page.runs for page in pages) - runs)


def _report(
    arguments: argparse.Namespace,
    pages: list[Page],
    watched: dict[str, Watched],
    changes: dict[str, dict[str, float]],
) -> int:
    print(f"{len(pages)} pages, {arguments.owners} people")
    print(f"{'':12}{'seconds':>9}{'CPU %':>9}{'runs/s':>9}")
    for name, spent in watched.items():
        shares = (spent.seconds, 100 * spent.cpu / spent.seconds, spent.runs / spent.seconds)
        print(f"{name:12}{shares[0]:9.1f}{shares[1]:9.1f}{shares[2]:9.1f}")
    print(f"{'':12}{'shown':>9}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}")
    late: list[float] = []
    for change in SHOWS:
        times = [1000 * (page.seen[change] - changes[page.owner][change]) for page in pages if change in page.seen]
        late += times
        middle, high = _quantiles(times)
        print(f"{change:12}{len(times):9}{middle:9.0f}{high:9.0f}{max(times, default=0):9.0f}")
    cpu, (_, high) = max(100 * spent.cpu / spent.seconds for spent in watched.values()), _quantiles(late)
    print(f"CPU {cpu:.0f} %, below {arguments.most_cpu:.0f} is wanted")
    print(f"95th percentile {high:.0f} ms, at most {arguments.most_late:.0f} is wanted")
    missed = len(SHOWS) * len(pages) - len(late)
    if missed:
        print(f"{missed} changes were never shown")
    return int(cpu >= arguments.most_cpu or high > arguments.most_late or missed > 0)


def _quantiles(times: list[float]) -> tuple[float, float]:
    if len(times) < 2:
        return (times or [0.0])[0], (times or [0.0])[0]
    cuts = statistics.quantiles(times, n=20)
    return cuts[9], cuts[18]


if __name__ == "__main__":
    sys.exit(_serve() if sys.argv[1:] == ["--serve"] else main())
