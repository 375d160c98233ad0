"""What somebody asked for: form values become a `Request`, validated once."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from workflows import grid, manifest
from workflows.errors import StudioError
from workflows.manifest import Field, Mode, Preset

DEFAULT_PRESET = "balanced"
MAX_SEED = 2**64 - 1


@dataclass(frozen=True)
class Media:
    """An uploaded file as a graph names it.

    `name` is the name on the engine's side, `source` what the person called it. `path` is where it lies here and is
    empty where only the engine has it. Sizes are in pixels and bytes.
    """

    name: str
    source: str = ""
    path: str = ""
    size: int = 0
    width: int = 0
    height: int = 0


Value = str | int | float | Media


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

    def notes(self) -> tuple[str, ...]:
        """One sentence for each value that was set and has no effect under the preset."""
        mode = manifest.mode(self.mode)
        preset = mode.preset(self.preset)
        return tuple(
            f"{field.title} has no effect with the preset {preset.title}, which samples without guidance (CFG 1)."
            for field in mode.fields
            if field.name in self.given and not manifest.is_effective(field, preset)
        )


def random_seed() -> int:
    """A new seed, short enough to be read aloud and exact in JavaScript."""
    return random.SystemRandom().randrange(2**32)


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
    shape = grid.shape(parsed["width"], parsed["height"], parsed["seconds"], parsed["fps"])
    _check_shape(mode, preset, shape, parsed["seconds"])
    return Request(mode.name, preset.name, MappingProxyType(parsed), shape, frozenset(given))


def _check_shape(mode: Mode, preset: Preset, shape: grid.Shape, seconds: float) -> None:
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
            seconds=seconds,
            fps=shape.fps,
            frames=shape.frames,
            high=grid.MAX_FRAMES,
        )


def _is_absent(field: Field, raw: Any) -> bool:
    empty = isinstance(raw, str) and not raw.strip()
    return raw is None or (empty and (field.required or field.type != "text"))


def _value(field: Field, preset: Preset, raw: Any, draw_seed: Callable[[], int]) -> Any:
    if raw is None:
        if field.type == "seed":
            return draw_seed()
        if field.required:
            raise StudioError("value_missing", field=field.name, title=field.title)
        raw = preset.defaults.get(field.name, field.default)
    return PARSERS[field.type](field, raw)


def _text(field: Field, raw: Any) -> str:
    if not isinstance(raw, str):
        raise StudioError("value_type", field=field.name, title=field.title, expected="text", value=_shown(raw))
    text = raw.strip()
    try:
        text.encode()
    except UnicodeEncodeError as error:
        # Bytes of a command line that are not UTF-8 arrive as lone surrogates, which no JSON can carry.
        raise StudioError(
            "value_type", field=field.name, title=field.title, expected="text in UTF-8", value=ascii(text[:20])
        ) from error
    if field.max_length is not None and len(text) > field.max_length:
        raise StudioError("text_too_long", field=field.name, title=field.title, high=field.max_length, value=len(text))
    return text


def _number(field: Field, raw: Any, expected: str) -> float:
    if isinstance(raw, bool):
        number = math.nan
    else:
        try:
            number = float(raw)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
    if not math.isfinite(number):
        raise StudioError("value_type", field=field.name, title=field.title, expected=expected, value=_shown(raw))
    low, high = field.min, field.max
    if low is not None and high is not None and not low <= number <= high:
        unit = f" {field.unit}" if field.unit else ""
        raise StudioError(
            "value_out_of_range", field=field.name, title=field.title, low=low, high=high, unit=unit, value=_shown(raw)
        )
    return number


def _float(field: Field, raw: Any) -> float:
    return _number(field, raw, "a number")


def _int(field: Field, raw: Any) -> int:
    number = _number(field, raw, "a whole number")
    if number != int(number):
        raise StudioError(
            "value_type", field=field.name, title=field.title, expected="a whole number", value=_shown(raw)
        )
    return int(number)


def _seed(field: Field, raw: Any) -> int:
    whole = isinstance(raw, float) and raw.is_integer()
    text = _text_of(int(raw) if whole else raw).strip()
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MAX_SEED)) or int(text) > MAX_SEED:
        expected = "a whole number from 0 to 2^64 - 1"
        raise StudioError("value_type", field=field.name, title=field.title, expected=expected, value=_shown(raw))
    return int(text)


def _media(field: Field, raw: Any) -> Media:
    if isinstance(raw, Media):
        return raw
    return Media(name=_text(field, raw))


def _shown(raw: Any) -> str:
    text = _text_of(raw)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _text_of(raw: Any) -> str:
    try:
        return f"{raw:g}" if isinstance(raw, float) else str(raw)
    except ValueError:
        # Python refuses to write out whole numbers of more than a few thousand digits.
        return "a number of thousands of digits"


PARSERS: dict[str, Callable[[Field, Any], Any]] = {
    "text": _text,
    "int": _int,
    "float": _float,
    "seed": _seed,
    "image": _media,
}
