"""What goes with every request to one ComfyUI server: its password or token, further headers, its authority.

None of it is for another server, a log, a page or a file. Pure; standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workflows import address
from workflows.address import Credentials
from workflows.errors import StudioError

URL, TOKEN, HEADERS, CA = "STUDIO_COMFYUI_URL", "STUDIO_COMFYUI_TOKEN", "STUDIO_COMFYUI_HEADERS", "STUDIO_COMFYUI_CA"
AUTHORIZATION = "authorization"
NAME = re.compile(r"[!#$%&'*+.^_`~0-9A-Za-z-]+")
"""A header's name (RFC 9110, 5.6.2), less the | that separates headers here."""
OURS = re.compile(
    r"host|connection|upgrade|content-.*|transfer-encoding|te|trailer|expect|accept-encoding|range|sec-.*|origin",
    re.IGNORECASE,
)
"""What the studio says itself with its requests and the websocket's handshake."""


@dataclass(frozen=True)
class Access:
    """How one server lets the studio in. Secrets are not in the repr.

    `credentials` are for basic, `token` for bearer authentication, "" for none; `extra` are further headers by name,
    `ca` is a PEM file with the authority that signed the server's certificate, None for those the system trusts.
    """

    credentials: Credentials | None = None
    token: str = field(default="", repr=False)
    extra: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    ca: Path | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with every request and with the websocket's handshake."""
        own = f"Bearer {self.token}" if self.token else self.credentials.header if self.credentials else ""
        return {**dict(self.extra), **({"Authorization": own} if own else {})}

    @property
    def is_secret(self) -> bool:
        """Whether there is anything in it that may not be stored."""
        return bool(self.headers)


def parse(credentials: Credentials | None, token: str, headers: str, ca: str) -> Access:
    """The access from the settings' texts, "" where one is not set; `credentials` stood in the address.

    Raises StudioError `header_invalid`, `auth_twice` or `ca_unusable`. No sentence holds a value.
    """
    token = token.strip()
    if not re.fullmatch(r"[\x21-\x7e]*", token):
        raise StudioError("header_invalid", title=TOKEN, reason="it holds spaces or characters beyond ASCII")
    extra = tuple(_headers(headers))
    given = [
        *(["a user in the address"] if credentials else []),
        *([TOKEN] if token else []),
        *([f"Authorization in {HEADERS}"] if any(name.lower() == AUTHORIZATION for name, _ in extra) else []),
    ]
    if len(given) > 1:
        raise StudioError("auth_twice", ways=" and ".join(given))
    return Access(credentials, token, extra, _path(ca.strip()) if ca.strip() else None)


def join(headers: tuple[tuple[str, str], ...]) -> str:
    """The text from which `parse` reads these headers again."""
    return "".join(f"{name}: {value}\n" for name, value in headers)


def for_server(written: str, title: str, environ: Mapping[str, str]) -> tuple[str, Access]:
    """A server named on a command line: its bare address and its access.

    Token, headers and authority of the environment are for the server that STUDIO_COMFYUI_URL names and for no other.
    Raises StudioError `engine_url_invalid` and as `parse`.
    """
    bare, credentials = address.split(written, title)
    configured = environ.get(URL, "")
    if not configured:
        return bare, Access(credentials)
    theirs, own = address.split(configured, URL)
    if theirs != bare:
        return bare, Access(credentials)
    return bare, parse(credentials or own, environ.get(TOKEN, ""), environ.get(HEADERS, ""), environ.get(CA, ""))


def _headers(text: str) -> Iterator[tuple[str, str]]:
    """The headers in `Name: value` parts: one a line where the text has lines, else with | between them."""
    parts = text.split("\n" if "\n" in text else "|")
    seen: set[str] = set()
    for number, part in enumerate((part.strip(" \t\r") for part in parts), 1):
        if not part:
            continue
        name, colon, value = part.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not NAME.fullmatch(name):
            raise StudioError("header_invalid", title=HEADERS, reason=f"part {number} is not written as Name: value")
        if not re.fullmatch(r"[\x20-\x7e\t]+", value):
            reason = f"the value of {name} is empty or holds characters beyond ASCII"
            raise StudioError("header_invalid", title=HEADERS, reason=reason)
        if OURS.fullmatch(name):
            raise StudioError("header_invalid", title=HEADERS, reason=f"{name} is said by the studio itself")
        if name.lower() in seen:
            raise StudioError("header_invalid", title=HEADERS, reason=f"{name} is there twice")
        seen.add(name.lower())
        yield name, value


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser().resolve()
    except (RuntimeError, OSError) as error:
        raise StudioError("ca_unusable", path=text, reason=str(error).rstrip(".")) from None
