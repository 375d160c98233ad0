"""What somebody asked for: form values become a `Request`, validated once."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from workflows import grid, loras, manifest
from workflows.errors import StudioError
from workflows.manifest import Field, Mode, Preset
from workflows.values import MAX_SEED, Media, Value, read

DEFAULT_PRESET = "balanced"
UNKNOWN_RATE = 24.0
"""Frames per second assumed of a video that has not been looked into."""

MAX_VARIATIONS = 8
MAX_JOBS = 32
"""How many videos may be asked for at once, over all prompts and their variations."""


@dataclass(frozen=True)
class Request:
    """A valid request: its mode, preset and one value for every field of the mode.

    `shape` is what will really be made. `given` names the fields that were set rather than left at their defaults.
    """

    mode: str
    preset: str
    values: Mapping[str, Value]
    shape: grid.Shape
    given: frozenset[str] = frozenset()

    def media(self) -> dict[str, Media]:
        """The files the request needs, by field."""
        return {name: value for name, value in self.values.items() if isinstance(value, Media)}

    def with_media(self, names: Mapping[str, str]) -> Request:
        """The same request with other engine-side names for its files, by field."""
        renamed = {field: replace(self.media()[field], name=name) for field, name in names.items()}
        return replace(self, values=MappingProxyType({**self.values, **renamed}))

    def with_seed(self, seed: int) -> Request:
        """The same request with another seed."""
        return replace(self, values=MappingProxyType({**self.values, "seed": seed}), given=self.given | {"seed"})

    def notes(self) -> tuple[str, ...]:
        """One sentence for each value that was set and has no effect under the preset and the other values."""
        mode = manifest.mode(self.mode)
        preset = mode.preset(self.preset)
        return tuple(
            f"{field.title} has no effect {_why_not(field, mode, preset, self.values)}."
            for field in mode.fields
            if field.name in self.given and not manifest.is_effective(field, preset, self.values)
        )


def _why_not(field: Field, mode: Mode, preset: Preset, values: Mapping[str, Any]) -> str:
    if field.needs is not None and field.needs not in preset.provides:
        return f"with the preset {preset.title}, which samples without guidance (CFG 1)"
    others = [mode.field(name) for name, wanted in field.when.items() if values[name] not in wanted]
    return " and ".join(f"while {other.title} is {values[other.name]}" for other in others)


def random_seed() -> int:
    """A new seed, short enough to be read aloud and exact in JavaScript."""
    return random.SystemRandom().randrange(2**32)


def check_count(count: int) -> None:
    """Raises StudioError `value_out_of_range` for fewer than 1 or more than `MAX_VARIATIONS` variations."""
    if not 1 <= count <= MAX_VARIATIONS:
        raise StudioError(
            "value_out_of_range", field="seed", title="Variations", low=1, high=MAX_VARIATIONS, unit="", value=count
        )


def variations(request: Request, count: int) -> tuple[Request, ...]:
    """The request with its seed and the `count` − 1 that follow it, round the highest to 0.

    Raises StudioError `value_out_of_range` for fewer than 1 or more than `MAX_VARIATIONS`.
    """
    check_count(count)
    seed = request.values["seed"]
    assert isinstance(seed, int)
    return tuple(request.with_seed((seed + number) % (MAX_SEED + 1)) for number in range(count))


def prompts(text: str) -> tuple[str, ...]:
    """The prompts of a list with one a line; blank lines are none."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def check_jobs(count: int) -> None:
    """Raises StudioError `too_many_jobs` for more than `MAX_JOBS` videos at once."""
    if count > MAX_JOBS:
        raise StudioError("too_many_jobs", field="prompt", high=MAX_JOBS, value=count)


def assignments(pairs: Sequence[str]) -> dict[str, str]:
    """`name=value` arguments as a dictionary. Raises StudioError `not_an_assignment`."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise StudioError("not_an_assignment", value=pair)
        values[name.strip()] = value
    return values


def parse(mode_name: str, values: Mapping[str, Any], draw_seed: Callable[[], int] = random_seed) -> Request:
    """The request for raw values (text from a command line or typed values from a form).

    None means that a value was not given; so does an empty text, except for a text that may be empty. Raises
    StudioError with the field concerned for the first value that can't be used.
    """
    mode = manifest.mode(mode_name)
    preset = mode.preset(str(values.get("preset") or DEFAULT_PRESET))
    known = {field.name: field for field in mode.fields}
    for name in values:
        if name not in known and name != "preset":
            raise StudioError(
                "unknown_field", field=name, title=mode.title, value=name, known=", ".join([*known, "preset"])
            )
    given = {name: values[name] for name, field in known.items() if not _is_absent(field, values.get(name))}
    parsed = {name: _value(field, preset, given.get(name), draw_seed) for name, field in known.items()}
    for field in mode.fields:
        if manifest.is_effective(field, preset, parsed):
            _check_order(field, known, parsed)
        if field.type == "loras":
            loras.check(field, parsed[field.name])
    parsed["seconds"] = _seconds(mode, parsed, "seconds" in given)
    shape = _shape(mode, preset, parsed)
    return Request(mode.name, preset.name, MappingProxyType(parsed), shape, frozenset(given))


def _check_order(field: Field, known: Mapping[str, Field], values: Mapping[str, Any]) -> None:
    if field.at_most and values[field.name] > values[field.at_most]:
        other = known[field.at_most]
        raise StudioError(
            "value_order",
            field=field.name,
            title=field.title,
            value=values[field.name],
            other=other.title,
            limit=values[other.name],
        )
    if field.start_of:
        media = values[field.start_of]
        if media.seconds and values[field.name] >= media.seconds:
            raise StudioError(
                "start_after_end",
                field=field.name,
                title=field.title,
                value=values[field.name],
                other=known[field.start_of].title,
                seconds=media.seconds,
            )


def remaining(mode: Mode, values: Mapping[str, Any]) -> float:
    """Seconds of sound or video after the start that was chosen; 0 where the mode follows none or it is unknown."""
    followed = mode.field("seconds").follows
    media = values.get(followed) if followed else None
    if not isinstance(media, Media) or not media.seconds:
        return 0.0
    starts = [values[field.name] or 0.0 for field in mode.fields if field.start_of == followed]
    return max(0.0, media.seconds - sum(starts))


def whole_length(mode: Mode, values: Mapping[str, Any]) -> float:
    """Seconds of a video whose length follows sound or video: all that is left of it, as far as one can be made."""
    field, left = mode.field("seconds"), remaining(mode, values)
    assert field.min is not None
    assert field.max is not None
    longest = (grid.MAX_FRAMES - grid.FRAME_STEP) / _rate(mode, values)
    return min(field.max, longest, max(field.min, left))


def _rate(mode: Mode, values: Mapping[str, Any]) -> float:
    """Frames per second of the video: those of its source, or what was set."""
    rate: float = (values[mode.rate_of].fps or UNKNOWN_RATE) if mode.rate_of else values["fps"]
    return rate


def _seconds(mode: Mode, values: Mapping[str, Any], is_given: bool) -> float:
    left = remaining(mode, values)
    wanted: float = values["seconds"]
    if not left:
        return wanted
    if mode.rate_of:
        _check_frames(mode, left, values[mode.rate_of].fps or UNKNOWN_RATE)
    if not is_given:
        return whole_length(mode, values)
    if mode.rate_of and wanted > max(left, mode.field("seconds").min or 0.0) + 1 / UNKNOWN_RATE:
        raise StudioError("longer_than_source", field="seconds", seconds=left, value=wanted)
    return wanted


def _check_frames(mode: Mode, left: float, fps: float) -> None:
    frames = round(left * fps)
    if frames < grid.MIN_FRAMES:
        source = mode.field(mode.rate_of)
        raise StudioError("source_too_short", field=source.name, title=source.title, frames=frames, low=grid.MIN_FRAMES)


def _shape(mode: Mode, preset: Preset, values: Mapping[str, Any]) -> grid.Shape:
    fps = _rate(mode, values)
    left = remaining(mode, values) if mode.rate_of else 0.0
    shape = grid.shape(values["width"], values["height"], values["seconds"], fps, preset.size_step, left or None)
    if preset.max_pixels is not None and shape.width * shape.height > preset.max_pixels:
        raise StudioError(
            "size_over_preset",
            field="width",
            width=shape.width,
            height=shape.height,
            preset=preset.title,
            pixels=preset.max_pixels,
        )
    if shape.frames > grid.MAX_FRAMES:
        raise StudioError(
            "too_many_frames",
            field="seconds",
            seconds=values["seconds"],
            fps=shape.fps,
            frames=shape.frames,
            high=grid.MAX_FRAMES,
        )
    return shape


def _is_absent(field: Field, raw: Any) -> bool:
    empty = isinstance(raw, str) and not raw.strip()
    return raw is None or (empty and (field.required or field.type != "text"))


def _value(field: Field, preset: Preset, raw: Any, draw_seed: Callable[[], int]) -> Any:
    if raw is None:
        if field.type == "seed":
            return draw_seed()
        if field.type == "loras":
            return ()
        if field.required:
            raise StudioError("value_missing", field=field.name, title=field.title)
        raw = preset.defaults.get(field.name, field.default)
    return read(field, raw)
