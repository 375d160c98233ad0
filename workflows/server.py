"""The little that `python -m workflows` asks of a live server. Its address may hold user and password.

Token, headers and authority of the settings go along where it is the server that STUDIO_COMFYUI_URL names.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import uuid
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from workflows import access, address
from workflows.errors import StudioError

SECONDS = 30
ABSENT = (400, 404)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@cache
def tls(ca: Path | None) -> ssl.SSLContext:
    """How a server's certificate is checked: by the authorities of a PEM file, or by those that the system trusts.

    Raises StudioError `ca_unusable`.
    """
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else str(error.strerror).lower()
        raise StudioError("ca_unusable", path=ca, reason=reason) from None


def object_info(server: str) -> dict[str, Any]:
    """The node interfaces of a live server, from `GET /object_info`.

    Raises StudioError `engine_url_invalid`, `engine_forbidden` or `engine_unreachable`.
    """
    try:
        loaded = json.loads(_answer(server, "/object_info"))
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _unreachable(server, error) from error
    if not isinstance(loaded, dict):
        raise _unreachable(server, "its answer is no table of nodes")
    return loaded


def has_upload(server: str, name: str) -> bool:
    """Whether the server has an uploaded file of this name, from `GET /view`; there may be a folder in front.

    True for a name that leads out of the input folder, where no upload could be. Raises StudioError as `object_info`.
    """
    if not _is_within(name):
        return True
    folder, _, filename = _plain(name).rpartition("/")
    try:
        _answer(server, f"/view?{urlencode({'filename': filename, 'subfolder': folder, 'type': 'input'})}", read=False)
    except HTTPError as error:
        if error.code in ABSENT:
            return False
        raise _unreachable(server, error) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _unreachable(server, error) from error
    return True


def upload(server: str, name: str, data: bytes) -> None:
    """Put a file under this name, by `POST /upload/image`; one that is there already is left as it is.

    Raises StudioError `placeholder_refused` where the server says no or takes it under another name, else as
    `object_info`.
    """
    folder, _, filename = _plain(name).rpartition("/")
    boundary = uuid.uuid4().hex
    fields = {'name="type"': b"input", 'name="subfolder"': folder.encode()}
    quoted = filename.replace("\\", "\\\\").replace('"', '\\"')
    fields[f'name="image"; filename="{quoted}"\r\nContent-Type: application/octet-stream'] = data
    parts = [
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + value + b"\r\n"
        for head, value in fields.items()
    ]
    body = b"".join((*parts, f"--{boundary}--\r\n".encode()))
    try:
        answer = _answer(server, "/upload/image", body, f"multipart/form-data; boundary={boundary}")
        stored = json.loads(answer)
        at = "/".join(part for part in (stored["subfolder"], stored["name"]) if part)
    except HTTPError as error:
        raise StudioError("placeholder_refused", value=name, reason=f"status {error.code}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _unreachable(server, error) from error
    except (KeyError, TypeError) as error:
        raise _unreachable(server, "its answer is not ComfyUI's") from error
    if at != _plain(name):
        raise StudioError("placeholder_refused", value=name, reason=f"it is there as {at}")


def _plain(name: str) -> str:
    """A file's name as it is on the server: slashes forward, the mark for the input folder off."""
    return name.removesuffix("[input]").strip().replace("\\", "/")


def _is_within(name: str) -> bool:
    """Whether a file of this name lies in the folder for uploads."""
    plain = _plain(name)
    outside = plain.startswith("/") or ":" in plain or ".." in plain.split("/")
    return bool(plain) and plain.isprintable() and not outside


def _answer(server: str, path: str, body: bytes | None = None, content_type: str = "", read: bool = True) -> bytes:
    bare, known = access.for_server(server, "--server", os.environ)
    request = Request(f"{bare}{path}", data=body)
    for name, value in known.headers.items():
        # A server that this one redirects to is not to have them.
        request.add_unredirected_header(name, value)
    if content_type:
        request.add_header("Content-Type", content_type)
    with _opener(known.ca, urlsplit(bare).hostname in LOOPBACK).open(request, timeout=SECONDS) as answer:
        return bytes(answer.read()) if read else b""


@cache
def _opener(ca: Path | None, local: bool) -> OpenerDirector:
    # A proxy meant for the internet must not catch the engine on this machine.
    return build_opener(ProxyHandler({} if local else None), HTTPSHandler(context=tls(ca)))


def _unreachable(server: str, reason: object) -> StudioError:
    bare, _ = address.split(server, "--server")
    if isinstance(reason, HTTPError) and reason.code in (401, 403):
        return StudioError("engine_forbidden", server=bare, status=reason.code)
    return StudioError("engine_unreachable", server=bare, reason=reason)
