"""`python3 -m bootstrap models plan` and `models pull`, run by the interpreter of `.venv`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bootstrap import models_options
from bootstrap.models_options import AUTO, listed
from bootstrap.models_progress import Teller, gb
from bootstrap.terminal import complain, passing, say, sentence
from client import settings as configuration
from client.comfy_home import comfyui
from client.models.choice import choice_for
from client.models.events import Done, as_dict
from client.models.hub import Hub
from client.models.plan import Item, Plan, plan
from client.models.pull import pull
from client.settings import Settings
from workflows import manifest, needs, registry
from workflows.errors import StudioError

EXIT_DONE, EXIT_FAILED, EXIT_REFUSED, EXIT_INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. Exit code: 0 done, 1 some file can't be had, 2 refused, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python3 -m bootstrap models", allow_abbrev=False)
    models_options.add(parser)
    options = parser.parse_args(arguments)
    try:
        planned = _plan(options, configuration.read(flags=models_options.flags(options)))
        return _show(planned, options.json) if options.models_verb == "plan" else _pull(planned, options.json)
    except StudioError as error:
        complain(sentence(error))
        return EXIT_REFUSED
    except KeyboardInterrupt:
        passing("")
        complain("Interrupted. Pulling again goes on from here.")
        return EXIT_INTERRUPTED


def _plan(options: argparse.Namespace, settings: Settings) -> Plan:
    wanted = listed(options.variant)
    single = dict(text.split("=", 1) for text in wanted if "=" in text)
    (choice,) = [text for text in wanted if "=" not in text][-1:] or [AUTO]
    if choice not in (AUTO, *registry.PICKS):
        known = ", ".join((AUTO, *registry.PICKS, "MODEL=VARIANT"))
        raise StudioError("value_not_offered", title="--variant", value=choice, known=known)
    found = needs.of_modes(listed(options.mode), listed(options.preset), listed(options.extras), settings.data)
    folder = Path(options.folder).expanduser().resolve() if options.folder else comfyui(settings).models
    picked = choice_for(settings) if choice == AUTO else choice
    return plan(found, folder, Hub.from_environment(), picked, single, prefer_present=choice == AUTO)


def _show(planned: Plan, as_json: bool) -> int:
    if as_json:
        say(json.dumps(planned.as_dict(), indent=2))
    else:
        _describe(planned)
    planned.check_disk()
    return EXIT_DONE


def _describe(planned: Plan) -> None:
    say(f"Models folder: {planned.models} (variant {planned.choice})")
    width = max((len(item.file) for item in planned.items), default=0)
    for item in planned.items:
        say(f"  {item.state:<8} {item.file:<{width}}  {_size(item):>16}  {_purpose(item)}")
    for problem in dict.fromkeys(sentence(item.problem) for item in planned.items if item.problem):
        say(f"  {problem}")
    unknown = sum(item.bytes is None and item.state != "there" for item in planned.items)
    more = f", and {unknown} of unknown size" if unknown else ""
    free = "; ".join(f"{gb(room.free)} are free in {room.folder}" for room in planned.rooms)
    say("Everything is there." if planned.complete else f"{gb(planned.to_fetch)} to fetch{more}; {free}.")


def _size(item: Item) -> str:
    if item.bytes is None:
        return "size unknown"
    size = gb(item.bytes) if item.exact else f"about {gb(item.bytes)}"
    return f"{item.have / 1e9:.1f} of {size}" if item.state == "partial" else size


def _purpose(item: Item) -> str:
    every = set(item.need.modes) == set(manifest.MODES)
    return ", ".join(item.need.extras) or ("all modes" if every else ", ".join(item.need.modes))


def _pull(planned: Plan, as_json: bool) -> int:
    if as_json:
        say(json.dumps({"event": "plan", **planned.as_dict()}))
        outcomes = pull(planned, lambda event: say(json.dumps(as_dict(event))))
    else:
        _describe(planned)
        tell = Teller()
        outcomes = pull(planned, tell)
        tell.end()
    failed = [outcome for outcome in outcomes if not isinstance(outcome, Done)]
    if as_json:
        say(json.dumps({"event": "result", "complete": not failed}))
    elif outcomes:
        say(f"{len(failed)} of {len(outcomes)} files are missing." if failed else "Everything is there.")
    return EXIT_FAILED if failed else EXIT_DONE


if __name__ == "__main__":
    for end in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(end) is not signal.SIG_IGN:
            signal.signal(end, signal.default_int_handler)
    sys.exit(main())
