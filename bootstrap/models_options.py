"""The options of `models plan` and `models pull`. Standard library only: they are read before anything is set up."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from client.settings import SETTINGS, Setting

FLAGS = ("--data", "--device")
AUTO = "auto"


def add(parser: argparse.ArgumentParser) -> None:
    """Add both verbs to the parser of `models`."""
    verbs = parser.add_subparsers(dest="models_verb", required=True, metavar="VERB")
    plans = verbs.add_parser("plan", help="say what is there, what is missing and what it takes", allow_abbrev=False)
    pulls = verbs.add_parser("pull", help="fetch what is missing, going on where it stopped", allow_abbrev=False)
    for verb in (plans, pulls):
        for setting in _settings():
            about = f"{setting.meaning} Default: {setting.default}. Variable: {setting.env}."
            verb.add_argument(setting.flag, dest=setting.env, metavar="VALUE", help=about)
        verb.add_argument("--mode", action="append", metavar="MODE", help="A mode to have the models of; else all.")
        verb.add_argument("--preset", action="append", metavar="PRESET", help="A preset; else fast and balanced.")
        verb.add_argument(
            "--variant",
            action="append",
            metavar="VARIANT",
            help="auto (by the GPU), bf16, fp8 or nvfp4; or MODEL=VARIANT for one model.",
        )
        verb.add_argument(
            "--with",
            action="append",
            dest="extras",
            metavar="CHOICE",
            help="Choices that need further files, like camera, depth or pose; or all.",
        )
        verb.add_argument("--folder", metavar="DIR", help="Another models folder than the managed engine's.")
    plans.add_argument("--json", action="store_true", help="Print one JSON object.")
    pulls.add_argument("--json", action="store_true", help="Print one JSON object per event, one a line.")


def flags(options: argparse.Namespace) -> dict[str, str]:
    """The settings given as flags, by the name of their variable."""
    return {setting.env: value for setting in _settings() if (value := getattr(options, setting.env, None))}


def listed(given: Iterable[str] | None) -> tuple[str, ...]:
    """The values of an option that may be given several times or hold several, separated by commas."""
    return tuple(value.strip() for text in given or () for value in text.split(",") if value.strip())


def _settings() -> tuple[Setting, ...]:
    return tuple(setting for setting in SETTINGS if setting.flag in FLAGS)
