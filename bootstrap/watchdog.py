"""The supervised event listener `watchdog`: looks after the local engine, every five seconds and when it changes state.

A dead engine is started again by supervisord itself, without end once it has run for a while. Added here: a wedged one
is killed, so that supervisord starts it again; what a dead one leaves behind is killed; and one that ends too often is
given up. Everything done is written to the engine's events. `bootstrap.liveness` decides, this module sees and acts.

An external server is nobody's to restart: supervisord.conf starts no watchdog where the engine is one.

Variables, in seconds: WATCHDOG_START_SECONDS, WATCHDOG_SILENT_SECONDS, WATCHDOG_STUCK_SECONDS and
WATCHDOG_CONFIRM_SECONDS are the limits of `liveness.Limits`. The engine is given up when it has ended
WATCHDOG_MOST_ENDS times within WATCHDOG_WINDOW_SECONDS.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

from bootstrap import listener, liveness, orphans, probe, usage
from bootstrap.enginelog import EngineLog
from bootstrap.layout import program_log
from bootstrap.lifeline import die_with_supervisor
from bootstrap.liveness import NOBODY, Limits, Sight, Verdict, Wedged
from client import engine_events, settings, supervisor
from client.engine_events import What

log = logging.getLogger("watchdog")

ENGINE = "engine"
_ASK_SECONDS = 3.0
_STOP_TRIES = 25
_STOP_PAUSE = 0.2
KILL_COUNTERS = (Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events"))
_UP = ("STARTING", "RUNNING", "BACKOFF", "EXITED")


@dataclass(frozen=True)
class Storm:
    """How many ends of the engine within how many seconds are too many."""

    most: int = 5
    window: float = 600.0


def kernel_kills(counters: Sequence[Path]) -> int:
    """Processes that the kernel has ended for want of memory, as it says of the machine and of this container."""
    found = 0
    for path in counters:
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        found += sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return found


class Watchdog:
    """Watches the engine at `url`, which the supervisor at `socket` runs over the data folder.

    `counters` are the files in which the kernel counts what it has ended for want of memory.
    """

    def __init__(
        self,
        data: Path,
        url: str,
        socket: str,
        limits: Limits,
        storm: Storm,
        counters: Sequence[Path] = KILL_COUNTERS,
    ) -> None:
        self._data = data
        self._url = url
        self._port = urlsplit(url).port or 0
        self._socket = socket
        self._limits = limits
        self._storm = storm
        self._log = EngineLog(program_log(data, ENGINE))
        self._life = NOBODY
        self._verdict: type[Verdict] | None = None
        self._ends: list[float] = []
        self._killed = 0
        self._given_up = False
        self._counters = counters
        self._kills = (kernel_kills(counters),) * 2

    def look(self) -> None:
        """Look at the engine once, and kill it where it is wedged."""
        self._kills = (self._kills[1], kernel_kills(self._counters))
        pid = self._pid()
        sight = self._see(pid)
        self._life = liveness.fold(self._life, sight)
        verdict = liveness.judge(self._life, sight, self._limits)
        if type(verdict) is not self._verdict:
            log.info("the engine (process %d) is %s", pid, type(verdict).__name__.lower())
            self._verdict = type(verdict)
        if isinstance(verdict, Wedged) and self._pid() == pid:
            self._killed = pid
            self._note("restarted", verdict.why, pid)
            # Its own group, with what it started. supervisord sees an end like any other and starts it again.
            os.killpg(pid, signal.SIGKILL)

    def changed(self, state: str, facts: Mapping[str, str]) -> None:
        """The engine came into a state, as supervisor names it (PROCESS_STATE_…), with the event's facts."""
        if state == "STARTING":
            if facts.get("from_state") in ("STOPPED", "FATAL", "UNKNOWN"):
                self._ends, self._given_up = [], False
                self._note("started", "was started")
            return
        if state not in ("EXITED", "BACKOFF", "STOPPED", "FATAL"):
            return
        pid = int(facts.get("pid", "0"))
        left = orphans.end(self._data, self._socket)
        if left:
            self._note("orphans_ended", f"had left {left} processes behind, which were ended", pid)
        if state in ("EXITED", "BACKOFF"):
            self._ended(pid, self._why(state))
        elif state == "FATAL":
            self._give_up(f"does not start: {len(self._ends)} attempts ended at once")
        elif not self._given_up:
            self._note("stopped", "was stopped", pid)

    def _why(self, state: str) -> str:
        # The newest look may lie between the kill and the news of it; what was killed before the last two was another.
        before, now = self._kills[0], kernel_kills(self._counters)
        self._kills = (now, now)
        if now > before:
            return engine_events.OUT_OF_MEMORY
        return "ended by itself" if state == "EXITED" else "ended while it was starting"

    def _ended(self, pid: int, why: str) -> None:
        if self._killed and pid in (0, self._killed):
            self._killed = 0
        else:
            self._note("ended", why, pid)
        now = time.monotonic()
        self._ends = [end for end in (*self._ends, now) if now - end < self._storm.window]
        if len(self._ends) >= self._storm.most:
            self._give_up(f"ended {len(self._ends)} times within {now - self._ends[0]:.0f} s")
            self._stop()

    def _give_up(self, why: str) -> None:
        self._ends, self._given_up = [], True
        self._note("gave_up", why)

    def _stop(self) -> None:
        # An engine between two attempts counts as not running; the next attempt does.
        for _ in range(_STOP_TRIES):
            supervisor.stop(self._socket, ENGINE)
            if supervisor.states(self._socket)[ENGINE].state not in _UP:
                return
            time.sleep(_STOP_PAUSE)

    def _note(self, what: What, why: str, pid: int = 0) -> None:
        log.info("the engine (process %d): %s, %s", pid, what, why)
        try:
            engine_events.append(self._data, what, why, pid)
        except OSError:
            log.exception("the event can't be kept")

    def _pid(self) -> int:
        """The engine's process; 0 where there is none or it is being stopped."""
        found = supervisor.states(self._socket).get(ENGINE)
        return found.pid if found is not None and found.state in ("STARTING", "RUNNING") else 0

    def _see(self, pid: int) -> Sight:
        if not pid:
            return Sight(time.monotonic(), 0)
        answer = probe.fetch(f"{self._url}/prompt", _ASK_SECONDS)
        if answer is not None and listener.is_strangers(self._port, pid):
            # Whoever took the port while the engine was down does not speak for it.
            answer = None
        deaths = self._log.deaths(pid)
        running: tuple[str, ...] = ()
        if answer is not None and deaths:
            running = _running(probe.fetch(f"{self._url}/queue", _ASK_SECONDS))
        used = usage.of(pid)
        return Sight(
            at=time.monotonic(),
            pid=pid,
            queue=None if answer is None else _remaining(answer),
            running=running,
            deaths=deaths,
            cpu=used.cpu if used else None,
            read=used.read if used else None,
        )


def _remaining(answer: bytes) -> int:
    """`exec_info.queue_remaining` of GET /prompt; 0 where the answer says something else."""
    found = _load(answer).get("exec_info")
    count = found.get("queue_remaining") if isinstance(found, dict) else 0
    return count if isinstance(count, int) else 0


def _running(answer: bytes | None) -> tuple[str, ...]:
    """The prompt ids in `queue_running` of GET /queue, rows of [number, prompt id, …]."""
    rows = _load(answer or b"").get("queue_running")
    return (
        tuple(str(row[1]) for row in rows if isinstance(row, list) and len(row) > 1) if isinstance(rows, list) else ()
    )


def _load(answer: bytes) -> dict[str, Any]:
    try:
        found = json.loads(answer)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def from_environment(environ: Mapping[str, str]) -> Watchdog:
    """The watchdog that the settings and variables in the environment ask for."""
    configured = settings.read(environ)
    limits = Limits(
        **{
            limit.name: float(environ[name])
            for limit in fields(Limits)
            if (name := f"WATCHDOG_{limit.name.upper()}_SECONDS") in environ
        }
    )
    storm = Storm(
        int(environ.get("WATCHDOG_MOST_ENDS", Storm.most)), float(environ.get("WATCHDOG_WINDOW_SECONDS", Storm.window))
    )
    return Watchdog(configured.data, configured.server_url, environ["UP_SOCKET"], limits, storm)


def listen(watchdog: Watchdog, source: TextIO, sink: TextIO) -> None:
    """Serve supervisor's event listener protocol until its end of the pipe is closed."""
    while True:
        sink.write("READY\n")
        sink.flush()
        header = source.readline()
        if not header:
            return
        facts = _facts(header)
        payload = source.read(int(facts["len"]))
        try:
            _handle(watchdog, facts["eventname"], _facts(payload))
        except OSError as error:
            # The supervisor is busy or going down, or the engine went between two looks; the next event comes soon.
            log.warning("%s: %s", facts["eventname"], error)
        except Exception:
            log.exception("%s", facts["eventname"])
        sink.write("RESULT 2\nOK")
        sink.flush()


def _handle(watchdog: Watchdog, event: str, facts: Mapping[str, str]) -> None:
    if event.startswith("TICK"):
        watchdog.look()
    elif facts.get("processname") == ENGINE:
        watchdog.changed(event.removeprefix("PROCESS_STATE_"), facts)


def _facts(line: str) -> dict[str, str]:
    return dict(pair.split(":", 1) for pair in line.split() if ":" in pair)


def main() -> int:
    """Listen until the supervisor ends."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    watchdog = from_environment(os.environ)
    die_with_supervisor(settings.read().data)
    listen(watchdog, sys.stdin, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
