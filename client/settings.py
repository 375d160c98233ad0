"""What can be set from outside, in one table, and the values in force.

Each setting has an environment variable; those a person changes often are flags of `python3 -m bootstrap up` too.
The README's table is checked against `SETTINGS` by a test. Standard library only: the first stage of set-up reads it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from client.estimate.model import LEAST_BUDGET_SECONDS
from workflows import access, address
from workflows.access import Access
from workflows.errors import StudioError

DEVICES = ("auto", "cuda", "rocm", "mps", "cpu")
"""What the managed engine may compute on."""
ADMINS = ("auto", "yes", "no")
"""Who may act on the machine from a page: whoever comes from this machine alone, everybody, nobody."""
PACK_PROFILES = ("core", "aio")
"""Which custom node packs are installed: none, or those of the predecessor's all-in-one workflow."""

VRAM_TIERS = ("auto", "gpu-only", "high", "normal", "low", "none")
"""How much of the models the managed engine keeps in the GPU's memory; `auto` leaves that to ComfyUI."""

_MOST_SECONDS = 7 * 86400.0
_MOST_GIGABYTES = 1000
_LEAST_KEPT_DAYS, _MOST_KEPT_DAYS = 1, 36_500
_LEAST_KEPT_GB, _MOST_KEPT_GB = 0.1, 1_000_000


@dataclass(frozen=True)
class Setting:
    """One row of the table: the variable, its flag ("" where there is none), its default as text, what it means."""

    env: str
    flag: str
    default: str
    meaning: str


SETTINGS: tuple[Setting, ...] = (
    Setting("STUDIO_ENGINE", "--engine", "auto", "Engine: auto, draft, managed or external."),
    Setting("STUDIO_COMFYUI_URL", "", "", "Address of a ComfyUI server that already runs; makes it the engine."),
    Setting("STUDIO_COMFYUI_TOKEN", "", "", "Token for that server, sent as a bearer token."),
    Setting(
        "STUDIO_COMFYUI_HEADERS",
        "",
        "",
        "Further headers for that server, as Name: value, one a line or with a vertical bar between them.",
    ),
    Setting("STUDIO_COMFYUI_CA", "", "", "PEM file of the authority that signed that server's certificate, for https."),
    Setting("STUDIO_HOST", "--host", "127.0.0.1", "Address the studio listens on."),
    Setting("STUDIO_PORT", "--port", "8501", "Port of the studio."),
    Setting("STUDIO_ENGINE_PORT", "--engine-port", "8188", "Port of the engine on 127.0.0.1."),
    Setting("STUDIO_DATA", "--data", "./data", "Folder for the database, the library, logs and run files."),
    Setting("STUDIO_MAX_UPLOAD_MB", "", "200", "Largest file that may be uploaded, in MB."),
    Setting(
        "STUDIO_ADMIN",
        "",
        "auto",
        "Whether visitors may act on the machine: yes, no, or auto, which is yes for visitors from this machine.",
    ),
    Setting(
        "STUDIO_BUDGET_CAP", "", "900", "Most seconds that a job may run, whatever its estimate says; none for no end."
    ),
    Setting(
        "STUDIO_QUEUE_LIMIT",
        "",
        "none",
        "Most seconds that a job may wait on the engine; none for no end.",
    ),
    Setting("STUDIO_KEEP_DAYS", "", "", "Days after which videos are deleted, favourites excepted; never where empty."),
    Setting(
        "STUDIO_KEEP_GB",
        "",
        "",
        "GB that the library may fill before the oldest videos are deleted, favourites excepted; no limit where empty.",
    ),
    Setting("STUDIO_DEVICE", "--device", "auto", "What the managed engine computes on: auto, cuda, rocm, mps or cpu."),
    Setting(
        "STUDIO_COMFYUI_SOURCE",
        "",
        "https://github.com/Comfy-Org/ComfyUI",
        "Git repository that ComfyUI is installed from: a URL, a local path or a bundle.",
    ),
    Setting(
        "STUDIO_COMFYUI_COMMIT",
        "",
        "bb131be9e83d2f773c90f1d6f1e4b248a498c8c5",
        "The commit of it that is installed (this one is ComfyUI 0.27.0), 40 hexadecimal digits.",
    ),
    Setting(
        "STUDIO_COMFYUI_DIR", "", "", "Folder of the managed ComfyUI; where empty, comfyui inside the data folder."
    ),
    Setting(
        "STUDIO_COMFYUI_PACKS",
        "--packs",
        "core",
        "Custom node packs: core (none) or aio (the ten of the predecessor's all-in-one workflow).",
    ),
    Setting(
        "STUDIO_PACKS_SOURCE",
        "",
        "https://github.com",
        "Where the packs' git repositories lie, as owner/name: a URL or a local folder.",
    ),
    Setting(
        "STUDIO_VRAM",
        "",
        "auto",
        "How much the managed engine keeps in the GPU's memory: auto, gpu-only, high, normal, low or none.",
    ),
    Setting("STUDIO_RESERVE_VRAM_GB", "", "", "GB of the GPU's memory that the managed engine leaves to others."),
    Setting(
        "STUDIO_COMFYUI_NODES",
        "",
        "",
        "Folders in base/custom_nodes of the managed ComfyUI that it may load, separated by commas.",
    ),
    Setting("STUDIO_TEST_CHROMIUM", "", "", "Chromium for the browser tests; where empty it is found or installed."),
    Setting("COMFYUI_URL", "", "", "ComfyUI server for the tests that --comfy-real adds."),
)


@dataclass(frozen=True)
class Settings:
    """The settings in force. Paths are absolute; `comfyui_url` is None where no external server is named.

    `comfyui_url` may be shown and stored; `comfyui_access` holds the secrets that go with it. `comfyui_source` and
    `packs_source` are absolute paths, or addresses as given: `address.public` makes what may be shown of them.
    `reserve_vram_gb` is None where ComfyUI is to choose, `keep_days` and `keep_gb` where the library is kept whole,
    `budget_cap` and `queue_limit` where jobs may run and wait for ever. `admins` is one of `ADMINS`: whoever is none
    sees neither logs nor settings, and no page acts on the machine for them.
    """

    engine: str
    comfyui_url: str | None
    comfyui_access: Access
    host: str
    port: int
    engine_port: int
    data: Path
    max_upload_mb: int
    admins: str
    budget_cap: float | None
    queue_limit: float | None
    keep_days: float | None
    keep_gb: float | None
    device: str
    comfyui_source: str = field(repr=False)
    comfyui_commit: str
    comfyui_dir: Path
    comfyui_packs: str
    packs_source: str = field(repr=False)
    vram: str
    reserve_vram_gb: float | None
    comfyui_nodes: tuple[str, ...]

    @property
    def server_url(self) -> str:
        """Where the engine answers: the external server, or the local engine's port on loopback."""
        return self.comfyui_url or f"http://127.0.0.1:{self.engine_port}"

    @property
    def studio_url(self) -> str:
        """Where a browser on this machine finds the studio."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def read(environ: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None) -> Settings:
    """Settings from flags (by the name of their variable), environment variables elsewhere, else defaults.

    Raises StudioError `value_type` or `value_out_of_range` where a number is not one or is out of range,
    `engine_url_invalid`, `source_url_invalid`, those of `access.parse`, `value_not_offered`, `commit_invalid` and
    `data_nowhere`. The sentence names the flag or the variable that the value came from.
    """
    given = {s.env: _given(s, os.environ if environ is None else environ, flags or {}) for s in SETTINGS}
    url = given["STUDIO_COMFYUI_URL"]
    bare, credentials = address.split(url.text, url.title) if url.text else (None, None)
    secrets = [given[name].text for name in (access.TOKEN, access.HEADERS, access.CA)]
    data = _folder(given["STUDIO_DATA"])
    return Settings(
        engine=given["STUDIO_ENGINE"].text,
        comfyui_url=bare,
        comfyui_access=access.parse(credentials, *secrets) if bare else Access(),
        host=given["STUDIO_HOST"].text,
        port=_whole(given["STUDIO_PORT"], 1, 65535),
        engine_port=_whole(given["STUDIO_ENGINE_PORT"], 1, 65535),
        data=data,
        max_upload_mb=_whole(given["STUDIO_MAX_UPLOAD_MB"], 1, 100_000),
        admins=_one_of(given["STUDIO_ADMIN"], ADMINS),
        budget_cap=_seconds(given["STUDIO_BUDGET_CAP"], LEAST_BUDGET_SECONDS),
        queue_limit=_seconds(given["STUDIO_QUEUE_LIMIT"], 1.0),
        keep_days=_number(given["STUDIO_KEEP_DAYS"], _LEAST_KEPT_DAYS, _MOST_KEPT_DAYS, ""),
        keep_gb=_number(given["STUDIO_KEEP_GB"], _LEAST_KEPT_GB, _MOST_KEPT_GB, " GB"),
        device=_one_of(given["STUDIO_DEVICE"], DEVICES),
        comfyui_source=_source(given["STUDIO_COMFYUI_SOURCE"]),
        comfyui_commit=_commit(given["STUDIO_COMFYUI_COMMIT"]),
        comfyui_dir=_folder(given["STUDIO_COMFYUI_DIR"]) if given["STUDIO_COMFYUI_DIR"].text else data / "comfyui",
        comfyui_packs=_one_of(given["STUDIO_COMFYUI_PACKS"], PACK_PROFILES),
        packs_source=_source(given["STUDIO_PACKS_SOURCE"]),
        vram=_one_of(given["STUDIO_VRAM"], VRAM_TIERS),
        reserve_vram_gb=_number(given["STUDIO_RESERVE_VRAM_GB"], 0, _MOST_GIGABYTES, " GB"),
        comfyui_nodes=_folder_names(given["STUDIO_COMFYUI_NODES"]),
    )


def data_folder(environ: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None) -> Path:
    """The data folder alone, whatever the other settings are. Raises StudioError `data_nowhere`."""
    (setting,) = (s for s in SETTINGS if s.env == "STUDIO_DATA")
    return _folder(_given(setting, os.environ if environ is None else environ, flags or {}))


def environment(settings: Settings) -> dict[str, str]:
    """The variables that make `read` give these settings again, for the programs started with them.

    They hold the server's credentials: `without_credentials` makes settings whose variables may be stored. Those of
    the sources are left out, as only the installation needs them.
    """
    return {
        "STUDIO_ENGINE": settings.engine,
        "STUDIO_COMFYUI_URL": address.join(settings.comfyui_url or "", settings.comfyui_access.credentials),
        access.TOKEN: settings.comfyui_access.token,
        access.HEADERS: access.join(settings.comfyui_access.extra),
        access.CA: str(settings.comfyui_access.ca or ""),
        "STUDIO_HOST": settings.host,
        "STUDIO_PORT": str(settings.port),
        "STUDIO_ENGINE_PORT": str(settings.engine_port),
        "STUDIO_DATA": str(settings.data),
        "STUDIO_MAX_UPLOAD_MB": str(settings.max_upload_mb),
        "STUDIO_ADMIN": settings.admins,
        "STUDIO_BUDGET_CAP": "none" if settings.budget_cap is None else f"{settings.budget_cap:g}",
        "STUDIO_QUEUE_LIMIT": "none" if settings.queue_limit is None else f"{settings.queue_limit:g}",
        "STUDIO_KEEP_DAYS": _optional(settings.keep_days),
        "STUDIO_KEEP_GB": _optional(settings.keep_gb),
        "STUDIO_DEVICE": settings.device,
        "STUDIO_COMFYUI_SOURCE": address.public(settings.comfyui_source),
        "STUDIO_COMFYUI_COMMIT": settings.comfyui_commit,
        "STUDIO_COMFYUI_DIR": str(settings.comfyui_dir),
        "STUDIO_COMFYUI_PACKS": settings.comfyui_packs,
        "STUDIO_PACKS_SOURCE": address.public(settings.packs_source),
        "STUDIO_VRAM": settings.vram,
        "STUDIO_RESERVE_VRAM_GB": _optional(settings.reserve_vram_gb),
        "STUDIO_COMFYUI_NODES": ",".join(settings.comfyui_nodes),
    }


def without_credentials(settings: Settings) -> Settings:
    """The same settings, fit to be stored."""
    return replace(
        settings,
        comfyui_access=Access(ca=settings.comfyui_access.ca),
        comfyui_source=address.public(settings.comfyui_source),
        packs_source=address.public(settings.packs_source),
    )


@dataclass(frozen=True)
class _Given:
    """A value as text, and the flag or variable that it came from."""

    title: str
    text: str


def _given(setting: Setting, environ: Mapping[str, str], flags: Mapping[str, str]) -> _Given:
    flag = flags.get(setting.env)
    return _Given(setting.flag, flag) if flag else _Given(setting.env, environ.get(setting.env) or setting.default)


def _folder(given: _Given) -> Path:
    try:
        return Path(given.text).expanduser().resolve()
    except (RuntimeError, OSError) as error:
        reason = str(error).rstrip(".")
        raise StudioError("data_nowhere", title=given.title, value=given.text, reason=reason) from None


def _source(given: _Given) -> str:
    """Where a git repository lies: an address as it is, a local path made absolute, as git runs in another folder."""
    text = address.source(given.text.strip(), given.title)
    # As git tells them apart: a colon before the first slash is `host:path`, which is no local path.
    return text if ":" in text.partition("/")[0] else str(_folder(replace(given, text=text)))


def _one_of(given: _Given, known: tuple[str, ...]) -> str:
    if given.text not in known:
        raise StudioError("value_not_offered", title=given.title, value=given.text, known=", ".join(known))
    return given.text


def _commit(given: _Given) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{40}", given.text):
        raise StudioError("commit_invalid", title=given.title, value=given.text)
    return given.text.lower()


def _seconds(given: _Given, low: float) -> float | None:
    return None if given.text == "none" else _number(given, low, _MOST_SECONDS, " s")


def _number(given: _Given, low: float, high: float, unit: str) -> float | None:
    if not given.text:
        return None
    try:
        value = float(given.text)
    except ValueError:
        raise StudioError("value_type", title=given.title, expected="a number", value=given.text) from None
    if not low <= value <= high:
        raise StudioError("value_out_of_range", title=given.title, low=low, high=high, unit=unit, value=given.text)
    return value


def _optional(value: float | None) -> str:
    return "" if value is None else str(value)


def _folder_names(given: _Given) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for part in given.text.split(",") if (name := part.strip())))
    for name in names:
        # It becomes an argument of ComfyUI, so that one that begins with a dash would be an option.
        if not re.fullmatch(r"[^\W][\w. +-]*", name):
            raise StudioError("value_type", title=given.title, expected="names of folders", value=name)
    return names


def _whole(given: _Given, low: int, high: int) -> int:
    try:
        value = int(given.text)
    except ValueError:
        raise StudioError("value_type", title=given.title, expected="a whole number", value=given.text) from None
    if not low <= value <= high:
        raise StudioError("value_out_of_range", title=given.title, low=low, high=high, unit="", value=value)
    return value
