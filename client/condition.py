"""How the engine is, in one word and one sentence: what it answers, held against what the supervisor knows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from client.engine import Engine
from client.supervisor import Program

Word = Literal["alive", "busy", "starting", "restarting", "gone"]
UP = ("RUNNING", "STARTING")


@dataclass(frozen=True)
class Condition:
    """`word` is the state, `sentence` what it means; `running` says whether a job would be lost by a restart."""

    word: Word
    sentence: str
    running: bool = False


def condition(engine: Engine, program: Program | None, now: float, restarting: bool = False) -> Condition:
    """The engine's condition at `now` (unix seconds); `program` is None where no supervisor of ours runs it.

    A process that has answered and is silent computes, as far as anybody can tell from outside: the watchdog decides
    when that has lasted too long.
    """
    if restarting:
        return Condition("restarting", "It is being restarted.")
    if engine.status == "alive":
        if engine.queue:
            return Condition("busy", "It answers, and works.", running=True)
        return Condition("alive", "It answers, and has nothing to do.")
    if program is None:
        if engine.status == "starting":
            return Condition("gone", "It has not answered yet.")
        return Condition("gone", "It does not answer.")
    if program.state == "FATAL":
        return Condition("gone", "It ended too often and was given up.")
    if program.state not in UP:
        return Condition("gone", "Its process has ended.")
    if engine.answered < now - program.uptime:
        return Condition("starting", "Its process runs and has not answered yet.")
    silent = now - engine.answered
    return Condition("busy", f"Its process runs, and has not answered for {silent:.0f} s.", running=True)
