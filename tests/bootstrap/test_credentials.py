"""An engine that asks for a password: it is sent to that engine, and found nowhere else."""

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
from tests.bootstrap.guard import Guard
from tests.support.commands import CHECKOUT, bootstrap, environment, eventually
from tests.support.ports import free_ports
from workflows.address import Credentials, split
from workflows.errors import StudioError

USER, PASSWORD = "bob", "s3cret/é@:100%"
ENCODED = quote(PASSWORD, safe="")


@pytest.fixture(scope="module")
def guard(running: Running) -> Iterator[Guard]:
    with Guard(running.engine_url, USER, PASSWORD) as guard:
        yield guard


def with_password(guard: Guard, password: str = ENCODED) -> str:
    return f"http://{USER}:{password}@{guard.host}"


def workflows(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workflows", *arguments],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def said(ended: subprocess.CompletedProcess[str], code: int) -> bytes:
    assert ended.returncode == code, ended.stdout + ended.stderr
    return f"{ended.stdout}{ended.stderr}".encode()


def test_a_password_is_used_and_neither_printed_nor_stored(guard: Guard, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (port,) = free_ports(1)
    flags = ("--data", data, "--port", port)
    env = {"STUDIO_COMFYUI_URL": f"{with_password(guard)}/"}
    wrong = {"STUDIO_COMFYUI_URL": with_password(guard, "s3cret")}
    outputs = [said(bootstrap("up", "--detach", *flags, env=wrong), 2)]
    try:
        outputs.append(said(bootstrap("up", "--detach", *flags, env=env), 0))
        outputs.append(said(bootstrap("up", "--detach", *flags, env=env), 0))
        assert b"already runs" in outputs[-1]
        outputs.append(said(bootstrap("up", "--detach", *flags, env=wrong), 2))
        assert b"A studio already runs" in outputs[-1]
        # Another shell, which does not have the password.
        assert eventually(lambda: bootstrap("status", "--data", data).returncode == 0)
        outputs.append(said(bootstrap("status", "--data", data), 0))
        outputs.append(said(bootstrap("status", "--json", "--data", data), 0))
        found = json.loads(outputs[-1])
        assert (found["engine"], found["engine_url"]) == ("external", guard.url)
    finally:
        outputs.append(said(bootstrap("down", "--data", data), 0))
    files = {str(path): path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert any(path.endswith("studio.log") for path in files)
    everything = {**files, **{f"output {number}": output for number, output in enumerate(outputs)}}
    secrets = [text.encode() for text in ("s3cret", PASSWORD, ENCODED, guard.secret)]
    assert [name for name, text in everything.items() if any(secret in text for secret in secrets)] == []


def test_what_is_stored_of_the_settings_has_no_password(guard: Guard) -> None:
    chosen = configuration.read({"STUDIO_COMFYUI_URL": with_password(guard)})
    assert chosen.comfyui_url == chosen.server_url == guard.url
    assert chosen.comfyui_auth == Credentials(USER, PASSWORD)
    assert configuration.read(configuration.environment(chosen)) == chosen
    stored = configuration.environment(configuration.without_credentials(chosen))
    assert stored["STUDIO_COMFYUI_URL"] == guard.url
    assert PASSWORD not in repr(chosen)


def test_the_graphs_are_checked_on_a_server_that_asks_for_a_password(guard: Guard) -> None:
    checked = said(workflows("check", "--server", with_password(guard)), 0)
    refused = said(workflows("check", "--server", with_password(guard, "s3cret")), 2)
    assert b"(HTTP Error 401: Unauthorized)" in refused
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
        "http://host:8188?x=1",
    ],
)
def test_what_is_no_address_is_refused_without_its_password(written: str) -> None:
    with pytest.raises(StudioError) as raised:
        split(written, "--server")
    assert raised.value.code == "engine_url_invalid"
    assert str(raised.value).startswith("--server is no web address: ")
    assert "s3cret" not in f"{raised.value} {raised.value.hint} {raised.value.facts}"


@contextmanager
def server(answer: int, location: str = "") -> Iterator[tuple[str, list[str | None]]]:
    """A server that answers every GET so; its address and the Authorization of each request."""
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization"))
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


def test_the_password_does_not_follow_a_redirect_to_another_server() -> None:
    with server(200) as (other, seen_there), server(302, f"http://{other}/object_info") as (host, seen_here):
        assert not engine_failure(f"http://{host}", auth=Credentials(USER, PASSWORD))
        workflows("check", "--server", f"http://{USER}:{ENCODED}@{host}")
    assert seen_here == [Credentials(USER, PASSWORD).header] * 2
    assert seen_there == [None, None]
