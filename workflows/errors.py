"""Every error a person can meet, by code.

One table says for each code what happened, what to do next and whether the same request may simply be tried again.
Raise with the facts the sentence needs::

    raise StudioError("value_out_of_range", title="Seconds", low=0.4, high=20, unit=" s", value=0)

Standard library only, so that the first stage of `python3 -m bootstrap` can use it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorKind:
    """One row of the registry.

    `message` and `hint` are `str.format` templates filled with the facts given when the error is raised.
    `retryable` says that sending the same request again can succeed.
    """

    message: str
    hint: str
    retryable: bool = False


REGISTRY: dict[str, ErrorKind] = {
    # A request that can't be sent as it is.
    "unknown_mode": ErrorKind("There is no mode called {value}.", "Choose one of {known}."),
    "unknown_field": ErrorKind("{title} has no setting called {value}.", "Its settings are {known}."),
    "unknown_preset": ErrorKind("{title} has no preset called {value}.", "Choose one of {known}."),
    "not_an_assignment": ErrorKind("{value!r} does not set anything.", "Write --set NAME=VALUE."),
    "value_missing": ErrorKind("{title} is empty.", "Fill it in and try again."),
    "value_type": ErrorKind("{title} must be {expected}; {value} was given.", "Correct it and try again."),
    "value_out_of_range": ErrorKind(
        "{title} must be between {low:g} and {high:g}{unit}; {value} was given.", "Choose a value in that range."
    ),
    "text_too_long": ErrorKind(
        "{title} is longer than {high} characters; it has {value}.", "Shorten it and try again."
    ),
    "size_over_preset": ErrorKind(
        "{width}×{height} is more than the preset {preset} makes at most ({pixels:,} pixels).",
        "Choose a smaller size or another preset.",
    ),
    "too_many_frames": ErrorKind(
        "{seconds:g} s at {fps:g} frames per second are {frames} frames; {high} is the most.",
        "Choose a shorter video or fewer frames per second.",
    ),
    "file_missing": ErrorKind("{title}: there is no file {value}.", "Check the path and try again."),
    "file_empty": ErrorKind("{title}: {value} is empty.", "Choose another file."),
    "file_too_large": ErrorKind("{title}: {value} has {size_mb:.0f} MB; {high_mb:.0f} MB is the most.", "Shrink it."),
    "file_not_image": ErrorKind(
        "{title}: {value} is not a PNG, JPEG or WebP picture, whatever its name says.",
        "Save the picture as PNG or JPEG and choose it again.",
    ),
    "image_too_large": ErrorKind(
        "{title}: {value} measures {width}×{height} pixels; {high:,} pixels in all are the most.",
        "Scale the picture down and choose it again.",
    ),
    # The engine.
    "engine_unreachable": ErrorKind(
        "The engine at {server} does not answer ({reason}).", "Check that it runs, then try again.", retryable=True
    ),
}


class StudioError(Exception):
    """An error with a code from `REGISTRY` and the facts its sentence names.

    `str(error)` is the sentence; `hint` says what to do next. `field` names the form field concerned, if any.
    """

    def __init__(self, code: str, *, field: str | None = None, **facts: object) -> None:
        kind = REGISTRY[code]
        self.code = code
        self.field = field
        self.facts = facts
        self.message = kind.message.format(**facts)
        self.hint = kind.hint.format(**facts)
        self.retryable = kind.retryable
        super().__init__(self.message)
