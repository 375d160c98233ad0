"""The engine page: how it is, what it runs on, its switches, what happened to it and its log."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence

import streamlit as st

from client import condition, engine_events, installs, logs, settings
from client.comfy_home import comfyui
from client.condition import Condition
from client.control import control
from client.engine import Engine
from client.jobs import manager
from client.machine import Device
from client.settings import Settings
from client.supervisor import Program
from pages.parts import acting, log_view, markup, words
from pages.parts.clock import zone
from pages.parts.frame import external, frame
from workflows.errors import StudioError

POLL_SECONDS = 2.0
LOG_BYTES = 128 * 1024
EVENTS = 8
ASKED = "engine.restart.asked"
LOADED = re.compile(r"^Requested to load (\w+)")
"""What ComfyUI writes when it puts a model into memory."""
BEGINS = "--- The engine starts as process "
"""How the log of each engine process begins."""

LOOKS = {"alive": "alive", "busy": "busy", "starting": "starting", "restarting": "starting", "gone": "gone"}


def engine() -> None:
    """Draw the page."""
    visitor = frame("Engine", "What executes the jobs.")
    configured = settings.read()
    st.fragment(lambda: _state(visitor, configured), run_every=POLL_SECONDS)()
    # A dialog belongs to the whole page: what is drawn again every two seconds would close it.
    if st.session_state.pop(ASKED, False):
        _ask()
    if not acting.may_act():
        acting.closed("The log and the switches are hidden.")
        return
    if not external():
        _events(configured)
    _logs(configured)


def _state(visitor: str, configured: Settings) -> None:
    seen, program = manager().engine(), control.program()
    now = condition.condition(seen, program, time.time(), control.restarting)
    with st.container(border=True, key="engine-state", gap="small"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.html(markup.condition(LOOKS[now.word], now.word, now.sentence), width="content")
            if acting.may_act():
                _switches(now, program)
        st.html(markup.facts(_facts(seen, program, visitor, configured)))
        for device in seen.machine.devices if seen.status == "alive" else ():
            _memory(device, seen)
    if control.problem:
        st.html(markup.notice("error", "The engine could not be restarted.", control.problem, "error"))
    if seen.status == "gone" and not external() and program is None:
        text = "It is started by `python3 -m bootstrap up`, in a terminal on the machine."
        st.html(markup.notice("warn", "No supervisor of this studio runs the engine.", text, "power_off"))


def _switches(now: Condition, program: Program | None) -> None:
    with st.container(horizontal=True, gap="xsmall", width="content", key="switches"):
        answers = now.word == "alive" or (now.word == "busy" and manager().engine().status == "alive")
        # Nothing is freed on a server that is somebody else's, and the draft engine holds no models.
        if not manager().engine().draft and not external():
            label = "Unload models"
            st.button(label, icon=":material/eject:", key="unload", disabled=not answers, on_click=_unload)
        if program is not None:
            label = "Restarting…" if control.restarting else "Restart"
            symbol, busy = ":material/restart_alt:", control.restarting
            st.button(label, icon=symbol, key="restart", disabled=busy, on_click=_restart, args=(now.running,))


def _restart(loses: bool) -> None:
    """Restart the engine, or ask first where a job would be lost."""
    if loses:
        st.session_state[ASKED] = True
    else:
        control.restart()
    st.rerun()


def _unload() -> None:
    try:
        control.unload()
    except StudioError as error:
        st.toast(f"{error.message} {error.hint}", icon=":material/error:")
    else:
        after = " once its job is done" if manager().engine().queue else ""
        st.toast(f"The engine gives the models' memory back{after}.", icon=":material/eject:")


@st.dialog("Restart the engine?", icon=":material/restart_alt:")
def _ask() -> None:
    queue = manager().engine().queue
    if queue > 1:
        st.write(f"The job that runs and {queue - 1} waiting on the engine would be lost. Each can be retried.")
    else:
        st.write("The job that runs would be lost. It can be retried.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Keep it running", key="restart-no"):
            st.rerun()
        if st.button("Restart", type="primary", key="restart-yes"):
            control.restart()
            st.rerun()


def _facts(seen: Engine, program: Program | None, visitor: str, configured: Settings) -> list[tuple[str, str]]:
    machine, alive = seen.machine, seen.status == "alive"
    traffic = manager().traffic(visitor)
    installed = None if external() or seen.draft else installs.current(comfyui(configured))
    facts = [
        ("Kind", _kind(seen)),
        ("Address", seen.url if acting.may_act() else ""),
        ("Device", " and ".join(device.name for device in machine.devices) if alive and not seen.draft else ""),
        ("ComfyUI", "" if seen.draft else seen.version),
        ("Commit", installed.commit if installed else ""),
        ("Software", _software(seen) if alive and not seen.draft else ""),
        ("Queue", words.queue(traffic)),
        ("Models loaded", _loaded(seen, configured) if alive else ""),
        ("Process", f"{program.pid}, up {words.span(program.uptime)}" if program and program.pid else ""),
    ]
    return [(name, value) for name, value in facts if value]


def _kind(seen: Engine) -> str:
    if seen.draft:
        return "Draft engine: sketches in seconds, on any computer"
    if external():
        return "External: somebody else's ComfyUI server, where nothing is unloaded or restarted from here"
    return "ComfyUI on this machine"


def _software(seen: Engine) -> str:
    parts = {"Python": seen.machine.python, "PyTorch": seen.machine.torch}
    return ", ".join(f"{name} {version}" for name, version in parts.items() if version)


def _loaded(seen: Engine, configured: Settings) -> str:
    """What is known of the models in memory: ComfyUI tells how much torch holds, and its log what was put there."""
    if seen.draft:
        return "none: the draft engine has none"
    own = [device for device in seen.machine.devices if device.has_memory]
    held = sum(device.held for device in own)
    if own and not held:
        return "none"
    lines = [] if external() else logs.tail(configured.data / "logs" / "engine.log", most=LOG_BYTES)
    names = [found[1] for line in _of_this_process(lines) if (found := LOADED.match(line))]
    last = ", ".join(dict.fromkeys(reversed(names[-3:])))
    return "; ".join(
        [*([f"{words.gigabytes(held)} are held"] if held else []), *([f"last loaded: {last}"] if last else [])]
    )


def _of_this_process(lines: Sequence[str]) -> Sequence[str]:
    """What the log says since the engine that runs now was started: an earlier one's models went with it."""
    began = [number for number, line in enumerate(lines) if line.startswith(BEGINS)]
    return lines[began[-1] :] if began else lines


def _memory(device: Device, seen: Engine) -> None:
    """Bars: what is used of the device's own memory, and of the machine's."""
    if device.has_memory and device.total:
        st.html(markup.meter(f"Memory of {device.name}", device.used, device.total, _of(device.used, device.total)))
    if seen.machine.ram_total and device == seen.machine.devices[0]:
        used, total = seen.machine.ram_used, seen.machine.ram_total
        st.html(markup.meter("Memory of the machine", used, total, _of(used, total)))


def _of(used: int, total: int) -> str:
    return f"{words.gigabytes(used)} of {words.gigabytes(total)}"


def _events(configured: Settings) -> None:
    found = engine_events.read(configured.data, EVENTS)
    if not found:
        return
    with st.container(key="section-events"):
        st.html(markup.section("What happened to it"))
    rows = [(words.moment(one.time, zone()), f"It {one.why}.") for one in reversed(found)]
    st.html(markup.happenings(rows))


def _logs(configured: Settings) -> None:
    with st.container(key="section-log"):
        st.html(markup.section("Log"))
    if external():
        st.caption("The server's own log lies where it runs. These are the studio's.")
    log_view.view(logs.known(configured.data), logs.secrets_of(configured, os.environ))
