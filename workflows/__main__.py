"""`python -m workflows`: build, check and import graphs, record node interfaces, print the reference."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence
from typing import Any

from workflows import importing, manifest, reference, schema
from workflows.build import build
from workflows.checking import check, samples
from workflows.errors import StudioError
from workflows.graph import Graph
from workflows.request import assignments, parse
from workflows.server import object_info


def record(interfaces: schema.Interfaces) -> dict[str, Any]:
    """The interfaces worth keeping: of the nodes in any graph, preset or choice, and of those already recorded.

    Those that the server doesn't have stay as they were recorded.
    Lists of files are emptied and texts for people left out, so that no server's private names are recorded.
    """
    wanted = set(schema.recorded())
    for mode in manifest.modes():
        for preset in mode.presets:
            for _, request in samples(mode, preset):
                wanted |= {node["class_type"] for node in build(request).values()}
    known = {**schema.recorded(), **interfaces}
    return {name: _without_files(known[name]) for name in sorted(wanted) if name in known}


FILE_INPUTS = ("ckpt_name", "lora_name", "text_encoder", "model_name", "image", "audio", "file", "video", "unet_name")
KEPT = (
    "input",
    "input_order",
    "output",
    "output_is_list",
    "output_name",
    "output_node",
    "name",
    "display_name",
    "category",
)


def _without_files(interface: dict[str, Any]) -> dict[str, Any]:
    kept = {key: interface[key] for key in KEPT if key in interface}
    groups = {
        group: {name: _without_file_names(name, spec) for name, spec in inputs.items()}
        for group, inputs in interface["input"].items()
    }
    return {**kept, "input": groups}


def _without_file_names(name: str, spec: Any) -> Any:
    if not isinstance(spec, list):
        return spec
    kind, *rest = spec
    config = {key: value for key, value in (rest[0] if rest else {}).items() if key != "tooltip"}
    if name in FILE_INPUTS and isinstance(kind, list):
        kind = []
    if name in FILE_INPUTS and "options" in config:
        config["options"] = []
    return [kind, config] if rest else [kind]


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workflows", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    build_verb = verbs.add_parser(
        "build",
        help="print the API graph for a request",
        epilog=reference.help_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    build_verb.add_argument("mode", choices=manifest.MODES)
    build_verb.add_argument("--preset", help="fast, balanced, …")
    build_verb.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="set a field of the mode")
    check_verb = verbs.add_parser("check", help="check every mode and preset against node interfaces")
    check_verb.add_argument("--server", metavar="URL", help="a live server instead of the recorded interfaces")
    check_verb.add_argument("--data", metavar="DIR", help="check the own graphs in this data folder in place of ours")
    importing.add_verb(verbs)
    verbs.add_parser("reference", help="print the reference of all modes and settings, docs/reference.md")
    schema_verb = verbs.add_parser("schema", help="record the node interfaces of a live server in schema.json")
    schema_verb.add_argument("--server", metavar="URL", required=True)
    return parser


def _build(arguments: argparse.Namespace) -> int:
    values: dict[str, Any] = assignments(arguments.set)
    if arguments.preset:
        values["preset"] = arguments.preset
    request = parse(arguments.mode, values)
    print(_as_json(build(request)))
    shape = request.shape
    print(
        f"{shape.width}×{shape.height}, {shape.frames} frames at {shape.fps:g} fps, {shape.seconds:.2f} s",
        *request.notes(),
        sep="\n",
        file=sys.stderr,
    )
    return 0


def _as_json(graph: Graph) -> str:
    """For people where standard output can write every character of it, else in ASCII; the same graph either way."""
    text = json.dumps(graph, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(graph, indent=2)
    return text


def _check(arguments: argparse.Namespace) -> int:
    interfaces = object_info(arguments.server) if arguments.server else schema.recorded()
    failed = 0
    data = importing.data_folder(arguments.data) if arguments.data else None
    for name, found in check(interfaces, data):
        print(f"{name}: {'not fit' if found else 'ok'}", *(f"  {problem}" for problem in found), sep="\n")
        failed += bool(found)
    return 1 if failed else 0


def _schema(arguments: argparse.Namespace) -> int:
    recorded = record(object_info(arguments.server))
    schema.SCHEMA_FILE.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    print(f"{len(recorded)} node interfaces recorded in {schema.SCHEMA_FILE.name}")
    return 0


def _reference(arguments: argparse.Namespace) -> int:
    print(reference.page(), end="")
    return 0


VERBS = {"build": _build, "check": _check, "import": importing.run, "schema": _schema, "reference": _reference}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; 0 is success, 1 a failed check, 2 bad input."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    parsed = _arguments().parse_args(arguments)
    try:
        return VERBS[parsed.verb](parsed)
    except StudioError as error:
        print(f"{error.message} {error.hint}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
