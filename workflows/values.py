"""The values a request may hold, and how raw ones (text of a command line, values of a form) are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workflows.errors import StudioError
from workflows.manifest import OFF, ON, Field

MAX_SEED = 2**64 - 1
TRUE, FALSE = (ON, "true", "yes", "1"), (OFF, "false", "no", "0")


@dataclass(frozen=True)
class Media:
    """An uploaded file as a graph names it.

    `name` is the name on the engine's side, `source` what the person called it. `path` is where it lies here and is
    empty where only the engine has it. Sizes are in pixels and bytes. `seconds` is the length of sound or video, `fps`
    a video's rate, `sound` whether there is a sound track; 0 and False where unknown.
    """

    name: str
    source: str = ""
    path: str = ""
    size: int = 0
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    fps: float = 0.0
    sound: bool = False


@dataclass(frozen=True)
class Lora:
    """One's own LoRA: its name in the engine's list, and how strongly it is applied."""

    name: str
    strength: float


Value = str | int | float | bool | Media | tuple[Lora, ...]


def read(field: Field, raw: Any) -> Any:
    """The value of a field. Raises StudioError with the field concerned where `raw` can't be one."""
    return PARSERS[field.type](field, raw)


def shown(raw: Any) -> str:
    """A raw value as an error message names it: on one line, and short."""
    text = " ".join(_text_of(raw).split())
    return text if len(text) <= 40 else f"{text[:39]}…"


def _refused(field: Field, expected: str, raw: Any) -> StudioError:
    return StudioError("value_type", field=field.name, title=field.title, expected=expected, value=shown(raw))


def _text(field: Field, raw: Any) -> str:
    if not isinstance(raw, str):
        raise _refused(field, "text", raw)
    text = raw.strip()
    try:
        text.encode()
    except UnicodeEncodeError as error:
        # Bytes of a command line that are not UTF-8 arrive as lone surrogates, which no JSON can carry.
        raise _refused(field, "text in UTF-8", ascii(text[:20])) from error
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
        raise _refused(field, expected, raw)
    low, high = field.min, field.max
    if low is not None and high is not None and not low <= number <= high:
        unit = f" {field.unit}" if field.unit else ""
        raise StudioError(
            "value_out_of_range", field=field.name, title=field.title, low=low, high=high, unit=unit, value=shown(raw)
        )
    return number


def _float(field: Field, raw: Any) -> float:
    return _number(field, raw, "a number")


def _int(field: Field, raw: Any) -> int:
    number = _number(field, raw, "a whole number")
    if number != int(number):
        raise _refused(field, "a whole number", raw)
    return int(number)


def _seed(field: Field, raw: Any) -> int:
    whole = isinstance(raw, float) and raw.is_integer()
    text = _text_of(int(raw) if whole else raw).strip()
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MAX_SEED)) or int(text) > MAX_SEED:
        raise _refused(field, "a whole number from 0 to 2^64 - 1", raw)
    return int(text)


def _flag(field: Field, raw: Any) -> bool:
    text = _text_of(raw).strip().lower()
    if text not in (*TRUE, *FALSE):
        raise _refused(field, f"{ON} or {OFF}", raw)
    return text in TRUE


def _choice(field: Field, raw: Any) -> str:
    text = _text_of(raw).strip().lower()
    if text not in field.choices:
        raise StudioError(
            "value_not_offered", field=field.name, title=field.title, value=shown(raw), known=", ".join(field.choices)
        )
    return text


def _media(field: Field, raw: Any) -> Media:
    if isinstance(raw, Media):
        return raw
    return Media(name=_text(field, raw))


def _loras(field: Field, raw: Any) -> tuple[Lora, ...]:
    """From "name:strength, name" or from rows that are Loras, tables with those keys, or such texts."""
    rows: Iterable[Any] = raw.replace("\n", ",").split(",") if isinstance(raw, str) else raw
    if isinstance(rows, Mapping) or not isinstance(rows, Iterable):
        raise _refused(field, "a list of name:strength", raw)
    named = [row for row in (_lora(field, row) for row in rows) if row is not None]
    if len(named) > field.max_rows:
        raise StudioError("too_many_loras", field=field.name, title=field.title, high=field.max_rows, value=len(named))
    return tuple(named)


def _lora(field: Field, raw: Any) -> Lora | None:
    """A row; None where it names nothing."""
    name: Any
    strength: Any
    if isinstance(raw, Lora):
        name, strength = raw.name, raw.strength
    elif isinstance(raw, Mapping):
        name, strength = raw.get("name") or "", raw.get("strength")
    elif isinstance(raw, str):
        before, colon, after = raw.rpartition(":")
        name, strength = (before, after) if colon else (raw, None)
    else:
        raise _refused(field, "a list of name:strength", raw)
    name = _text(field, name)
    return Lora(name, _float(field, field.default if strength is None else strength)) if name else None


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
    "flag": _flag,
    "choice": _choice,
    "loras": _loras,
    "image": _media,
    "audio": _media,
    "video": _media,
}
