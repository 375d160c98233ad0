"""The models as pages deal with them: plans and pulls in threads of this process, and snapshots of both.

What a pull is about, and how it ended, is kept in the data folder: one that the studio's end cut short is said to be,
and goes on from where it was. The bytes themselves are kept by the cache.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from client import settings
from client.comfy_home import comfyui
from client.models import events
from client.models.choice import choice_for
from client.models.download import Limits
from client.models.events import Event, Total
from client.models.hub import Hub
from client.models.plan import Plan, plan
from client.models.pull import pull
from client.settings import Settings
from workflows import needs
from workflows.errors import StudioError

AUTO = "auto"
NOTE_SECONDS = 1.0
NOTE = "models_pull.json"

Phase = Literal["planning", "fetching", "done", "failed", "cancelled", "interrupted"]
UNDER_WAY = ("planning", "fetching")


@dataclass(frozen=True)
class Choice:
    """What is wanted: modes (all where there are none), choices with further files, and the variant."""

    modes: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    variant: str = AUTO


@dataclass(frozen=True)
class Problem:
    """What went wrong and what to do."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class Look:
    """A plan: under way while both `plan` and `problem` are None."""

    choice: Choice
    plan: Plan | None = None
    problem: Problem | None = None


@dataclass(frozen=True)
class Fetching:
    """One file of a pull; `note` says what holds it up, "" where nothing does. Sizes in bytes."""

    file: str
    done: int = 0
    bytes: int = 0
    state: Literal["fetching", "checking", "waiting", "done", "failed", "stopped"] = "fetching"
    note: str = ""


@dataclass(frozen=True)
class Pull:
    """A pull at one moment; sizes in bytes, `rate` in bytes/s, `left` in s or None, times in unix seconds."""

    choice: Choice
    phase: Phase
    begun: float
    done: int = 0
    bytes: int = 0
    rate: float = 0.0
    left: float | None = None
    files: tuple[Fetching, ...] = ()
    problem: Problem | None = None

    @property
    def under_way(self) -> bool:
        """Whether it goes on."""
        return self.phase in UNDER_WAY


class Models:
    """One service for the managed engine's models folder; `hub` says where files come from."""

    def __init__(
        self, configured: Settings, hub: Callable[[], Hub] = Hub.from_environment, limits: Limits | None = None
    ) -> None:
        self._settings = configured
        self._hub = hub
        self._limits = limits
        self._note = configured.data / NOTE
        self._lock = threading.Lock()
        self._look: Look | None = None
        self._pull = _read(self._note)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._noted = float("-inf")

    def look(self) -> Look | None:
        """The newest plan, None before one was asked for."""
        return self._look

    def pulling(self) -> Pull | None:
        """The newest pull, None where there never was one."""
        return self._pull

    def ask(self, choice: Choice) -> None:
        """Begin to make a plan; nothing happens while one for the same choice is being made."""
        with self._lock:
            known = self._look
            if known and known.choice == choice and known.plan is None and known.problem is None:
                return
            self._look = Look(choice)
        threading.Thread(target=self._plan_for_page, args=(choice,), name="models-plan", daemon=True).start()

    def pull(self, choice: Choice) -> bool:
        """Begin to fetch what is missing; False while another pull goes on."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return False
            self._stop = threading.Event()
            self._pull = Pull(choice, "planning", time.time())
            self._thread = threading.Thread(target=self._run, args=(self._stop,), name="models-pull", daemon=True)
            _write(self._note, self._pull)
            self._thread.start()
        return True

    def cancel(self) -> None:
        """End the pull; what has come stays for the next one."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until no pull goes on."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def planned(self, choice: Choice) -> Plan:
        """The plan for a choice, made now. Raises StudioError as `client.models.plan.plan`."""
        wanted = needs.of_modes(choice.modes, (), choice.extras, self._settings.data)
        picked = choice_for(self._settings) if choice.variant == AUTO else choice.variant
        folder = comfyui(self._settings).models
        return plan(wanted, folder, self._hub(), picked, prefer_present=choice.variant == AUTO)

    def _plan_for_page(self, choice: Choice) -> None:
        look = Look(choice)
        try:
            look = replace(look, plan=self.planned(choice))
        except Exception as error:
            look = replace(look, problem=_problem(error))
        with self._lock:
            if self._look is not None and self._look.choice == choice:
                self._look = look

    def _run(self, stop: threading.Event) -> None:
        begun = self._pull
        assert begun is not None
        try:
            made = self.planned(begun.choice)
            self._tell(phase="fetching", bytes=sum(item.bytes or 0 for item in made.items if item.state != "there"))
            outcomes = pull(made, self._hear, self._limits, stop)
            failed = [one for one in outcomes if isinstance(one, events.Failed)]
            stopped = any(isinstance(one, events.Stopped) for one in outcomes)
            if failed:
                self._end("failed", Problem(failed[0].message, failed[0].hint))
            else:
                self._end("cancelled" if stopped else "done")
        except Exception as error:
            self._end("failed", _problem(error))
        self.ask(begun.choice)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Total):
            self._tell(done=event.done, bytes=event.bytes, rate=event.rate, left=event.left)
            return
        now = self._pull
        assert now is not None
        known = {one.file: one for one in now.files}
        known[event.file] = heard(known.get(event.file, Fetching(event.file)), event)
        self._tell(files=tuple(known.values()))

    def _tell(self, **changes: Any) -> None:
        assert self._pull is not None
        self._pull = replace(self._pull, **changes)
        now = time.monotonic()
        if not self._pull.under_way or now - self._noted >= NOTE_SECONDS:
            self._noted = now
            _write(self._note, self._pull)

    def _end(self, phase: Phase, problem: Problem | None = None) -> None:
        self._tell(phase=phase, problem=problem, rate=0.0, left=None)


def heard(file: Fetching, event: Event) -> Fetching:
    """What is known of a file after one more event about it."""
    if isinstance(event, events.Started):
        return replace(file, state="fetching", done=event.have, bytes=event.bytes, note="")
    if isinstance(event, events.Progress):
        return replace(file, state="fetching", done=event.done, bytes=event.bytes, note="")
    if isinstance(event, events.Checking):
        return replace(file, state="checking", done=event.done, bytes=event.of, note="what an earlier pull left")
    if isinstance(event, events.Waiting):
        return replace(file, state="waiting", note="another program fetches it")
    if isinstance(event, events.Stalled):
        return replace(file, note=f"nothing came for {event.seconds:g} s")
    if isinstance(event, events.Retrying):
        return replace(file, note=f"{event.reason}, trying again in {event.wait:.0f} s")
    if isinstance(event, events.Done):
        return replace(file, state="done", done=event.bytes, bytes=event.bytes, note="")
    if isinstance(event, events.Failed):
        return replace(file, state="failed", note=f"{event.message} {event.hint}".strip())
    if isinstance(event, events.Stopped):
        return replace(file, state="stopped", done=event.done, note="")
    return file


def _problem(error: Exception) -> Problem:
    if isinstance(error, StudioError):
        return Problem(error.message, error.hint)
    unexpected = StudioError("internal_error", reason=type(error).__name__)
    return Problem(unexpected.message, unexpected.hint)


def _write(path: Path, pull: Pull) -> None:
    # A pull goes on without its note; a full disk is said by what is fetched.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.new")
        partial.write_text(json.dumps(asdict(pull)), encoding="utf-8")
        partial.replace(path)


def _read(path: Path) -> Pull | None:
    """The pull that was noted; one that was under way has been cut short. None where there is none."""
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        pull = Pull(
            **{
                **row,
                "choice": _choice(row["choice"]),
                "files": tuple(Fetching(**one) for one in row["files"]),
                "problem": Problem(**row["problem"]) if row["problem"] else None,
            }
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return replace(pull, phase="interrupted", rate=0.0, left=None) if pull.under_way else pull


def _choice(row: Mapping[str, Any]) -> Choice:
    return Choice(tuple(row["modes"]), tuple(row["extras"]), str(row["variant"]))


_service: Models | None = None
_service_lock = threading.Lock()


def service() -> Models:
    """The one service of this process, made from the settings on first use."""
    global _service
    with _service_lock:
        if _service is None:
            _service = Models(settings.read())
        return _service
