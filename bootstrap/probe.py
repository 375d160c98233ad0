"""Does a web address answer? Redirects are not followed. Standard library only."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from workflows import address
from workflows.access import Access
from workflows.errors import StudioError
from workflows.server import tls

REFUSALS = ("status 401", "status 403", "status 407")
"""How a server, or a proxy before it, answers whom it does not know."""
STATS = "/system_stats"
_OTHER = "its answer is not ComfyUI's"
_MOST_BYTES = 1 << 20
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def failure(url: str, timeout: float = 2.0, access: Access | None = None) -> str:
    """Why GET `url` did not answer 200 within `timeout` seconds per step, in a few words; "" where it did.

    Raises StudioError `ca_unusable`.
    """
    try:
        with _open(url, timeout, access) as answer:
            return "" if answer.status == 200 else f"status {answer.status}"
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except urllib.error.URLError as error:
        return _words(error.reason)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _words(error)


def fetch(url: str, timeout: float = 2.0) -> bytes | None:
    """The body of GET `url`, of a refusal too; None where no answer came within `timeout` seconds per step."""
    try:
        with _open(url, timeout) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError:
        return b""
    except (OSError, http.client.HTTPException, ValueError):
        return None


def engine_failure(server: str, timeout: float = 2.0, access: Access | None = None) -> str:
    """The same for the engine at `server`, by its GET /system_stats."""
    return failure(f"{server}{STATS}", timeout, access)


def engine_refusal(server: str, timeout: float, access: Access) -> StudioError | None:
    """Why the engine at `server` can't be used, by its GET /system_stats; None where it can.

    One of `engine_forbidden`, `engine_redirects` and `engine_unreachable`. Raises StudioError `ca_unusable`.
    """
    try:
        with _open(f"{server}{STATS}", timeout, access) as answer:
            loaded = json.loads(answer.read(_MOST_BYTES))
        if isinstance(loaded, dict) and "system" in loaded:
            return None
        reason = _OTHER
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            return StudioError("engine_forbidden", server=server, status=error.code)
        location = error.headers.get("Location")
        if location and 300 <= error.code < 400:
            return StudioError("engine_redirects", server=server, target=address.target(server, STATS, location))
        reason = f"status {error.code}"
    except urllib.error.URLError as error:
        reason = _words(error.reason)
    except (OSError, http.client.HTTPException) as error:
        reason = _words(error)
    except ValueError:
        reason = _OTHER
    return StudioError("engine_unreachable", server=server, reason=reason)


def studio_failure(studio: str, timeout: float = 2.0) -> str:
    """The same for the studio at `studio`, by Streamlit's GET /_stcore/health."""
    return failure(f"{studio}/_stcore/health", timeout)


def engine_failure_at_second_hand(studio: str, timeout: float = 2.0) -> str:
    """The same for the engine, as the studio at `studio` has it: for whoever lacks the credentials the studio has."""
    try:
        with _open(f"{studio}/health", timeout) as answer:
            status = json.load(answer)["engine"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return "the studio, which is let in, does not answer"
    return "" if status == "alive" else f"{status}, says the studio"


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""


def _open(url: str, timeout: float, access: Access | None = None) -> Any:
    request = urllib.request.Request(url, headers=(access or Access()).headers)
    proxies: dict[str, str] | None = {} if urlsplit(url).hostname in _LOOPBACK else None
    secure = urllib.request.HTTPSHandler(context=tls(access.ca if access else None))
    return urllib.request.build_opener(urllib.request.ProxyHandler(proxies), secure, _Stay).open(
        request, timeout=timeout
    )


def _words(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror.lower()
    return str(reason) or type(reason).__name__
