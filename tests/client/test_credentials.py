"""A job on a server behind a gate that speaks TLS, wants a token and a header, and lies below a path."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.socket import Socket
from client.transport import Server, Unreachable
from tests.support import scripted
from tests.support.commands import CHECKOUT, environment
from tests.support.gate import AUTHORITY, TLS, Gate
from tests.support.videos import describe
from workflows.access import Access
from workflows.errors import StudioError

TOKEN, KEY = "t0ken-s3cret", "k3y-s3cret"
WANTED = {"Authorization": f"Bearer {TOKEN}", "X-Key": KEY}
SECRETS = Access(None, TOKEN, (("X-Key", KEY),), AUTHORITY)
PICTURE = CHECKOUT / "assets" / "placeholders" / "placeholder.png"


@pytest.fixture(scope="module")
def gate(draft_url: str) -> Iterator[Gate]:
    with Gate(draft_url, WANTED, prefix="/team/comfy", tls=True) as gate:
        yield gate


def run(out: Path, picture: Path, **env: str) -> subprocess.CompletedProcess[str]:
    values = ("prompt=a lighthouse", f"image={picture}", "seconds=1", "width=256", "height=256")
    return subprocess.run(
        [sys.executable, "-m", "client", "run", "i2v", "--preset", "fast"]
        + [f"--set={value}" for value in values]
        + ["--out", str(out)],
        cwd=CHECKOUT,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_upload_job_socket_and_download_pass_the_gate(gate: Gate, tmp_path: Path) -> None:
    secrets = {"STUDIO_COMFYUI_TOKEN": TOKEN, "STUDIO_COMFYUI_HEADERS": f"X-Key: {KEY}"}
    made = run(
        tmp_path / "clip.mp4",
        PICTURE,
        STUDIO_COMFYUI_URL=gate.url,
        STUDIO_COMFYUI_CA=str(AUTHORITY),
        # Has no say where an authority is named.
        REQUESTS_CA_BUNDLE=str(TLS / "none.pem"),
        **secrets,
    )
    assert made.returncode == 0, made.stderr
    assert describe(tmp_path / "clip.mp4")["width"] == 256
    assert gate.refused == []
    begun = {line.split("?")[0].split(" HTTP")[0] for line in gate.seen}
    assert {
        "POST /team/comfy/upload/image",
        "POST /team/comfy/prompt",
        "GET /team/comfy/ws",
        "GET /team/comfy/view",
    } <= begun
    assert not any(secret in made.stdout + made.stderr for secret in (TOKEN, KEY))


def test_a_server_whose_authority_is_unknown_is_not_spoken_to(gate: Gate) -> None:
    before = len(gate.seen)
    stranger = Access(None, TOKEN)
    with pytest.raises(Unreachable, match="certificate is not trusted"):
        Server(gate.url, stranger).system_stats()
    with pytest.raises(Unreachable):
        Socket(Server(gate.url).websocket_url("a"), stranger)
    assert gate.seen[before:] == []


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_can_not_be_read_is_said(gate: Gate, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    refused = run(tmp_path / "clip.mp4", PICTURE, STUDIO_COMFYUI_URL=gate.url, STUDIO_COMFYUI_CA=str(path))
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"STUDIO_COMFYUI_CA names {path}, which can't be read as certificates")


def test_a_wrong_token_is_said_in_one_sentence(gate: Gate) -> None:
    with pytest.raises(StudioError) as raised:
        Server(gate.url, Access(None, "wr0ng", (), AUTHORITY)).system_stats()
    assert raised.value.code == "engine_forbidden"
    assert "wr0ng" not in f"{raised.value}{raised.value.hint}"


def test_an_entry_in_netrc_does_not_take_the_token_s_place(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setattr("client.transport.LOOPBACK", ())
    assert Server(gate.url, SECRETS).system_stats()["system"]


def test_a_socket_that_is_sent_on_takes_no_secret_along(draft_url: str) -> None:
    with scripted.engine() as elsewhere, scripted.engine() as server:
        server.redirect = f"{elsewhere.url}/ws"
        with pytest.raises(Unreachable):
            Socket(Server(server.url).websocket_url("a"), Access(None, TOKEN))
        assert server.authorizations == [f"Bearer {TOKEN}"]
        assert elsewhere.seen == []
