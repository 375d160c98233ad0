"""Does a web address answer? Standard library only."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from workflows.address import Credentials

UNAUTHORIZED = "status 401"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def failure(url: str, timeout: float = 2.0, auth: Credentials | None = None) -> str:
    """Why GET `url` did not answer 200 within `timeout` seconds per step, in a few words; "" where it did."""
    request = urllib.request.Request(url)
    if auth is not None:
        # A server that the first one redirects to is not to have them.
        request.add_unredirected_header("Authorization", auth.header)
    try:
        with _opener(url).open(request, timeout=timeout) as answer:
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


def engine_failure(server: str, timeout: float = 2.0, auth: Credentials | None = None) -> str:
    """The same for the engine at `server`, by its GET /system_stats."""
    return failure(f"{server}/system_stats", timeout, auth)


def studio_failure(studio: str, timeout: float = 2.0) -> str:
    """The same for the studio at `studio`, by Streamlit's GET /_stcore/health."""
    return failure(f"{studio}/_stcore/health", timeout)


def engine_failure_at_second_hand(studio: str, timeout: float = 2.0) -> str:
    """The same for the engine, as the studio at `studio` has it: for whoever lacks the credentials the studio has."""
    try:
        with _opener(studio).open(f"{studio}/health", timeout=timeout) as answer:
            status = json.load(answer)["engine"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return "the studio, which has its password, does not answer"
    return "" if status == "alive" else f"{status}, says the studio"


def _opener(url: str) -> urllib.request.OpenerDirector:
    proxies: dict[str, str] | None = {} if urlsplit(url).hostname in _LOOPBACK else None
    return urllib.request.build_opener(urllib.request.ProxyHandler(proxies))


def _words(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror.lower()
    return str(reason) or type(reason).__name__
