"""The cookie that tells visitors apart: a random id, set with the first page and kept for a year.

It is no login: whoever holds the cookie sees the jobs started with it.
"""

from __future__ import annotations

import re
import uuid
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "studio_owner"
MAX_AGE_SECONDS = 365 * 24 * 3600
_ID = re.compile(r"[0-9a-f]{32}")


class IdentityMiddleware:
    """Sets the cookie on pages for visitors who bring none. Pages read it from `st.context.cookies`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add Set-Cookie to the start of an HTML answer where it is missing."""
        if scope["type"] != "http" or _ID.fullmatch(_carried(scope)):
            await self.app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(scope, message):
                MutableHeaders(scope=message).append("set-cookie", _new_cookie(scope["scheme"] == "https"))
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def _carried(scope: Scope) -> str:
    jar = SimpleCookie()
    try:
        jar.load(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""


def _is_page(scope: Scope, start: Message) -> bool:
    # A page the browser still has is answered 304, without a type.
    if start["status"] == 304:
        return "text/html" in Headers(scope=scope).get("accept", "")
    return Headers(raw=start["headers"]).get("content-type", "").startswith("text/html")


def _new_cookie(secure: bool) -> str:
    attributes = f"Path=/; Max-Age={MAX_AGE_SECONDS}; HttpOnly; SameSite=Lax"
    return f"{COOKIE}={uuid.uuid4().hex}; {attributes}{'; Secure' if secure else ''}"
