"""Modes, presets and settings in words, from the manifests: for `--help` and for `docs/reference.md`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from workflows import manifest
from workflows.manifest import OFF, ON, Field, Mode

HELP_WIDTH = 100
KINDS = {
    "text": "text",
    "int": "whole number",
    "float": "number",
    "seed": "whole number",
    "flag": f"{ON} or {OFF}",
    "loras": "name:strength, …",
    "image": "picture",
    "audio": "sound",
    "video": "video",
}


def values(field: Field) -> str:
    """What a field may be: its kind, or its choices, with limits and unit."""
    if field.type == "choice":
        return ", ".join(field.choices)
    limits = "" if field.min is None or field.max is None else f" {field.min:g} to {field.max:g}"
    if field.type == "loras":
        return f"{KINDS['loras']} up to {field.max_rows},{limits}"
    return f"{KINDS[field.type]}{limits} {field.unit}".strip()


def default(field: Field) -> str:
    """What a field is where it is not set."""
    if field.required:
        return "required"
    if field.type in ("seed", "loras"):
        return {"seed": "random", "loras": "none"}[field.type]
    if field.type == "flag":
        return ON if field.default else OFF
    if field.follows:
        return f"as long as {field.follows}"
    return f"{field.default:g}" if isinstance(field.default, int | float) else str(field.default)


def condition(field: Field, mode: Mode) -> str:
    """When a field has an effect; empty where it always has one."""
    found = []
    if field.needs:
        found.append("preset " + ", ".join(preset.name for preset in mode.presets if field.needs in preset.provides))
    for other, wanted in field.when.items():
        rest = [value for value in mode.field(other).choices if value not in wanted]
        found.append(f"{other} {', '.join(wanted)}" if len(wanted) <= len(rest) else f"{other} not {', '.join(rest)}")
    return " and ".join(found)


def help_text() -> str:
    """The settings of all modes for the end of a `--help`, one paragraph each."""
    presets = ", ".join(preset.name for preset in manifest.modes()[0].presets)
    lines = ["settings of the modes, for --set NAME=VALUE:", f"  preset (all modes): {presets}"]
    for field in manifest.fields().values():
        modes = [mode.name for mode in manifest.modes() if field.name in {own.name for own in mode.fields}]
        where = "all modes" if len(modes) == len(manifest.MODES) else ", ".join(modes)
        text = f"{field.name} ({where}): {values(field)}; default {default(field)}. {field.help}"
        text = text.replace("default required", "required")
        lines += textwrap.wrap(text, HELP_WIDTH, initial_indent="  ", subsequent_indent="      ")
    return "\n".join(lines)


def page() -> str:
    """The reference page in Markdown."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield "# Modes and settings"
    yield ""
    yield "Made from the manifests by `python -m workflows reference > docs/reference.md`; a test compares the two."
    yield "Settings go by these names after `--set`, in forms by their titles."
    for mode in manifest.modes():
        yield from _mode(mode)


def _mode(mode: Mode) -> Iterator[str]:
    yield from (
        "",
        f"## {mode.title} (`{mode.name}`)",
        "",
        f"{mode.summary} Needs ComfyUI {mode.comfyui} or newer.",
        "",
    )
    yield from ("| preset | what it does | what it costs | defaults |", "|---|---|---|---|")
    for preset in mode.presets:
        own = ", ".join(f"{name} {value}" for name, value in preset.defaults.items())
        yield f"| {preset.name} | {preset.summary} | {preset.cost} | {own or '-'} |"
    yield from ("", f"Examples in its form: {', '.join(example.title for example in mode.examples)}.")
    yield from ("", "| setting | title | values | default | meaning |", "|---|---|---|---|---|")
    for field in mode.fields:
        when = condition(field, mode)
        meaning = f"{field.help} Only with {when}." if when else field.help
        yield f"| `{field.name}` | {field.title} | {values(field)} | {default(field)} | {meaning}{_choices(field)} |"


def _choices(field: Field) -> str:
    return "".join(f" `{value}`: {choice.help}" for value, choice in field.choices.items() if choice.help)
