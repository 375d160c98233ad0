"""An engine that asks who is there: what it wants is sent to that engine, and found nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from bootstrap.probe import engine_failure
from client import settings as configuration
from tests.bootstrap.conftest import Running
from tests.support.commands import CHECKOUT, bootstrap, environment, eventually
from tests.support.gate import Gate
from tests.support.ports import free_ports
from workflows.access import Access
from workflows.address import Credentials, split
from workflows.errors import StudioError

USER, PASSWORD = "bob", "s3cret/é@:100%"
ENCODED = quote(PASSWORD, safe="")
BASIC = Credentials(USER, PASSWORD).header
TOKEN, KEY = "t0ken-s3cret", "k3y/s3cret"
SECRETS = ("s3cret", PASSWORD, ENCODED, BASIC.partition(" ")[2])


@pytest.fixture(scope="module")
def guard(running: Running) -> Iterator[Gate]:
    with Gate(running.engine_url, {"Authorization": BASIC}) as guard:
        yield guard


@pytest.fixture(scope="module")
def strict(running: Running) -> Iterator[Gate]:
    wanted = {"Authorization": f"Bearer {TOKEN}", "X-Key": KEY}
    with Gate(running.engine_url, wanted, prefix="/team/comfy") as strict:
        yield strict


def with_password(guard: Gate, password: str = ENCODED) -> str:
    return f"http://{USER}:{password}@{guard.host}"


def workflows(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workflows", *arguments],
        cwd=CHECKOUT,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def said(ended: subprocess.CompletedProcess[str], code: int) -> bytes:
    assert ended.returncode == code, ended.stdout + ended.stderr
    return f"{ended.stdout}{ended.stderr}".encode()


def lives_with(data: Path, gate: Gate, right: dict[str, str], wrong: dict[str, str]) -> None:
    """A whole life of a studio at this gate leaves none of the secrets in its files and outputs."""
    (port,) = free_ports(1)
    flags = ("--data", data, "--port", port)
    outputs = [said(bootstrap("up", "--detach", *flags, env=wrong), 2)]
    assert b"lets nobody in without credentials that it accepts (status 401)" in outputs[0]
    assert b"STUDIO_COMFYUI_TOKEN" in outputs[0]
    try:
        outputs.append(said(bootstrap("up", "--detach", *flags, env=right), 0))
        outputs.append(said(bootstrap("up", "--detach", *flags, env=right), 0))
        assert b"already runs" in outputs[-1]
        outputs.append(said(bootstrap("up", "--detach", *flags, env=wrong), 2))
        assert b"A studio already runs" in outputs[-1]
        # Another shell, which does not have the secrets.
        assert eventually(lambda: bootstrap("status", "--data", data).returncode == 0)
        outputs.append(said(bootstrap("status", "--data", data), 0))
        outputs.append(said(bootstrap("status", "--json", "--data", data), 0))
        found = json.loads(outputs[-1])
        assert (found["engine"], found["engine_url"]) == ("external", gate.url)
        outputs.extend(Path(f"/proc/{program['pid']}/cmdline").read_bytes() for program in listed(found))
    finally:
        outputs.append(said(bootstrap("down", "--data", data), 0))
    files = {str(path): path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert any(path.endswith("studio.log") for path in files)
    everything = {**files, **{f"output {number}": output for number, output in enumerate(outputs)}}
    assert [name for name, text in everything.items() if any(secret.encode() in text for secret in SECRETS)] == []


def listed(status: dict[str, dict[str, dict[str, int | None]]]) -> list[dict[str, int | None]]:
    """The programs that have a process, where their arguments can be read."""
    programs = [program for program in status["programs"].values() if program["pid"]]
    return programs if Path("/proc/self/cmdline").exists() else []


def test_a_password_is_used_and_neither_printed_nor_stored(guard: Gate, tmp_path: Path) -> None:
    right = {"STUDIO_COMFYUI_URL": f"{with_password(guard)}/"}
    lives_with(tmp_path / "data", guard, right, {"STUDIO_COMFYUI_URL": with_password(guard, "s3cret")})


def test_a_token_and_headers_are_used_and_neither_printed_nor_stored(strict: Gate, tmp_path: Path) -> None:
    right = {
        "STUDIO_COMFYUI_URL": strict.url,
        "STUDIO_COMFYUI_TOKEN": TOKEN,
        "STUDIO_COMFYUI_HEADERS": f"X-Team: film | X-Key: {KEY}",
    }
    lives_with(tmp_path / "data", strict, right, {**right, "STUDIO_COMFYUI_HEADERS": "X-Key: s3cret"})


def test_what_is_stored_of_the_settings_has_no_password(guard: Gate) -> None:
    chosen = configuration.read({"STUDIO_COMFYUI_URL": with_password(guard)})
    assert chosen.comfyui_url == chosen.server_url == guard.url
    assert chosen.comfyui_access == Access(Credentials(USER, PASSWORD))
    assert configuration.read(configuration.environment(chosen)) == chosen
    stored = configuration.environment(configuration.without_credentials(chosen))
    assert stored["STUDIO_COMFYUI_URL"] == guard.url
    assert PASSWORD not in repr(chosen)


def test_what_is_stored_of_the_settings_has_no_token_and_no_header(strict: Gate) -> None:
    headers = f"X-Key: {KEY}\n\nX-Odd: a|b: c\n"
    given = {"STUDIO_COMFYUI_TOKEN": TOKEN, "STUDIO_COMFYUI_HEADERS": headers, "STUDIO_COMFYUI_CA": "/etc/team.pem"}
    chosen = configuration.read({"STUDIO_COMFYUI_URL": strict.url, **given})
    assert chosen.comfyui_access.headers == {
        "X-Key": KEY,
        "X-Odd": "a|b: c",
        "Authorization": f"Bearer {TOKEN}",
    }
    assert configuration.read(configuration.environment(chosen)) == chosen
    stored = configuration.environment(configuration.without_credentials(chosen))
    assert stored["STUDIO_COMFYUI_CA"] == "/etc/team.pem"
    assert not any(secret in text for secret in (TOKEN, KEY, "X-Key") for text in (*stored.values(), repr(chosen)))


def test_the_secrets_of_a_server_are_for_no_other_engine() -> None:
    chosen = configuration.read({"STUDIO_COMFYUI_TOKEN": TOKEN, "STUDIO_COMFYUI_HEADERS": f"X-Key: {KEY}"})
    assert chosen.comfyui_access == Access()


def test_the_graphs_are_checked_with_the_token_of_that_server_alone(strict: Gate, guard: Gate) -> None:
    secrets = {"STUDIO_COMFYUI_TOKEN": TOKEN, "STUDIO_COMFYUI_HEADERS": f"X-Key: {KEY}"}
    said(workflows("check", "--server", f"{strict.url}/", env={**secrets, "STUDIO_COMFYUI_URL": strict.url}), 0)
    elsewhere = workflows("check", "--server", strict.url, env={**secrets, "STUDIO_COMFYUI_URL": guard.url})
    assert b"401" in said(elsewhere, 2)


def test_the_graphs_are_checked_on_a_server_that_asks_for_a_password(guard: Gate) -> None:
    checked = said(workflows("check", "--server", with_password(guard)), 0)
    refused = said(workflows("check", "--server", with_password(guard, "s3cret")), 2)
    assert b"lets nobody in without credentials that it accepts (status 401)" in refused
    assert b"STUDIO_COMFYUI_URL" in refused
    for output in (checked, refused):
        assert b"s3cret" not in output


@pytest.mark.parametrize(
    ("written", "bare", "credentials"),
    [
        ("http://host:8188/", "http://host:8188", None),
        (" https://host/comfy/ ", "https://host/comfy", None),
        ("http://[::1]:8188", "http://[::1]:8188", None),
        ("http://bob@host", "http://host", Credentials("bob", "")),
        ("http://bob:a@b@host:1/x", "http://host:1/x", Credentials("bob", "a@b")),
        ("http://b%3Aob:%C3%A9%2F@[::1]:1", "http://[::1]:1", Credentials("b:ob", "é/")),
    ],
)
def test_an_address_is_taken_apart(written: str, bare: str, credentials: Credentials | None) -> None:
    assert split(written, "--server") == (bare, credentials)


@pytest.mark.parametrize(
    "written",
    [
        "127.0.0.1:8188",
        "bob:s3cret@host:8188",
        "ftp://bob:s3cret@host",
        "http://bob:s3cret@",
        "http://bob:s3cret@host:port",
        "http://bob:s3cret@host:0",
        "http://bob:s3cret/1@host",
        "http://bob:12/s3cret@host",
        "http://bob:12?s3cret@host",
        "http://bob:12#s3cret@host",
        "http://bob:s3cret@ho st",
        "http://host:8188?token=s3cret",
        "http://host:8188/x?a=1&token=s3cret#more",
        "http://host:8188#s3cret",
        "http://host:8188/?token=a@s3cret",
        "http://bob:12@host:8188?token=s3cret",
        "host:8188?token=s3cret",
    ],
)
def test_what_is_no_address_is_refused_without_its_password(written: str) -> None:
    with pytest.raises(StudioError) as raised:
        split(written, "--server")
    assert raised.value.code == "engine_url_invalid"
    assert str(raised.value).startswith("--server is no web address: ")
    assert "s3cret" not in f"{raised.value} {raised.value.hint} {raised.value.facts}"


@contextmanager
def server(answer: int, location: str = "") -> Iterator[tuple[str, list[tuple[str | None, str | None]]]]:
    """A server that answers every GET so; its address and the Authorization and X-Key of each request."""
    seen: list[tuple[str | None, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.headers.get("Authorization"), self.headers.get("X-Key")))
            self.send_response(answer)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{listening.server_port}", seen
    listening.shutdown()
    listening.server_close()


def test_no_secret_follows_a_redirect_to_another_server() -> None:
    with server(200) as (other, seen_there), server(302, f"http://{other}/object_info") as (host, seen_here):
        assert engine_failure(f"http://{host}", access=Access(None, TOKEN, (("X-Key", KEY),))) == "status 302"
        secrets = {"STUDIO_COMFYUI_URL": f"http://{host}", "STUDIO_COMFYUI_HEADERS": f"X-Key: {KEY}"}
        workflows("check", "--server", f"http://{USER}:{ENCODED}@{host}", env=secrets)
    assert seen_here == [(f"Bearer {TOKEN}", KEY), (BASIC, KEY)]
    assert seen_there == [(None, None)]
