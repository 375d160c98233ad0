"""`python -m client run MODE`: make a video, or variations of one, from a script and follow it on the terminal.

`python -m client preflight`: what the engine can make. `python -m client estimates`: what runs have taught about time.

What a run teaches about time goes to the database of the studio whose data folder the settings name, if it is there.
Exit code 0 is success, 1 a failed job, 2 bad input, 130 a job cancelled by Ctrl-C (on the engine too). Of several jobs
the worst counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

from client import preflight_verb, settings
from client.estimate import verb as estimates_verb
from client.jobs import Job, JobManager, limits_of
from client.media import admit_file
from client.settings import Settings
from client.states import NAMES, Cancelled, Failed, Queued, Running, Succeeded, is_final
from client.store import DATABASE, Store
from client.transport import Server, Unreachable
from workflows import access, manifest, reference
from workflows.access import Access
from workflows.errors import StudioError
from workflows.request import MAX_VARIATIONS, Request, assignments, check_count, parse, variations
from workflows.server import tls

POLL_SECONDS = 0.1
BAR_WIDTH = 30
GOODBYE_SECONDS = 8.0
NUMBER = "{n}"
NOT_THE_INPUT = ("engine_unreachable", "out_failed", "database_failed")
EXIT_CODES: dict[type, int] = {Succeeded: 0, Failed: 1, Cancelled: 130}


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m client", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser(
        "run",
        help="make one video",
        epilog=reference.help_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument("mode", choices=manifest.MODES)
    run.add_argument("--preset", help="fast, balanced, …")
    run.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="set a field of the mode")
    run.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the video goes")
    run.add_argument(
        "--variations",
        type=int,
        default=1,
        metavar="N",
        help=f"as many videos with seeds that follow each other, {MAX_VARIATIONS} at most; --out clip.mp4 makes "
        "clip-1.mp4 and so on, or names the place of the number with {n}",
    )
    run.add_argument("--server", metavar="URL", help="the engine; the studio's own one by default")
    run.add_argument("--json", action="store_true", help="one JSON object per change of state instead of a bar")
    preflight_verb.add(verbs)
    estimates_verb.add(verbs)
    return parser


def request_from(mode_name: str, values: dict[str, Any], uploads: Path, max_mb: int) -> Request:
    """The request for command-line values; files are examined and copied into `uploads`. Raises StudioError."""
    mode = manifest.mode(mode_name)
    # Everything that costs nothing is checked before any file is read.
    parse(mode_name, values)
    for field in mode.fields:
        if field.type in manifest.MEDIA_TYPES and isinstance(values.get(field.name), str):
            values[field.name] = admit_file(field, Path(values[field.name]), uploads, field.title, max_mb)
    return parse(mode_name, values)


def changes(
    manager: JobManager, job_ids: Sequence[str], key: Callable[[Job], object], left: Event
) -> Iterator[tuple[int, Job]]:
    """Place and job each time the job's `key` has changed, its final state last; ends early when `left` is set."""
    last: dict[str, object] = {}
    ended: set[str] = set()
    while True:
        for place, job_id in enumerate(job_ids):
            if job_id in ended:
                continue
            job = manager.get(job_id)
            assert job is not None
            if job_id not in last or key(job) != last[job_id]:
                last[job_id] = key(job)
                yield place, job
            if is_final(job.state):
                ended.add(job_id)
        if len(ended) == len(job_ids) or left.wait(POLL_SECONDS):
            return


def as_json(job: Job, outputs: Sequence[Path]) -> dict[str, Any]:
    """One line of `--json`: id, state and what belongs to it."""
    state = job.state
    line: dict[str, Any] = {"id": job.id, "state": NAMES[type(state)], "seed": job.values["seed"]}
    if job.enhanced is not None:
        line["enhanced"] = job.enhanced
    if isinstance(state, Succeeded):
        return {**line, "outputs": [str(path) for path in outputs], "seconds": round(job.elapsed(time.time()), 2)}
    return {**line, **asdict(state)}


def bar(job: Job) -> str:
    """The job in one line of text."""
    state = job.state
    if isinstance(state, Queued):
        return "waiting for the engine" if state.position is None else f"queued, {state.position} ahead"
    if isinstance(state, Running):
        filled = round(state.fraction * BAR_WIDTH)
        left = f", about {state.eta:.0f} s left" if state.eta is not None else ""
        steps = f" {state.step}/{state.of}" if state.of > 1 else ""
        text = state.note or f"{state.stage}{steps}"
        return f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {state.fraction:4.0%} {text}{left}"
    return NAMES[type(state)]


def targets(out: Path, count: int) -> list[Path]:
    """Where each of `count` videos goes: its number in place of "{n}", else behind the name where there are several."""
    if NUMBER in out.name:
        return [out.with_name(out.name.replace(NUMBER, str(number))) for number in range(1, count + 1)]
    return (
        [out]
        if count == 1 or not out.name
        else [out.with_stem(f"{out.stem}-{number}") for number in range(1, count + 1)]
    )


def check_target(out: Path) -> None:
    """Raises StudioError where no video could be put, before any time is spent on one."""
    if not out.name or out.is_dir():
        raise StudioError("out_not_a_file", value=out)
    if not out.absolute().parent.is_dir():
        raise StudioError("folder_missing", value=out.parent)
    try:
        with tempfile.TemporaryFile(dir=out.absolute().parent):
            pass
    except OSError as error:
        raise StudioError("folder_unwritable", value=out.absolute().parent, reason=error.strerror) from error


def deliver(manager: JobManager, state: Succeeded, out: Path) -> list[Path]:
    """Put the videos where they were asked for, whole or not at all; a second one gets a number."""
    paths = []
    for number, output in enumerate(state.outputs, 1):
        target = out if number == 1 else out.with_stem(f"{out.stem}-{number}")
        unfinished = target.with_name(f".{target.name}.part")
        try:
            shutil.copyfile(manager.folder / output.name, unfinished)
            unfinished.replace(target)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            kept = Path(shutil.move(manager.folder / output.name, tempfile.mkdtemp(prefix="ltx-studio-kept-")))
            raise StudioError("out_failed", value=target, reason=error.strerror, kept=kept) from error
        paths.append(target)
    return paths


def print_json(job: Job, outputs: Sequence[Path], place: str) -> None:
    """Report a change of state as a line of JSON on standard output; its id and seed say which job it is."""
    print(json.dumps(as_json(job, outputs)), flush=True)


def milestone(job: Job) -> object:
    """What a log shows a line for: another state or stage, or another tenth of the way."""
    state = job.state
    return (state.stage, int(state.fraction * 10), state.note) if isinstance(state, Running) else state


def moment(job: Job) -> object:
    """What a line of JSON is printed for: a state that differs by more than the passing of time."""
    state = job.state
    if not isinstance(state, Running):
        return state
    return replace(state, fraction=round(state.fraction, 2), eta=None, eta_low=None, eta_high=None)


def print_bar(job: Job, outputs: Sequence[Path], place: str) -> None:
    """Report a change of state on standard error: one line, rewritten on a terminal. `place` says which of several."""
    state = job.state
    if isinstance(state, Failed):
        text = f"{state.message} {state.hint}"
    elif isinstance(state, Succeeded):
        text = (
            f"{outputs[0]}: {job.shape.width}×{job.shape.height}, {job.shape.seconds:.2f} s, seed {job.values['seed']}"
            + (f"\nEnhanced prompt: {job.enhanced}" if job.enhanced else "")
        )
    else:
        text = bar(job)
    terminal = sys.stderr.isatty()
    start, end = ("\r\033[K", "\n" if is_final(state) else "") if terminal else ("", "\n")
    print(f"{start}{place}{text}", end=end, file=sys.stderr, flush=True)


def follow(manager: JobManager, jobs: Sequence[Job], outs: Sequence[Path], as_lines: bool, left: Event) -> int:
    """Report on the jobs until they have ended, or `left` is set; the exit code. Their videos go to `outs`."""
    report = print_json if as_lines else print_bar
    key: Callable[[Job], object] = moment if as_lines or sys.stderr.isatty() else milestone
    codes = [EXIT_CODES[Cancelled]] * len(jobs)
    waiting = list(range(len(jobs)))
    try:
        for place, job in changes(manager, [job.id for job in jobs], key, left):
            final = is_final(job.state)
            if final:
                codes[place] = EXIT_CODES[type(job.state)]
            # A line that is rewritten has room for one job: the first that has not ended.
            if as_lines or final or place == waiting[0]:
                outputs = deliver(manager, job.state, outs[place]) if isinstance(job.state, Succeeded) else []
                report(job, outputs, f"{place + 1}/{len(jobs)}: " if len(jobs) > 1 else "")
            if final:
                waiting.remove(place)
    except BrokenPipeError:
        # Whoever read along has gone; nobody is left to make the video for.
        sys.stdout = sys.stderr
        _give_up(manager, jobs)
        return EXIT_CODES[Cancelled]
    except StudioError:
        _give_up(manager, jobs)
        raise
    return max(codes)


def _give_up(manager: JobManager, jobs: Sequence[Job]) -> None:
    for job in jobs:
        manager.cancel(job.id)
    deadline = time.monotonic() + GOODBYE_SECONDS
    for job in jobs:
        manager.wait(job.id, max(0.0, deadline - time.monotonic()))


def _run(arguments: argparse.Namespace) -> int:
    configured = settings.read()
    values: dict[str, Any] = assignments(arguments.set)
    if arguments.preset:
        values["preset"] = arguments.preset
    check_count(arguments.variations)
    outs = targets(arguments.out, arguments.variations)
    for out in outs:
        check_target(out)
    server, allowed = _engine(arguments.server, configured)
    own = not arguments.server and configured.comfyui_url is None
    with (
        tempfile.TemporaryDirectory(prefix="ltx-studio-") as scratch,
        _lessons(configured.data) as lessons,
        _signals() as (asked, left),
    ):
        data = Path(scratch)
        request = request_from(arguments.mode, values, data / "uploads", configured.max_upload_mb)
        for note in request.notes():
            print(note, file=sys.stderr)
        _check_answers(Server(server, allowed))
        manager = JobManager(
            data,
            server,
            access=allowed,
            graphs=configured.data,
            limits=limits_of(configured, own),
            lessons=lessons,
        )
        try:
            jobs = manager.submit_all(variations(request, arguments.variations), owner="cli")
            asked.extend(partial(manager.cancel, job.id) for job in jobs)
            return follow(manager, jobs, outs, arguments.json, left)
        finally:
            manager.close()


def _preflight(arguments: argparse.Namespace) -> int:
    configured = settings.read()
    return preflight_verb.run(Server(*_engine(arguments.server, configured)), configured.data, arguments.json)


def _estimates(arguments: argparse.Namespace) -> int:
    return estimates_verb.run(settings.read().data, arguments.json, arguments.measure)


VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": _run,
    "preflight": _preflight,
    "estimates": _estimates,
}


def _engine(named: str | None, configured: Settings) -> tuple[str, Access]:
    """Address of the engine and how it lets us in: the one named, else the one of the settings."""
    if not named:
        return configured.server_url, configured.comfyui_access
    return access.for_server(named, "--server", os.environ)


@contextmanager
def _lessons(data: Path) -> Iterator[Store | None]:
    """The studio's database for what runs teach about time; None where there is no studio or its disk is no help.

    No database is made in a folder that merely has the usual name.
    """
    store = None
    if (data / DATABASE).is_file() or "STUDIO_DATA" in os.environ:
        with suppress(StudioError, sqlite3.Error, OSError):
            store = Store(data / DATABASE)
    try:
        yield store
    finally:
        if store is not None:
            store.close()


@contextmanager
def _signals() -> Iterator[tuple[list[Callable[[], None]], Event]]:
    """Ctrl-C, a closed terminal and SIGTERM: the first does what is in the list, a second one sets the event.

    Before there is anything in the list, the first one interrupts at once.
    """
    asked: list[Callable[[], None]] = []
    left = Event()
    heard = 0

    def hear(*_: object) -> None:
        nonlocal heard
        heard += 1
        if not asked:
            raise KeyboardInterrupt
        if heard > 1:
            left.set()
        for action in asked:
            # Not in the handler itself: it may have interrupted whoever holds the lock that the action needs.
            Thread(target=action, daemon=True).start()

    previous = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield asked, left
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _check_answers(server: Server) -> None:
    """Raises StudioError where nothing usable answers: a script should not wait for a server that isn't there."""
    tls(server.access.ca)
    try:
        server.system_stats()
    except Unreachable as error:
        raise StudioError("engine_unreachable", server=server.url, reason=error) from error
    finally:
        server.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    parsed = _arguments().parse_args(arguments)
    try:
        return VERBS[parsed.verb](parsed)
    except StudioError as error:
        print(f"{error.message} {error.hint}", file=sys.stderr)
        return 1 if error.code in NOT_THE_INPUT else 2
    except KeyboardInterrupt:
        return EXIT_CODES[Cancelled]


if __name__ == "__main__":
    sys.exit(main())
