"""Is an engine alive, busy, gone or wedged? A fold over what a watchdog saw; no clock, no network, no process in here.

| its process | GET /prompt    | its log says that the worker died | for how long            | verdict  |
|-------------|----------------|-----------------------------------|-------------------------|----------|
| none        |                |                                   |                         | Gone     |
| runs        | never answered |                                   | less than `start`       | Starting |
| runs        | never answered |                                   | `start`                 | Wedged   |
| runs        | nothing queued | no                                |                         | Alive    |
| runs        | a prompt runs  | no                                | however long            | Busy     |
| runs        | answers        | yes, and since then prompts ended |                         | as above |
| runs        | answers        | yes, and since then none ended    | less than `confirm`     | as above |
| runs        | answers        | yes, and since then none ended    | `confirm`               | Wedged   |
| computes    | is silent      |                                   | less than `stuck`       | Busy     |
| computes    | is silent      |                                   | `stuck`                 | Wedged   |
| does nothing| is silent      |                                   | less than `silent`      | Busy     |
| does nothing| is silent      |                                   | `silent`                | Wedged   |

What a prompt's own slowness looks like never counts: a sampling step of an hour answers HTTP all the while, and a
process that holds Python's lock while it reads a model has `stuck` seconds. ComfyUI's worker thread dies for good when
a graph's node lacks `inputs` or a node raises SystemExit: the prompt stays in progress for ever, HTTP answers 200, an
interrupt does nothing. Python then writes the thread's traceback into the log, and that is the evidence asked for here.
A queue that moves on afterwards disproves it: somebody's text looked like the line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

# A process that waits in vain still wakes now and then; one that computes uses far more than this share of a core.
_WORKING_SHARE = 0.05
# Seconds between two sights. What is beyond is time in which the watchdog itself stood still, and counts for nothing.
_LONGEST_BLINK = 30.0


@dataclass(frozen=True)
class Limits:
    """How long, in seconds, each kind of silence may last; the table above says which is which."""

    start: float = 900.0
    silent: float = 180.0
    stuck: float = 900.0
    confirm: float = 10.0


@dataclass(frozen=True)
class Sight:
    """What was seen at one moment `at` (seconds of a clock that never goes back).

    `pid` is the engine's process, 0 where there is none. `queue` counts the prompts that run and wait, None where HTTP
    did not answer. `deaths` counts how often the log of this process says that its worker died, and where it does,
    `running` are the ids of the prompts that run. `cpu` are the CPU seconds and `read` the bytes from disk that the
    process has used so far, None where the system does not tell.
    """

    at: float
    pid: int
    queue: int | None = None
    running: tuple[str, ...] = ()
    deaths: int = 0
    cpu: float | None = None
    read: int | None = None


@dataclass(frozen=True)
class Gone:
    """There is no process. Starting one is the supervisor's business."""


@dataclass(frozen=True)
class Starting:
    """The process has not answered yet."""


@dataclass(frozen=True)
class Alive:
    """It answers and nothing runs."""


@dataclass(frozen=True)
class Busy:
    """It computes, or is silent for no longer than it may be."""


@dataclass(frozen=True)
class Wedged:
    """It will not come back by itself; `why` is a sentence."""

    why: str


Verdict = Gone | Starting | Alive | Busy | Wedged


@dataclass(frozen=True)
class Life:
    """One process so far: when it was first seen, when it answered, worked and was looked at last.

    `suspected` is since when its log says that the worker died, with what then ran in `running`; `disproved` counts
    the lines of the log that turned out to be something else.
    """

    pid: int
    seen: float
    answered: float | None = None
    worked: float = 0.0
    cpu: float | None = None
    read: int | None = None
    looked: float = 0.0
    suspected: float | None = None
    running: tuple[str, ...] = ()
    disproved: int = 0


NOBODY = Life(pid=0, seen=0.0)


def fold(life: Life, sight: Sight) -> Life:
    """The life after one more sight; another process begins another life."""
    if sight.pid != life.pid:
        life = Life(pid=sight.pid, seen=sight.at, worked=sight.at, looked=sight.at)
    elif sight.at - life.looked > _LONGEST_BLINK:
        life = _without(life, sight.at - life.looked - _LONGEST_BLINK)
    if _worked(life, sight):
        life = replace(life, worked=sight.at)
    life = replace(life, cpu=sight.cpu, read=sight.read, looked=sight.at)
    if sight.queue is None:
        return life
    life = replace(life, answered=sight.at)
    if sight.deaths <= life.disproved:
        return life
    if life.suspected is None:
        return replace(life, suspected=sight.at, running=sight.running)
    if sight.running != life.running:
        # Only a living worker takes a prompt out of the running ones or puts one in.
        return replace(life, suspected=None, disproved=sight.deaths)
    return life


def judge(life: Life, sight: Sight, limits: Limits) -> Verdict:
    """What `sight`, the last one folded into `life`, says of the engine."""
    if not life.pid:
        return Gone()
    if life.answered is None:
        waited = sight.at - life.seen
        return Wedged(f"it did not answer within {waited:.0f} s of its start") if waited >= limits.start else Starting()
    if sight.queue is None:
        return _of_silence(life, sight.at, limits)
    if life.suspected is not None and sight.at - life.suspected >= limits.confirm:
        return Wedged("its worker thread has died: it answers, but no job would ever end")
    return Busy() if sight.queue else Alive()


def _of_silence(life: Life, now: float, limits: Limits) -> Verdict:
    silent = now - (life.answered or now)
    idle = now - max(life.worked, life.answered or now)
    if silent >= limits.stuck:
        return Wedged(f"it has not answered for {silent:.0f} s")
    if idle >= limits.silent:
        return Wedged(f"it has neither answered nor done anything for {idle:.0f} s")
    return Busy()


def _without(life: Life, seconds: float) -> Life:
    """The life as if these seconds before now had not been."""
    return replace(
        life,
        seen=life.seen + seconds,
        answered=None if life.answered is None else life.answered + seconds,
        worked=life.worked + seconds,
        suspected=None if life.suspected is None else life.suspected + seconds,
    )


def _worked(life: Life, sight: Sight) -> bool:
    """Whether the process computed or read since the sight before; taken for granted where nobody can tell."""
    if sight.cpu is None or life.cpu is None:
        return True
    read = sight.read is not None and life.read is not None and sight.read > life.read
    return read or sight.cpu - life.cpu >= _WORKING_SHARE * (sight.at - life.looked)
