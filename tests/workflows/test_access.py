"""What is sent along to a server, as it is written in the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflows import access
from workflows.access import Access
from workflows.address import Credentials
from workflows.errors import StudioError

BOB = Credentials("bob", "s3cret")


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("X-Key: a", {"X-Key": "a"}),
        (" X-Key:a |X-Team :  film crew ", {"X-Key": "a", "X-Team": "film crew"}),
        ("X-Key: a\r\nX-Team: b\n", {"X-Key": "a", "X-Team": "b"}),
        ("X-Key: a|b\n", {"X-Key": "a|b"}),
        ("Cookie: a=1; b=2", {"Cookie": "a=1; b=2"}),
        ("Authorization: Custom xyz", {"Authorization": "Custom xyz"}),
        ("", {}),
        (" | \t", {}),
    ],
)
def test_headers_are_read_from_one_text(text: str, headers: dict[str, str]) -> None:
    found = access.parse(None, "", text, "")
    assert found.headers == headers
    assert access.parse(None, "", access.join(found.extra), "") == found


@pytest.mark.parametrize(
    "text",
    [
        "s3cret",
        "X Key: s3cret",
        ": s3cret",
        "X-Key:",
        "X-Key: s3cret\x00",
        "X-Key: s3cret\rX-Other: b",
        "X-Key: s3crét",
        "X-Key: s3cret | x-key: s3cret",
        "Host: s3cret",
        "content-length: 3",
        "Sec-WebSocket-Key: s3cret",
    ],
)
def test_what_is_no_header_is_refused_without_its_value(text: str) -> None:
    with pytest.raises(StudioError) as raised:
        access.parse(None, "", text, "")
    assert raised.value.code == "header_invalid"
    assert "s3cr" not in f"{raised.value} {raised.value.hint} {raised.value.facts}"


def test_a_token_is_one_word() -> None:
    assert access.parse(None, " abc.DEF-1\n", "", "").headers == {"Authorization": "Bearer abc.DEF-1"}
    for bad in ("two words", "s3cr\r\nX-Key: x", "s3crét"):
        with pytest.raises(StudioError) as raised:
            access.parse(None, bad, "", "")
        assert raised.value.code == "header_invalid"
        assert "s3cr" not in f"{raised.value} {raised.value.facts}"


@pytest.mark.parametrize(
    ("credentials", "token", "headers"),
    [(BOB, "t0ken", ""), (BOB, "", "authorization: Bearer t0ken"), (None, "t0ken", "Authorization: Bearer t0ken")],
)
def test_one_way_to_sign_in_is_enough(credentials: Credentials | None, token: str, headers: str) -> None:
    with pytest.raises(StudioError) as raised:
        access.parse(credentials, token, headers, "")
    assert raised.value.code == "auth_twice"
    assert not any(secret in str(raised.value) for secret in ("t0ken", "s3cret"))


def test_a_secret_is_not_in_the_repr() -> None:
    found = Access(BOB, "t0ken", (("X-Key", "s3cret"),), Path("/ca.pem"))
    assert not any(secret in repr(found) for secret in ("t0ken", "s3cret", "X-Key"))


def test_the_settings_secrets_are_for_the_server_they_name() -> None:
    environ = {"STUDIO_COMFYUI_URL": "https://host/comfy/", "STUDIO_COMFYUI_TOKEN": "t0ken"}
    assert access.for_server("https://host/comfy", "--server", environ) == ("https://host/comfy", Access(token="t0ken"))
    for other in ("http://host/comfy", "https://host", "https://host:444/comfy", "https://host/comfy2"):
        assert access.for_server(other, "--server", environ) == (other, Access())
    without = {"STUDIO_COMFYUI_TOKEN": "t0ken"}
    assert access.for_server("http://127.0.0.1:8188", "--server", without)[1] == Access()
    with pytest.raises(StudioError, match="two ways"):
        access.for_server("https://bob:s3cret@host/comfy", "--server", environ)
