"""Which model files requests need, found by walking the graphs that are built for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workflows import manifest, own, registry
from workflows.build import Capabilities, build
from workflows.checking import SAMPLE_LORA, samples
from workflows.errors import StudioError
from workflows.graph import Graph
from workflows.models import models_in
from workflows.registry import Model, basename
from workflows.request import Request

DEFAULT_PRESETS = ("fast", "balanced")
EVERYTHING = "all"


@dataclass(frozen=True)
class Need:
    """A model file that graphs name: `model` is None where the registry doesn't know it.

    `modes` are those that need it, in their order, and `extras` the choices that brought it in, as `control=depth`;
    none where the defaults need it already.
    """

    file: str
    model: Model | None
    modes: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


@dataclass(frozen=True)
class Use:
    """A graph and what it is for; `extra` is the choice beside the defaults, empty where there is none."""

    mode: str
    extra: str
    graph: Graph


def needed(graph: Graph) -> tuple[Need, ...]:
    """The model files that one graph names."""
    return collect([Use("", "", graph)])


def collect(uses: Iterable[Use]) -> tuple[Need, ...]:
    """The model files that graphs name, each once, in the order in which they are met."""
    found: dict[str, list[Use]] = {}
    for use in uses:
        for named in models_in(use.graph):
            if named.file != SAMPLE_LORA:
                found.setdefault(basename(named.file), []).append(use)
    return tuple(_need(file, met) for file, met in found.items())


def _need(file: str, uses: list[Use]) -> Need:
    listed = registry.lookup(file)
    extras = dict.fromkeys(use.extra for use in uses)
    return Need(
        file,
        listed.model if listed else None,
        tuple(dict.fromkeys(use.mode for use in uses if use.mode)),
        () if "" in extras else tuple(extras),
    )


def of_modes(
    modes: Iterable[str] = (), presets: Iterable[str] = (), extras: Iterable[str] = (), data: Path | None = None
) -> tuple[Need, ...]:
    """What modes need under presets; all modes and `DEFAULT_PRESETS` where none are named.

    `extras` are fields (`camera`), choices (`depth`), both (`control=depth`) or `all`; own graphs in `data` count.
    Raises StudioError `unknown_mode`, `unknown_preset`, `value_not_offered` or `own_graph_unfit`.
    """
    chosen = [manifest.mode(name) for name in dict.fromkeys(modes)] or list(manifest.modes())
    named, wanted = tuple(dict.fromkeys(presets)) or DEFAULT_PRESETS, tuple(dict.fromkeys(extras))
    _check_extras(wanted)
    return collect(
        Use(mode.name, label, _built(request, data))
        for mode in chosen
        for preset in named
        for label, request in _asked(mode, mode.preset(preset), wanted)
    )


def of_requests(requests: Iterable[Request], data: Path | None = None) -> tuple[Need, ...]:
    """What requests need. Raises StudioError `own_graph_unfit`."""
    return collect(Use(one.mode, "", _built(one, data)) for one in requests)


def _built(request: Request, data: Path | None) -> Graph:
    return own.build_with(request, Capabilities(), data) if data else build(request)


def _asked(mode: manifest.Mode, preset: manifest.Preset, extras: tuple[str, ...]) -> Iterator[tuple[str, Request]]:
    for label, request in samples(mode, preset):
        if not label or EVERYTHING in extras or set(_names(label)) & set(extras):
            yield label, request


def _names(label: str) -> tuple[str, str, str]:
    """What a choice may be called: its field, its value, both."""
    field, _, value = label.partition("=")
    return field, value, label


def _check_extras(extras: tuple[str, ...]) -> None:
    known = dict.fromkeys([EVERYTHING])
    for field in manifest.fields().values():
        for value in field.choices:
            known |= dict.fromkeys(_names(f"{field.name}={value}"))
    for extra in extras:
        if extra not in known:
            bringing = dict.fromkeys(name for label in extras_with_models() for name in _names(label)[:2])
            raise StudioError(
                "value_not_offered", title="--with", value=extra, known=", ".join([*bringing, EVERYTHING])
            )


def extras_with_models() -> tuple[str, ...]:
    """The choices that need files which the defaults don't, as `camera=dolly-in`."""
    needs = of_modes(extras=(EVERYTHING,))
    return tuple(dict.fromkeys(extra for need in needs for extra in need.extras))
