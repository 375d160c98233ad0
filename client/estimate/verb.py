"""`python -m client estimates`: what the studio has learnt about time, and how far off it was."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from client.estimate import calibrate, history
from client.estimate.calibrate import Measured, NotMeasured
from client.estimate.device import device
from client.estimate.report import RECENT, Report, reports
from client.store import DATABASE, Store


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser("estimates", help="say what finished runs have taught about time, and the error so far")
    verb.add_argument("--json", action="store_true", help="print one JSON object")
    verb.add_argument("--measure", action="store_true", help="first measure this machine's GPU with torch, for 2 s")


def run(data: Path, as_json: bool, measuring: bool) -> int:
    """Report. Exit code: 0, or 1 where nothing could be measured. Raises StudioError `database_failed`."""
    measured, problem = None, ""
    if measuring:
        try:
            measured = calibrate.measure()
        except NotMeasured as error:
            problem = str(error)
    store = Store(data / DATABASE)
    try:
        if measured is not None:
            history.keep_calibration(store, _key(measured), measured.tflops, time.time())
        found = reports(store)
    finally:
        store.close()
    if as_json:
        gpu = {"name": measured.name, "vram_gb": measured.vram_gb, "tflops": measured.tflops} if measured else None
        said = {"measured": gpu, "problem": problem} if measuring else {}
        print(json.dumps({"devices": [one.as_dict() for one in found], **said}, indent=2))
    else:
        if measured is not None:
            print(f"{measured.name}: {measured.tflops:.1f} TFLOPS in a matrix product")
        if problem:
            print(f"Not measured: {problem}")
        print("\n".join(line for one in found for line in lines(one)) or "Nothing learnt yet.")
    return 1 if problem else 0


def _key(found: Measured) -> str:
    """The key under which an engine on this GPU is known."""
    return device(draft=False, name=found.name, type_="cuda", vram_gb=found.vram_gb, ram_gb=0.0).key


def lines(report: Report) -> list[str]:
    """The lines for a person."""
    said = f"{report.name}: {len(report.runs)} run{'' if len(report.runs) == 1 else 's'}"
    if report.error is not None and report.inside is not None:
        said += f", median error {report.error:.0%} and {report.inside:.0%} in range over the last {RECENT} at most"
    rows = [
        f"  {kind.title:<20} {kind.factor:5.2f} × what was assumed  ± {kind.spread:4.0%}  from {kind.measured} measured"
        for kind in report.kinds
    ]
    return [said, *rows]
