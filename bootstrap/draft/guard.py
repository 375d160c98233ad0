"""Who may ask: the checks that keep web pages of other origins away from an engine on this machine.

ComfyUI refuses `Sec-Fetch-Site: cross-site` and an `Origin` that is not the `Host`. Here, an engine that listens on
loopback only also refuses a `Host` that is no loopback name, which is how DNS rebinding would come in.
"""

from __future__ import annotations

import ipaddress
import logging
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bootstrap.draft import answers

log = logging.getLogger(__name__)


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address means this machine."""
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def same_origin(origin: str, host: str) -> bool:
    """Whether an `Origin` header names the server of a `Host` header; ports count where both give one."""
    try:
        theirs, ours = urlsplit(origin), urlsplit(f"//{host}")
        return theirs.hostname == ours.hostname and (theirs.port is None or ours.port in (None, theirs.port))
    except ValueError:
        return False


def is_local(host: str) -> bool:
    """Whether a `Host` header names this machine by a loopback name."""
    try:
        return is_loopback(urlsplit(f"//{host}").hostname)
    except ValueError:
        return False


def guard(loopback_only: bool) -> Middleware:
    """The middleware; refusals are empty answers with status 403."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        host, origin = request.headers.get("Host"), request.headers.get("Origin")
        foreign = (
            request.headers.get("Sec-Fetch-Site") == "cross-site"
            or (origin is not None and host is not None and not same_origin(origin, host))
            or (loopback_only and host is not None and not is_local(host))
        )
        if foreign:
            log.warning("refused a request to %s from %s", host, origin or "another site")
            return answers.empty(403)
        return answers.empty() if request.method == "OPTIONS" else await handler(request)

    return check
