"""`python -m workflows import`: a graph from ComfyUI's editor becomes a mode's graph in the data folder."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from workflows import comparing, editor, incoming, manifest, own, schema, server
from workflows.comparing import Report
from workflows.errors import StudioError
from workflows.graph import Graph, GraphError
from workflows.models import UploadUse, models_in

PLACEHOLDERS = Path(__file__).parent.parent / "assets" / "placeholders"
FILES = {"image": "placeholder.png", "audio": "placeholder.wav", "video": "placeholder.mp4"}
SHOWN = 12


def data_folder(named: str | None) -> Path:
    """The studio's data folder: the one named, else that of `STUDIO_DATA`, else `./data`.

    Raises StudioError `data_nowhere`.
    """
    text = named or os.environ.get("STUDIO_DATA") or "./data"
    try:
        return Path(text).expanduser().resolve()
    except (RuntimeError, OSError) as error:
        title = "--data" if named else "STUDIO_DATA"
        raise StudioError("data_nowhere", title=title, value=text, reason=str(error).rstrip(".")) from None


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The verb's options."""
    verb = verbs.add_parser("import", help="take a graph of your own for a mode, if it fits")
    verb.add_argument("file", type=Path, metavar="FILE", help="a graph as JSON, exported from ComfyUI")
    verb.add_argument("--mode", choices=manifest.MODES, required=True, help="the mode that the graph is for")
    verb.add_argument("--server", metavar="URL", help="a live server to compare with, nodes and files")
    verb.add_argument("--data", metavar="DIR", help="the studio's data folder")
    verb.add_argument("--placeholders", action="store_true", help="upload a placeholder for each file loaders lack")
    verb.add_argument("--check-only", action="store_true", help="compare and say what would be, keep nothing")


def run(arguments: argparse.Namespace) -> int:
    """Compare and accept; 0 where the graph is (or would be) accepted, 1 where it doesn't fit."""
    if arguments.placeholders and not arguments.server:
        raise StudioError("placeholder_nowhere")
    mode = manifest.mode(arguments.mode)
    data = data_folder(arguments.data)
    interfaces = server.object_info(arguments.server) if arguments.server else schema.recorded()
    graph, notes = read(arguments.file, interfaces)
    graph = comparing.with_titles_apart(graph, mode)
    report = comparing.compare(mode, graph, interfaces)
    missing = missing_uploads(report, arguments.server)
    blocking = [use for use in missing if use.node not in report.unused_ids]
    fits = report.fits and (arguments.placeholders or not blocking)
    for line in (*notes, *_described(report, missing, arguments.server)):
        print(line)
    if not fits:
        print(f"{arguments.file} does not fit {mode.title}; nothing is changed.")
        return 1
    if arguments.check_only:
        print(f"{arguments.file} fits {mode.title}; nothing is changed.")
        return 0
    if arguments.placeholders:
        place(missing, arguments.server)
    path = own.keep(graph, data, mode.name)
    print(
        f"{mode.title} now uses {path}: {len(graph)} nodes, {len(models_in(graph))} model files named.",
        "Delete that file to go back to the built-in graph.",
        sep="\n",
    )
    return 0


def read(path: Path, interfaces: schema.Interfaces) -> tuple[Graph, list[str]]:
    """The graph in a file, converted where it is in the editor's format, and what is to be said of that.

    Raises StudioError as `incoming.load` and `editor.convert`, and `graph_malformed`.
    """
    value = incoming.load(path)
    if incoming.is_editor_format(value):
        graph, left_out = editor.convert(value, interfaces, path)
        notes = [f"{path} is in the format of ComfyUI's editor; {len(graph)} nodes were converted."]
        return graph, [*notes, *(f"  left out as muted or bypassed there: {name!r}" for name in left_out)]
    try:
        return incoming.graph_from(value), []
    except GraphError as error:
        raise StudioError("graph_malformed", value=path, reason=error) from error


def missing_uploads(report: Report, address: str | None) -> list[UploadUse]:
    """The uploads that the server lacks; all that are named where no server is asked."""
    if address is None:
        return list(report.uploads)
    there = {file: server.has_upload(address, file) for file in dict.fromkeys(use.file for use in report.uploads)}
    return [use for use in report.uploads if not there[use.file]]


def place(missing: list[UploadUse], address: str) -> None:
    """Upload a placeholder under each name. Raises StudioError as `server.upload`."""
    for file, kind in {use.file: use.kind for use in missing}.items():
        server.upload(address, file, (PLACEHOLDERS / FILES[kind]).read_bytes())
        print(f"placeholder uploaded as {file!r}")


def _described(report: Report, missing: list[UploadUse], address: str | None) -> Iterator[str]:
    """The report in lines."""
    whose = "the server" if address else "the recorded interfaces (name a server to ask a real one)"
    yield from _section("bindings and edits that find nothing:", report.unbound)
    yield from _section(
        f"node classes missing from {whose}:",
        (f"{name} ({', '.join(map(repr, titles[:SHOWN]))})" for name, titles in report.classes.items()),
    )
    yield from _section(
        f"models missing from {whose}:",
        (f"{use.file} ({use.class_type}.{use.path} of {use.title!r})" for use in report.models),
    )
    yield from _section("what the engine would refuse:", report.others)
    yield from _section(
        "uploaded files that loaders name" + (" and the server lacks (--placeholders):" if address else ":"),
        (
            f"{use.file!r} ({use.class_type}.{use.name} of {use.title!r}"
            f"{', in a branch that the mode does not use' if use.node in report.unused_ids else ''})"
            for use in missing
        ),
    )
    if address:
        yield from _section("missing from the server, but only needed by some presets or choices:", report.optional)
    unused = ", ".join(map(repr, report.unused[:SHOWN]))
    more = f" and {len(report.unused) - SHOWN} more" if len(report.unused) > SHOWN else ""
    yield from _section("nodes that the mode does not use:", [f"{unused}{more}"] if unused else [])


def _section(heading: str, lines: Iterator[str] | list[str] | tuple[str, ...]) -> Iterator[str]:
    listed = [f"  {line}" for line in lines]
    if listed:
        yield heading
        yield from listed
