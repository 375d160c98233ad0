"""Checking one input of a node: ComfyUI's rules and ComfyUI's error objects.

A specification (`spec`) is what `/object_info` gives for an input: `[type, config]`, or `[type]` without a config.
"""

from __future__ import annotations

import traceback
from typing import Any

from bootstrap.draft import wire
from bootstrap.draft.links import unwrapped
from workflows.schema import WILDCARDS, options

Error = dict[str, Any]

CONVERSIONS: dict[str, type] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
LISTED_IN_FULL = 20
"""Longer lists of options are not sent back in an error."""


def problem(kind: str, message: str, details: str, **extra_info: Any) -> Error:
    """An error object of the protocol."""
    return {"type": kind, "message": message, "details": details, "extra_info": extra_info}


def info(name: str, spec: list[Any]) -> dict[str, Any]:
    """What the `extra_info` of an input's error begins with."""
    return {"input_name": name, "input_config": [spec[0], _config(spec)]}


def exception(error: Exception) -> dict[str, Any]:
    """What the `extra_info` of an exception ends with."""
    return {"exception_type": wire.exception_type(error), "traceback": traceback.format_tb(error.__traceback__)}


def missing(name: str) -> Error:
    """The error of a required input that isn't there."""
    return problem("required_input_missing", "Required input is missing", name.rpartition(".")[2], input_name=name)


def fits(made: Any, wanted: Any) -> bool:
    """Whether an output of type `made` may be linked to an input of type `wanted`, both perhaps "A,B"."""
    if made == wanted or made in WILDCARDS or wanted in WILDCARDS:
        return True
    if not isinstance(made, str) or not isinstance(wanted, str):
        return False
    given, accepted = ({kind.strip() for kind in kinds.split(",")} for kinds in (made, wanted))
    return "*" in given | accepted or bool(given & accepted)


def is_upload(spec: list[Any]) -> bool:
    """Whether an input names an uploaded file (`image_upload`, `video_upload`, `audio_upload`)."""
    return any(key.endswith("_upload") for key in _config(spec))


def convert(inputs: dict[str, Any], name: str, spec: list[Any]) -> Error | None:
    """Convert the widget value `inputs[name]` in place to its declared type, and say what is wrong with it."""
    value = unwrapped(inputs[name])
    conversion = CONVERSIONS.get(spec[0]) if isinstance(spec[0], str) else None
    if conversion is not None:
        try:
            value = inputs[name] = conversion(value)
        except Exception as error:
            message = f"Failed to convert an input value to a {spec[0]} value"
            facts = {"received_value": value, "exception_message": str(error)}
            return problem("invalid_input_type", message, f"{name}, {value}, {error}", **info(name, spec), **facts)
    return _range_error(name, value, spec) or _list_error(name, value, spec)


def _range_error(name: str, value: Any, spec: list[Any]) -> Error | None:
    low, high = _config(spec).get("min"), _config(spec).get("max")
    if low is not None and value < low:
        kind, message = "value_smaller_than_min", f"Value {value} smaller than min of {low}"
    elif high is not None and value > high:
        kind, message = "value_bigger_than_max", f"Value {value} bigger than max of {high}"
    else:
        return None
    return problem(kind, message, name, **info(name, spec), received_value=value)


def _list_error(name: str, value: Any, spec: list[Any]) -> Error | None:
    listed = options(spec)
    if listed is None or is_upload(spec):
        # Uploaded files may lie in sub-folders, which the list leaves out; their node checks them itself.
        return None
    values = value if _config(spec).get("multiselect") and isinstance(value, list) else [value]
    unknown = ", ".join(repr(one) for one in values if one not in listed)
    if not unknown:
        return None
    short = len(listed) <= LISTED_IN_FULL
    details = f"{name}: {unknown} not in {listed if short else f'(list of length {len(listed)})'}"
    facts = info(name, spec) if short else {**info(name, spec), "input_config": None}
    return problem("value_not_in_list", "Value not in list", details, **facts, received_value=value)


def _config(spec: list[Any]) -> dict[str, Any]:
    config: dict[str, Any] = spec[1] if len(spec) > 1 else {}
    return config
