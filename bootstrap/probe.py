"""Does a web address answer? Standard library only."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from urllib.parse import urlsplit

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def failure(url: str, timeout: float = 2.0) -> str:
    """Why GET `url` did not answer 200 within `timeout` seconds per step, in a few words; "" where it did."""
    proxies: dict[str, str] | None = {} if urlsplit(url).hostname in _LOOPBACK else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
    try:
        with opener.open(url, timeout=timeout) as answer:
            return "" if answer.status == 200 else f"status {answer.status}"
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except urllib.error.URLError as error:
        return _words(error.reason)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _words(error)


def engine_failure(server: str, timeout: float = 2.0) -> str:
    """The same for the engine at `server`, by its GET /system_stats."""
    return failure(f"{server}/system_stats", timeout)


def studio_failure(studio: str, timeout: float = 2.0) -> str:
    """The same for the studio at `studio`, by Streamlit's GET /_stcore/health."""
    return failure(f"{studio}/_stcore/health", timeout)


def _words(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror.lower()
    return str(reason) or type(reason).__name__
