"""The hub's token: whether there is one, where it comes from, and whether the hub takes it. Never its text."""

from __future__ import annotations

import os
from typing import Literal

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import httpx

from client.models import variables
from client.models.hub import NO_ADDRESS, Hub, host, reason_of

Verdict = Literal["none", "accepted", "refused", "unknown"]


def origin(hub: Hub) -> str:
    """Where the token comes from, in words; "" where there is none."""
    if not hub.token:
        return ""
    named = [name for name in variables.TOKENS if os.environ.get(name)]
    return f"the variable {named[0]}" if named else "a login on this machine"


def check(hub: Hub) -> tuple[Verdict, str]:
    """Ask the hub whether it takes the token; where that is unknown, why."""
    if not hub.token:
        return "none", ""
    if hub.offline:
        return "unknown", "HF_HUB_OFFLINE forbids asking"
    try:
        HfApi(endpoint=hub.endpoint).whoami(token=hub.token)
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status in (401, 403):
            return "refused", ""
        return "unknown", f"{host(hub.endpoint)} answered {status}"
    except OfflineModeIsEnabled:
        return "unknown", "HF_HUB_OFFLINE forbids asking"
    except httpx.HTTPError as error:
        return "unknown", f"{host(hub.endpoint)}: {reason_of(error)}"
    except NO_ADDRESS:
        return "unknown", f"{host(hub.endpoint)} answered something else than the hub does"
    return "accepted", ""
