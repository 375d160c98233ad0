"""The next smaller request that fits, as the few fields that it changes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from workflows import manifest
from workflows.errors import StudioError
from workflows.request import Request, parse

SIDES = (0.84, 0.67, 0.5)
LENGTHS = (0.75, 0.5)
"""What is left of each side and of the length, step by step."""

TILES = ("512", "384", "256")
PRESETS = ("balanced", "fast")
MARGIN = 0.85
"""What ran out of memory or time although it should have fitted needs at least so much less."""

Changes = dict[str, Any]


@dataclass(frozen=True)
class Outlook:
    """What a request needs: GB at least, and seconds at most with the models' loading."""

    least_gb: float
    seconds: float


def for_memory(request: Request, look: Callable[[Request], Outlook], room: float | None) -> Changes | None:
    """The mildest change after which the request fits into `room` GB (None is any) and needs less than now.

    Smaller decoder tiles first, which cost a little time only, then a smaller picture, then a shorter video. None where
    nothing helps.
    """
    now = look(request).least_gb
    most = MARGIN * now if room is None else min(MARGIN * now, room)
    sizes_and_lengths = [*_sizes(request), *_lengths(request)]
    # A small tile by itself may not be enough, and a smaller picture in large tiles neither.
    smallest = list(_tiles(request))[-1:]
    pairs = [changes for one in sizes_and_lengths for changes in (one, *({**tile, **one} for tile in smallest))]
    candidates = [*_tiles(request), *pairs, *_both(request)]
    return _first(request, candidates, look, lambda outlook: outlook.least_gb <= most)


def for_time(request: Request, look: Callable[[Request], Outlook], most: float, room: float | None) -> Changes | None:
    """The mildest change after which the request takes `most` seconds at most: a faster preset, then as for memory.

    What should not take longer than that as it is ran out of time all the same, so that it needs less than now.
    """
    now = look(request).seconds
    enough = most if now > most else MARGIN * now
    candidates = [*_presets(request), *_sizes(request), *_lengths(request), *_both(request)]
    candidates += [{**preset, **both} for preset in _presets(request) for both in _both(request)]
    return _first(
        request,
        candidates,
        look,
        lambda outlook: outlook.seconds <= enough and (room is None or outlook.least_gb <= room),
    )


def _first(
    request: Request,
    candidates: list[Changes],
    look: Callable[[Request], Outlook],
    enough: Callable[[Outlook], bool],
) -> Changes | None:
    for changes in candidates:
        made = changed(request, changes)
        if made is not None and enough(look(made)):
            return changes
    return None


def changed(request: Request, changes: Changes) -> Request | None:
    """The request with other values; None where that isn't a valid one."""
    values = {**request.values, "preset": request.preset, **changes}
    try:
        return parse(request.mode, values)
    except StudioError:
        return None


def _tiles(request: Request) -> Iterator[Changes]:
    now = request.values.get("decode_tile")
    for tile in TILES:
        if now == "auto" or int(str(now)) > int(tile):
            yield {"decode_tile": tile}


def _sizes(request: Request) -> Iterator[Changes]:
    step = manifest.mode(request.mode).preset(request.preset).size_step
    shape = request.shape
    for share in SIDES:
        width, height = (max(2 * step, int(side * share) // step * step) for side in (shape.width, shape.height))
        if width * height < shape.width * shape.height:
            yield {"width": width, "height": height}


def _lengths(request: Request) -> Iterator[Changes]:
    least = manifest.mode(request.mode).field("seconds").min or 0.0
    for share in LENGTHS:
        # Half seconds, as the form has them.
        seconds = max(least, int(2 * share * request.shape.seconds) / 2)
        if seconds < request.shape.seconds:
            yield {"seconds": seconds}


def _both(request: Request) -> Iterator[Changes]:
    smallest = list(_tiles(request))[-1:] or [{}]
    for size in _sizes(request):
        for length in _lengths(request):
            yield {**smallest[0], **size, **length}


def _presets(request: Request) -> Iterator[Changes]:
    mode = manifest.mode(request.mode)
    names = [preset.name for preset in mode.presets]
    for name in PRESETS:
        if name in names and names.index(name) < names.index(request.preset):
            most = mode.preset(name).max_pixels
            pixels = request.shape.width * request.shape.height
            if most is None or pixels <= most:
                yield {"preset": name}
            else:
                step, share = mode.preset(name).size_step, (most / pixels) ** 0.5
                sides = [int(side * share) // step * step for side in (request.shape.width, request.shape.height)]
                yield {"preset": name, "width": sides[0], "height": sides[1]}
