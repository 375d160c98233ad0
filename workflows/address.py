"""The address of a ComfyUI server as a person writes it, `http://user:password@host:8188/path`, taken apart once.

The bare address may be shown and stored; the credentials go into the Authorization header and nowhere else. Pure.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from workflows.errors import StudioError


@dataclass(frozen=True)
class Credentials:
    """User and password for HTTP basic authentication (RFC 7617). The password is not in the repr."""

    user: str
    password: str = field(repr=False)

    @property
    def header(self) -> str:
        """The value of the Authorization header."""
        return f"Basic {b64encode(f'{self.user}:{self.password}'.encode()).decode()}"


def split(address: str, title: str) -> tuple[str, Credentials | None]:
    """The bare address, without a slash at its end, and the credentials that stood in it, percent-decoded.

    `title` is what the address was given as, for the sentence. Raises StudioError `engine_url_invalid` where it is no
    http or https address with a host; one with a query, a fragment or an @ in its path is none either, as all three
    come from a password that isn't percent-encoded.
    """
    address = address.strip()
    invalid = StudioError("engine_url_invalid", title=title, value=_without_userinfo(address))
    try:
        parts = urlsplit(address)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise invalid from None
    if not whole or not _is_plain(address) or "@" in parts.path or "?" in address or "#" in address:
        raise invalid
    userinfo, _, host = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    credentials = Credentials(unquote(user), unquote(password)) if userinfo else None
    return f"{parts.scheme}://{host}{parts.path}".rstrip("/"), credentials


def join(bare: str, credentials: Credentials | None) -> str:
    """The address from which `split` gives these two again."""
    if credentials is None:
        return bare
    scheme, _, rest = bare.partition("://")
    return f"{scheme}://{quote(credentials.user, safe='')}:{quote(credentials.password, safe='')}@{rest}"


def public(source: str) -> str:
    """What may be shown and stored of where a git repository lies: a URL without user and password.

    A local path and git's own `user@host:path`, which holds no password, stay as they are.
    """
    scheme, slashes, rest = source.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{authority.rpartition('@')[2]}{slash}{path}" if slashes else source


def _is_plain(address: str) -> bool:
    return address.isprintable() and " " not in address and "\\" not in address


def _without_userinfo(address: str) -> str:
    """An address that can't be taken apart, as far as it may be shown: nothing that could be a password."""
    before, at, after = address.rpartition("@")
    scheme, slashes, _ = before.partition("://")
    return f"{scheme}{slashes}…@{after}" if at and slashes else f"…@{after}" if at else address
