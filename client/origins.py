"""What is set, and from where: a flag of `up`, the environment, or the default. No value here is a secret.

`up` hands all settings on to the programs as variables, and in UP_ORIGINS where each came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from client.logs import MASK
from client.settings import SETTINGS, Setting, Settings, environment, without_credentials
from workflows import access

Origin = Literal["flag", "environment", "default"]
HANDED_ON = "UP_ORIGINS"
_OF_THE_TESTS = ("STUDIO_TEST_CHROMIUM", "COMFYUI_URL")


@dataclass(frozen=True)
class Given:
    """A setting in force: its value as it may be shown ("" where there is none) and where it came from."""

    setting: Setting
    value: str
    origin: Origin


def note(environ: Mapping[str, str], flags: Mapping[str, str]) -> str:
    """What UP_ORIGINS holds."""
    given = {s.env: "flag" if flags.get(s.env) else "environment" if environ.get(s.env) else "" for s in SETTINGS}
    return " ".join(f"{name}={origin}" for name, origin in given.items() if origin)


def given(settings: Settings, environ: Mapping[str, str]) -> tuple[Given, ...]:
    """Every setting but those of the tests, in the table's order."""
    noted = environ.get(HANDED_ON)
    origins = dict(part.partition("=")[::2] for part in (note(environ, {}) if noted is None else noted).split())
    values = {**environment(without_credentials(settings)), **_masked(settings)}
    return tuple(
        Given(setting, values.get(setting.env, ""), _origin(origins.get(setting.env, "")))
        for setting in SETTINGS
        if setting.env not in _OF_THE_TESTS
    )


def _masked(settings: Settings) -> dict[str, str]:
    """What is shown of the secrets: that they are there."""
    let_in = settings.comfyui_access
    scheme, _, rest = (settings.comfyui_url or "").partition("://")
    return {
        access.URL: f"{scheme}://{MASK}@{rest}" if let_in.credentials else settings.comfyui_url or "",
        access.TOKEN: MASK if let_in.token else "",
        access.HEADERS: ", ".join(f"{name}: {MASK}" for name, _ in let_in.extra),
    }


def _origin(text: str) -> Origin:
    return "flag" if text == "flag" else "environment" if text == "environment" else "default"
