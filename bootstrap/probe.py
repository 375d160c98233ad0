"""Does a web address answer? Standard library only."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from workflows.access import Access
from workflows.server import tls

REFUSALS = ("status 401", "status 403", "status 407")
"""How a server, or a proxy before it, answers whom it does not know."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def failure(url: str, timeout: float = 2.0, access: Access | None = None) -> str:
    """Why GET `url` did not answer 200 within `timeout` seconds per step, in a few words; "" where it did.

    Raises StudioError `ca_unusable`.
    """
    request = urllib.request.Request(url)
    for name, value in (access or Access()).headers.items():
        # A server that the first one redirects to is not to have them.
        request.add_unredirected_header(name, value)
    try:
        with _opener(url, access).open(request, timeout=timeout) as answer:
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
        with _opener(url).open(url, timeout=timeout) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError:
        return b""
    except (OSError, http.client.HTTPException, ValueError):
        return None


def engine_failure(server: str, timeout: float = 2.0, access: Access | None = None) -> str:
    """The same for the engine at `server`, by its GET /system_stats."""
    return failure(f"{server}/system_stats", timeout, access)


def studio_failure(studio: str, timeout: float = 2.0) -> str:
    """The same for the studio at `studio`, by Streamlit's GET /_stcore/health."""
    return failure(f"{studio}/_stcore/health", timeout)


def engine_failure_at_second_hand(studio: str, timeout: float = 2.0) -> str:
    """The same for the engine, as the studio at `studio` has it: for whoever lacks the credentials the studio has."""
    try:
        with _opener(studio).open(f"{studio}/health", timeout=timeout) as answer:
            status = json.load(answer)["engine"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return "the studio, which is let in, does not answer"
    return "" if status == "alive" else f"{status}, says the studio"


def _opener(url: str, access: Access | None = None) -> urllib.request.OpenerDirector:
    proxies: dict[str, str] | None = {} if urlsplit(url).hostname in _LOOPBACK else None
    secure = urllib.request.HTTPSHandler(context=tls(access.ca if access else None))
    return urllib.request.build_opener(urllib.request.ProxyHandler(proxies), secure)


def _words(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror.lower()
    return str(reason) or type(reason).__name__
