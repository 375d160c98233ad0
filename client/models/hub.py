"""The Hugging Face hub: metadata, authorization and errors as its own library has them, and ranged reads of a file."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from huggingface_hub import constants, get_hf_file_metadata, get_token, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status, httpx

from client.models import variables
from client.models.place import words
from workflows import address
from workflows.errors import StudioError
from workflows.registry import Variant

# They log every address that is asked or redirected to, with the password or the signature in it. The library brings
# httpx under a name of its own, httpx2, and httpcore2 with it.
for _name in (httpx.__name__, httpx.__name__.replace("httpx", "httpcore")):
    logging.getLogger(_name).setLevel(logging.WARNING)

MAX_REDIRECTS = 5
METADATA_SECONDS = 10.0
METADATA_TRIES = 3
LONGEST_WAIT = 300.0
"""Seconds that a server may ask to be left alone for; longer ones are an error."""

HASH = re.compile(r"[A-Za-z0-9][\w.-]*")
"""A hash or a commit, as far as it matters for the cache."""

NO_ADDRESS = (ValueError, httpx.InvalidURL)
"""What an address that is none raises; the text can hold a part of it."""

BUSY = (408, 425, 429, 500, 502, 503, 504)
"""Statuses that a later try may not meet again."""


@dataclass(frozen=True)
class Hub:
    """Where files come from and which cache they go to. The token is for the endpoint's own host alone.

    The endpoint is as HF_ENDPOINT has it, which may hold a password: `name` is what may be shown of it.
    """

    endpoint: str = field(repr=False)
    cache: Path
    token: str | None = field(default=None, repr=False)
    offline: bool = False

    @classmethod
    def from_environment(cls) -> Hub:
        """As `HF_ENDPOINT`, `HF_HUB_CACHE` or `HF_HOME`, `HF_TOKEN` or a login, and `HF_HUB_OFFLINE` have it.

        Raises StudioError `hub_token_invalid`, `hub_token_unreadable` and as `variables.check`.
        """
        variables.check(os.environ)
        return cls(constants.ENDPOINT, Path(constants.HF_HUB_CACHE), _token(), constants.HF_HUB_OFFLINE)

    @property
    def name(self) -> str:
        """The endpoint as it may be shown."""
        return address.public(self.endpoint)

    def page(self, repo: str) -> str:
        """A repository's page."""
        return f"{self.name}/{repo}"


def _token() -> str | None:
    """The token of the environment or of a login, fit to be sent; None where there is none."""
    if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN:
        return None
    try:
        token = get_token()
    except (OSError, UnicodeDecodeError) as error:
        reason = words(error) if isinstance(error, OSError) else "it is no text"
        raise StudioError("hub_token_unreadable", path=constants.HF_TOKEN_PATH, reason=reason) from None
    if token and not re.fullmatch(r"[\x21-\x7e]+", token):
        where = next((name for name in variables.TOKENS if os.environ.get(name)), constants.HF_TOKEN_PATH)
        raise StudioError("hub_token_invalid", where=where)
    return token


@dataclass(frozen=True)
class Info:
    """What the hub says of a file: the commit it belongs to, its hash as the hub gives it, its size in bytes."""

    commit: str
    etag: str
    size: int


class Busy(Exception):
    """The server can't answer now; `wait` is how many seconds it asked for, None where it named none."""

    def __init__(self, reason: str, wait: float | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


def describe(hub: Hub, variant: Variant, sleep: Callable[[float], object] = time.sleep) -> Info:
    """Ask for a file's metadata.

    Raises StudioError `model_gated`, `hub_token_refused`, `model_not_on_hub`, `hub_busy`, `hub_unreachable`,
    `hub_refuses` or `hub_offline`.
    """
    if hub.offline:
        raise StudioError("hub_offline", file=variant.file)
    url = hf_hub_url(variant.repo, variant.path, revision=variant.revision, endpoint=hub.endpoint)
    for attempt in range(METADATA_TRIES):
        try:
            found = get_hf_file_metadata(url, token=hub.token or False, timeout=METADATA_SECONDS, endpoint=hub.endpoint)
        except (HfHubHTTPError, httpx.HTTPError, OfflineModeIsEnabled, *NO_ADDRESS) as error:
            problem = _problem(error, hub, variant)
            if isinstance(problem, StudioError):
                raise problem from None
            if attempt + 1 == METADATA_TRIES:
                raise StudioError("hub_busy", endpoint=host(hub.endpoint), reason=problem.reason) from None
            sleep(pause(problem.wait, attempt))
            continue
        # Both become names of files.
        named = all(HASH.fullmatch(one or "") for one in (found.commit_hash, found.etag))
        if named and found.size and found.size > 0:
            return Info(str(found.commit_hash), str(found.etag), found.size)
        reason = "it names no size" if named else "it names no hash"
        raise StudioError("hub_refuses", endpoint=host(hub.endpoint), file=variant.file, reason=reason)
    raise AssertionError("unreachable")


@contextmanager
def reading(hub: Hub, variant: Variant, commit: str, start: int, stall: float) -> Iterator[Any]:
    """A response with the file's bytes from `start` on, status 200 or 206, or 416 where there are none.

    A redirect to another host is followed without the token. Not one byte for `stall` s raises `httpx.ReadTimeout`.
    Raises Busy, and StudioError as `describe` does.
    """
    url = hf_hub_url(variant.repo, variant.path, revision=commit, endpoint=hub.endpoint)
    headers = {**build_hf_headers(token=hub.token or False), "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    for _ in range(MAX_REDIRECTS + 1):
        with get_session().stream("GET", url, headers=headers, timeout=stall, follow_redirects=False) as response:
            if not response.has_redirect_location:
                _raise_for(response, hub, variant)
                yield response
                return
        try:
            target = urljoin(url, response.headers["location"])
            elsewhere = origin(target) != origin(url)
        except NO_ADDRESS as error:
            raise _problem(error, hub, variant) from None
        if elsewhere:
            headers = {
                name: value for name, value in headers.items() if name.lower() not in ("authorization", "cookie")
            }
        url = target
    raise StudioError("hub_refuses", endpoint=host(hub.endpoint), file=variant.file, reason="it redirects without end")


def _raise_for(response: Any, hub: Hub, variant: Variant) -> None:
    if response.status_code in (200, 206, 416):
        return
    response.read()
    try:
        hf_raise_for_status(response)
    except HfHubHTTPError as error:
        # A storage host that refuses means that its signed address has run out; the hub gives a new one.
        if origin(str(response.url)) != origin(hub.endpoint) and response.status_code in (401, 403):
            raise Busy(f"status {response.status_code}", None) from None
        raise _problem(error, hub, variant) from None
    raise StudioError(
        "hub_refuses", endpoint=host(hub.endpoint), file=variant.file, reason=f"status {response.status_code}"
    )


def _problem(error: Exception, hub: Hub, variant: Variant) -> StudioError | Busy:
    """What an error of the library means. Its own text is left out: it can hold a signed address."""
    if isinstance(error, OfflineModeIsEnabled):
        return StudioError("hub_offline", file=variant.file)
    if not isinstance(error, HfHubHTTPError):
        if isinstance(error, NO_ADDRESS):
            reason = "it redirects to no address"
            return StudioError("hub_refuses", endpoint=host(hub.endpoint), file=variant.file, reason=reason)
        return StudioError("hub_unreachable", endpoint=host(hub.endpoint), reason=reason_of(error))
    status = error.response.status_code if error.response is not None else 0
    if isinstance(error, GatedRepoError):
        return StudioError("model_gated", file=variant.file, page=hub.page(variant.repo))
    if isinstance(error, EntryNotFoundError):
        return StudioError("model_not_on_hub", what="file", value=f"{variant.repo}/{variant.path}")
    if isinstance(error, RevisionNotFoundError):
        return StudioError("model_not_on_hub", what="revision", value=f"{variant.repo} at {variant.revision}")
    if status == 401 and hub.token:
        return StudioError("hub_token_refused", endpoint=host(hub.endpoint), file=variant.file)
    if isinstance(error, RepositoryNotFoundError):
        return StudioError("model_not_on_hub", what="repository", value=variant.repo)
    if status in BUSY:
        wait = retry_after(error.response.headers) if error.response is not None else None
        if wait is not None and wait > LONGEST_WAIT:
            return StudioError(
                "hub_busy", endpoint=host(hub.endpoint), reason=f"it asks to be left alone for {wait:.0f} s"
            )
        return Busy(f"status {status}", wait)
    return StudioError("hub_refuses", endpoint=host(hub.endpoint), file=variant.file, reason=f"status {status}")


def retry_after(headers: Any) -> float | None:
    """Seconds that a `Retry-After` header asks for, as a number or a date; None where there is none."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def pause(asked: float | None, attempt: int, first: float = 0.5) -> float:
    """Seconds to wait before the next try: what the server asked for, else twice as long each time, 20 at most."""
    return asked if asked is not None else min(20.0, first * 2**attempt)


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what a token must not leave."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"https": 443}.get(parts.scheme, 80)


def host(url: str) -> str:
    """The host of an address, with its port where it names one; whatever else it holds is left out."""
    parts = urlsplit(url)
    return f"{parts.hostname or url}:{parts.port}" if parts.port else parts.hostname or url


def reason_of(error: Exception) -> str:
    """A transport error in a few words, without addresses."""
    names = {
        httpx.ConnectTimeout: "it does not answer in time",
        httpx.ReadTimeout: "it does not answer in time",
        httpx.ConnectError: "no connection",
        httpx.RemoteProtocolError: "the connection was cut",
        httpx.ReadError: "the connection was cut",
    }
    return next((text for kind, text in names.items() if isinstance(error, kind)), type(error).__name__)
