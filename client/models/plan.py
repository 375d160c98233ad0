"""What is there, what is missing and what fetching it takes, before the first byte."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from client.models import cache, place
from client.models.cache import Entry
from client.models.hub import Hub, Info, describe
from workflows import registry
from workflows.errors import StudioError
from workflows.needs import Need
from workflows.registry import Model, Variant

State = Literal["there", "cached", "partial", "missing", "blocked"]
"""In its place | in the hub's cache, to be linked | partly fetched | not there | can't be had, `problem` says why."""


@dataclass(frozen=True)
class Item:
    """One file: what it is for, what is there of it, and where it comes from.

    `bytes` is the hub's size where `exact`, else the registry's rounded one, None where nobody knows. `have` counts the
    bytes of an unfinished download. `at` is where a file that is there lies.
    """

    file: str
    need: Need
    state: State
    variant: Variant | None = None
    bytes: int | None = None
    exact: bool = False
    have: int = 0
    info: Info | None = None
    at: str = ""
    problem: StudioError | None = None

    @property
    def to_fetch(self) -> int:
        """Bytes that come over the network; 0 where that is unknown."""
        return max(0, (self.bytes or 0) - self.have) if self.state in ("partial", "missing", "blocked") else 0


@dataclass(frozen=True)
class Room:
    """A folder on a disk: bytes needed there and bytes free."""

    folder: Path
    needed: int
    free: int


@dataclass(frozen=True)
class Plan:
    """The files in order. `models` is the engine's models folder; `rooms` has one row per disk that is written to.

    `choice` is the variant chosen for all models, `unreachable` why the hub could not be asked, None where it was;
    `unwritable` says what keeps files from being put into their places, None where nothing does.
    """

    items: tuple[Item, ...]
    models: Path
    hub: Hub
    choice: str
    rooms: tuple[Room, ...]
    unreachable: StudioError | None = None
    unwritable: StudioError | None = None

    @property
    def to_fetch(self) -> int:
        """Bytes that come over the network, those of files of unknown size left out."""
        return sum(item.to_fetch for item in self.items)

    @property
    def licences(self) -> tuple[str, ...]:
        """Pages on which a licence has to be accepted first."""
        gated = [item for item in self.items if item.problem and item.problem.code == "model_gated"]
        return tuple(dict.fromkeys(self.hub.page(item.variant.repo) for item in gated if item.variant))

    @property
    def complete(self) -> bool:
        """Whether every file is in its place."""
        return all(item.state == "there" for item in self.items)

    def check_disk(self) -> None:
        """Raises StudioError `models_unwritable` or `hub_cache_unwritable`; `disk_short` where a disk lacks room."""
        if self.unwritable:
            raise self.unwritable
        for room in self.rooms:
            if room.needed > room.free:
                raise StudioError("disk_short", path=room.folder, needed_gb=room.needed / 1e9, free_gb=room.free / 1e9)

    def as_dict(self) -> dict[str, Any]:
        """The plan as JSON has it."""
        return {
            "models": str(self.models),
            "cache": str(self.hub.cache),
            "variant": self.choice,
            "complete": self.complete,
            "bytes_to_fetch": self.to_fetch,
            "licences": list(self.licences),
            "hub": None if self.unreachable is None else _as_dict(self.unreachable),
            "unwritable": None if self.unwritable is None else _as_dict(self.unwritable),
            "disks": [{"folder": str(r.folder), "needed": r.needed, "free": r.free} for r in self.rooms],
            "files": [_item_as_dict(item) for item in self.items],
        }


def _item_as_dict(item: Item) -> dict[str, Any]:
    model, variant = item.need.model, item.variant
    return {
        "file": item.file,
        "model": model.name if model else None,
        "variant": variant.name if variant else None,
        "repository": variant.repo if variant else None,
        "folder": variant.folder if variant else None,
        "licence": (variant.licence or variant.page) if variant else None,
        "state": item.state,
        "bytes": item.bytes,
        "exact": item.exact,
        "have": item.have,
        "to_fetch": item.to_fetch,
        "at": item.at or None,
        "modes": list(item.need.modes),
        "with": list(item.need.extras),
        "problem": None if item.problem is None else _as_dict(item.problem),
    }


def _as_dict(error: StudioError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "hint": error.hint}


def plan(
    needs: Iterable[Need],
    models: Path,
    hub: Hub,
    choice: str,
    chosen: Mapping[str, str] | None = None,
    prefer_present: bool = False,
    free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
) -> Plan:
    """Look at every file that is needed, and ask the hub about those that aren't there.

    `choice` is one of `registry.PICKS`, `chosen` maps single models to a variant's name. With `prefer_present` a
    variant that is there already is taken before the one that `choice` means. A hub that can't be reached is asked
    once, and the registry's sizes stand. Raises StudioError `value_not_offered` or `variant_unusable`.
    """
    named = {registry.model(name).name: registry.model(name).variant(wanted) for name, wanted in (chosen or {}).items()}
    items, unreachable = [], None
    for need in _merged(needs):
        item = _look(need, _variant(need, models, hub, choice, named, prefer_present), models, hub)
        if item.variant and item.state in ("partial", "missing"):
            item, problem = _asked(item, item.variant, models, hub, unreachable)
            unreachable = unreachable or problem
        elif item.variant and item.state == "there" and _is_own(Path(item.at), hub) and unreachable is None:
            item, unreachable = _compared(item, item.variant, hub)
        items.append(item)
    unwritable = _unwritable(items, models, hub)
    rooms = _rooms(items, models, hub, free, copies=unwritable is None and place.needs_copy(hub.cache, models))
    return Plan(tuple(items), models, hub, choice, rooms, unreachable, unwritable)


def _merged(needs: Iterable[Need]) -> tuple[Need, ...]:
    """One need for each model: graphs that name different variants of it are served by the same file."""
    found: dict[str, Need] = {}
    for need in needs:
        key = need.model.name if need.model else need.file
        other = found.get(key)
        if other:
            modes = tuple(dict.fromkeys((*other.modes, *need.modes)))
            extras = tuple(dict.fromkeys((*other.extras, *need.extras))) if other.extras and need.extras else ()
            need = replace(other, modes=modes, extras=extras)
        found[key] = need
    return tuple(found.values())


def _variant(
    need: Need, models: Path, hub: Hub, choice: str, named: Mapping[str, Variant], prefer_present: bool
) -> Variant | None:
    """The variant to have for a need; None where its file is no model of the registry."""
    model = need.model
    if model is None:
        return None
    if model.name in named:
        return named[model.name]
    picked = registry.pick(model, choice)
    if prefer_present:
        return next((one for one in _best_first(model, picked) if _is_present(one, models, hub)), picked)
    return picked


def _best_first(model: Model, picked: Variant) -> tuple[Variant, ...]:
    return (picked, *(variant for variant in model.usable() if variant != picked))


def _is_present(variant: Variant, models: Path, hub: Hub) -> bool:
    return bool(place.find(models, variant.folder, variant.file) or cache.find(hub.cache, variant))


def _look(need: Need, variant: Variant | None, models: Path, hub: Hub) -> Item:
    """What this machine alone can tell."""
    if variant is None:
        at = place.find(models, "", need.file)
        problem = None if at else StudioError("model_missing", value=need.file)
        return Item(need.file, need, "there" if at else "blocked", at=str(at or ""), problem=problem)
    item = Item(variant.file, need, "missing", variant, variant.bytes)
    at, cached = place.find(models, variant.folder, variant.file), cache.find(hub.cache, variant)
    if at or cached:
        found = at or cached
        assert found is not None
        size = found.stat().st_size
        return replace(item, state="there" if at else "cached", bytes=size, exact=True, at=str(found))
    have = cache.leftover(hub.cache, variant)
    return replace(item, state="partial" if have else "missing", have=have)


def _is_own(path: Path, hub: Hub) -> bool:
    """Whether a file in the models folder is none of the cache's, so that nobody has looked at it yet."""
    return not path.resolve().is_relative_to(hub.cache.resolve())


def _asked(
    item: Item, variant: Variant, models: Path, hub: Hub, unreachable: StudioError | None
) -> tuple[Item, StudioError | None]:
    """The item with what the hub says, and why it could not be asked."""
    if unreachable:
        return replace(item, problem=unreachable), unreachable
    try:
        info = describe(hub, variant)
    except StudioError as error:
        if error.code in ("hub_unreachable", "hub_offline", "hub_busy"):
            return replace(item, problem=error), error
        return replace(item, state="blocked", problem=error), None
    entry = Entry(hub.cache, variant, info)
    if entry.blob.is_file() or entry.pointer.is_file():
        return replace(item, state="cached", bytes=info.size, exact=True, have=0, info=info), None
    have = min(entry.have(), info.size)
    state: State = "partial" if have else "missing"
    return replace(item, state=state, bytes=info.size, exact=True, have=have, info=info), None


def _compared(item: Item, variant: Variant, hub: Hub) -> tuple[Item, StudioError | None]:
    """A file of the models folder beside what the hub has: another size means that it is no complete copy."""
    try:
        info = describe(hub, variant)
    except StudioError as error:
        return item, error if error.code in ("hub_unreachable", "hub_offline", "hub_busy") else None
    if info.size != item.bytes:
        problem = StudioError("model_differs", path=item.at, have=item.bytes, expected=info.size)
        return replace(item, state="blocked", have=item.bytes or 0, bytes=info.size, problem=problem), None
    return item, None


def _unwritable(items: Iterable[Item], models: Path, hub: Hub) -> StudioError | None:
    """What keeps the files that are to come from being kept."""
    coming = [item for item in items if item.state in ("partial", "missing", "cached")]
    for folder in dict.fromkeys(models / item.variant.folder for item in coming if item.variant):
        if reason := place.refusal(folder):
            return StudioError("models_unwritable", path=folder, reason=reason)
    if any(item.state != "cached" for item in coming) and (reason := place.refusal(hub.cache)):
        return StudioError("hub_cache_unwritable", path=hub.cache, reason=reason)
    return None


def _rooms(
    items: Iterable[Item], models: Path, hub: Hub, free: Callable[[Path], int], copies: bool
) -> tuple[Room, ...]:
    """What each disk that is written to needs: the cache's, and the models folder's where links can't lead there."""
    fetched = [item for item in items if item.state in ("partial", "missing")]
    placed = [item for item in items if item.state in ("partial", "missing", "cached")]
    needed = {hub.cache: sum(item.to_fetch for item in fetched)}
    if placed and copies:
        same = place.existing(hub.cache).stat().st_dev == place.existing(models).stat().st_dev
        at = hub.cache if same else models
        needed[at] = needed.get(at, 0) + sum(item.bytes or 0 for item in placed)
    return tuple(Room(folder, count, free(place.existing(folder))) for folder, count in needed.items())
