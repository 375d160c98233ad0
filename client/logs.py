"""The logs of the studio's programs, as they may be shown: their last lines, legible, and without secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from client.settings import Settings

MOST_BYTES = 512 * 1024
WHOLE_BYTES = 16 * 1024 * 1024
"""More than a log grows to before supervisord.conf has it moved away."""
MASK = "••••"
_LEAST_SECRET = 4
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_SHAPES = (
    re.compile(r"\bhf_[A-Za-z0-9]{8,}"),
    re.compile(r"(?i)(?<=bearer )[^\s\"',]+"),
    re.compile(r"(?i)(?<=basic )[A-Za-z0-9+/=]{8,}"),
    re.compile(r"(?<=://)[^/\s@]+(?=@)"),
    re.compile(r"(?<=://)[^/\s:@]+:[^\s@]*/[^\s@]*(?=@)"),
    re.compile(r"(?i)(?<=signature=)[^&\s\"']+"),
    re.compile(r"(?i)(?<=token=)[^&\s\"']+"),
)
_PASSWORD = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
"""What a secret looks like wherever it comes from: tokens, authorization headers, passwords in addresses."""


@dataclass(frozen=True)
class Log:
    """A log file and what writes it."""

    title: str
    path: Path


def known(data: Path) -> tuple[Log, ...]:
    """The logs that are there."""
    folder = data / "logs"
    names = {
        "engine": "Engine",
        "studio": "Studio",
        "watchdog": "Watchdog",
        "supervisord": "Supervisor",
        "install": "Installation of ComfyUI",
        "setup": "Set-up",
    }
    logs = (Log(title, folder / f"{name}.log") for name, title in names.items())
    return tuple(log for log in logs if log.path.is_file())


def tail(path: Path, secrets: Iterable[str] = (), most: int = MOST_BYTES) -> tuple[str, ...]:
    """The lines in the last `most` bytes of a log, cleaned; none where it can't be read."""
    try:
        with path.open("rb") as file:
            begin = max(0, file.seek(0, os.SEEK_END) - most)
            file.seek(begin)
            text = file.read(most).decode(errors="replace")
    except OSError:
        return ()
    # The first line is a part of one where the beginning was left out.
    return clean(text.partition("\n")[2] if begin else text, secrets)


def clean(text: str, secrets: Iterable[str] = ()) -> tuple[str, ...]:
    """Lines as a terminal would show them in the end, masked.

    A progress bar is one long line that begins again and again with a carriage return: what stands after the last one
    is what counts.
    """
    hidden = sorted((one for one in {*secrets} if len(one) >= _LEAST_SECRET), key=len, reverse=True)
    shown = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return tuple(mask(_COLOURS.sub("", line).rstrip(), hidden) for line in shown if line.strip())


def mask(line: str, secrets: Iterable[str]) -> str:
    """A line without these secrets, and without anything that looks like one."""
    for secret in secrets:
        line = line.replace(secret, MASK)
    for shape in _SHAPES:
        line = shape.sub(MASK, line)
    return line


def matching(lines: Iterable[str], text: str) -> tuple[str, ...]:
    """The lines that hold every word of the text, in any case."""
    words = text.casefold().split()
    return tuple(line for line in lines if all(word in line.casefold() for word in words))


def secrets_of(settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Every secret that the settings and the environment hold."""
    access = settings.comfyui_access
    named = [value for name, value in environ.items() if re.search(r"TOKEN|SECRET|PASSWORD|API_?KEY", name)]
    password = access.credentials.password if access.credentials else ""
    named += [found for value in environ.values() for found in _PASSWORD.findall(value)]
    found = [access.token, password, *(value for _, value in access.extra), *access.headers.values(), *named]
    return tuple(dict.fromkeys(one for one in found if one))
