"""Hugging Face's variables, looked at before its library reads them: with some wrong ones it can't be imported.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

from client.models import mirror
from client.models.place import existing
from workflows import address
from workflows.errors import StudioError

ENDPOINT = "HF_ENDPOINT"
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
FOLDERS = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")
"""What names the cache, or a folder above it; the first that is set counts."""


def prepare(environ: MutableMapping[str, str]) -> None:
    """Make of an empty variable one that isn't set, as it is meant. Raises StudioError as `check`."""
    for name in (ENDPOINT, *FOLDERS):
        if environ.get(name) == "":
            del environ[name]
    check(environ)


def check(environ: Mapping[str, str]) -> None:
    """Raises StudioError `hub_url_invalid` or `hub_folder_invalid`."""
    endpoint = environ.get(ENDPOINT, "")
    if endpoint and not address.is_whole(endpoint):
        raise StudioError("hub_url_invalid", value=address.masked(endpoint))
    at = existing(mirror.cache(environ))
    if not at.is_dir():
        title = next((name for name in FOLDERS if environ.get(name)), "The default of HF_HOME")
        raise StudioError("hub_folder_invalid", title=title, path=at)
