"""What the registry of errors says of one code. Standard library only."""

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
