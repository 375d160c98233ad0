"""Addresses as a person writes them, `http://user:password@host:8188/path`, and what of them may be seen.

A ComfyUI server's is taken apart once: the bare address may be shown and stored, the credentials go into the
Authorization header and nowhere else. Pure.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urljoin, urlsplit

from workflows.errors import StudioError

HIDDEN = "…"
"""What stands where something is left out."""
_PASSWORD = re.compile(r"[^/:@]+:[^@]*@")
"""User and password before a host, with no scheme before them."""


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
    if not is_whole(address):
        raise StudioError("engine_url_invalid", title=title, value=masked(address))
    parts = urlsplit(address)
    userinfo, _, host = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    credentials = Credentials(unquote(user), unquote(password)) if userinfo else None
    return f"{parts.scheme}://{host}{parts.path}".rstrip("/"), credentials


def target(asked: str, path: str, location: str) -> str:
    """The server that a redirect leads to, which an answer to `asked` + `path` named: without what could be secret."""
    try:
        parts = urlsplit(urljoin(asked + path, location))
    except ValueError:
        return HIDDEN
    way = parts.path
    below = way.removesuffix(path.partition("?")[0]) if way.endswith(path.partition("?")[0]) else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{below}"


def join(bare: str, credentials: Credentials | None) -> str:
    """The address from which `split` gives these two again."""
    if credentials is None:
        return bare
    scheme, _, rest = bare.partition("://")
    return f"{scheme}://{quote(credentials.user, safe='')}:{quote(credentials.password, safe='')}@{rest}"


def is_whole(address: str) -> bool:
    """Whether it is an http or https address with a host, of which user and password can be told from the rest."""
    try:
        parts = urlsplit(address)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    plain = address.isprintable() and " " not in address and "\\" not in address
    return whole and plain and "@" not in parts.path and "?" not in address and "#" not in address


def source(given: str, title: str) -> str:
    """Where a git repository lies, as it was given in `title`, if what is secret of it can be told from the rest.

    Raises StudioError `source_url_invalid` for a URL with an @ behind its host, a query or a fragment, and for
    `user:password@host` without a scheme.
    """
    given = given.strip()
    scheme, slashes, rest = given.partition("://")
    unclear = "@" in rest.partition("/")[2] or re.search("[?#]", rest) if slashes else _PASSWORD.match(given)
    if unclear and scheme != "file":
        raise StudioError("source_url_invalid", title=title, value=masked(given))
    return given


def public(address: str) -> str:
    """What may be shown and stored of a git repository's or a hub's address: a URL without user and password.

    A local path, a file's URL and git's own `user@host:path`, which holds no password, stay as they are.
    """
    scheme, slashes, rest = address.partition("://")
    if not slashes:
        return masked(address) if _PASSWORD.match(address) else address
    return address if scheme == "file" else f"{scheme}{slashes}{_seen(rest)}"


def masked(address: str) -> str:
    """An address that can't be taken apart, as far as it may be shown, with a mark for what is left out."""
    scheme, slashes, rest = address.partition("://") if "://" in address else ("", "", address)
    seen = _seen(rest)
    before = f"{HIDDEN}@" if seen and "@" in rest else ""
    return f"{scheme}{slashes}{before}{seen}{'' if seen and rest.endswith(seen) else HIDDEN}"


def _seen(rest: str) -> str:
    """What is behind the last @ and before a query; nothing where one is before the @, and a password could be both."""
    before, _, after = rest.rpartition("@")
    return "" if re.search("[?#]", before) else re.split("[?#]", after)[0]
