"""A commit fetched from real git repositories on disk and on loopback."""

from __future__ import annotations

import base64
import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bootstrap.comfy import source
from client import settings as configuration
from tests.support.comfy_tree import Repository
from tests.support.ports import free_ports
from workflows import address
from workflows.errors import StudioError

SECRET = "s3cret"


class Origin(Repository):
    """A repository of three commits, the oldest first."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.commits = [self.commit({"main.py": f"print({number})\n", f"only{number}": "x"}) for number in range(3)]


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "origin")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "installs" / "source"


def fetch(where: object, commit: str, place: Path) -> None:
    source.check_out(str(where), commit, place, place.parents[1] / "log", "ComfyUI")


def refusal(where: object, commit: str, place: Path) -> StudioError:
    with pytest.raises(StudioError) as raised:
        fetch(where, commit, place)
    assert not place.exists()
    return raised.value


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of a repository, as a web server without git gives them, for who knows the password."""

    seen: list[str]

    def do_GET(self) -> None:
        expected = "Basic " + base64.b64encode(f"us:er:{SECRET}".encode()).decode()
        if self.headers.get("Authorization") == expected:
            super().do_GET()
        else:
            self.send_error(401)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def web_server(folder: Path) -> Iterator[int]:
    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("number", [2, 1])
def test_a_commit_is_checked_out_by_its_id_and_without_its_history(origin: Origin, place: Path, number: int) -> None:
    fetch(origin.path, origin.commits[number], place)
    assert source.head(place) == origin.commits[number]
    assert (place / "main.py").read_text() == f"print({number})\n"
    assert (place / ".git" / "shallow").read_text().split() == [origin.commits[number]]


def test_a_commit_that_no_branch_names_any_more_is_found(origin: Origin, place: Path) -> None:
    origin.git("reset", "--quiet", "--hard", origin.commits[0])
    fetch(origin.path, origin.commits[2], place)
    assert source.head(place) == origin.commits[2]


def test_a_commit_that_the_source_lacks_is_named(origin: Origin, place: Path) -> None:
    error = refusal(origin.path, "a" * 40, place)
    assert error.code == "source_lacks_commit"
    assert "a" * 40 in error.message
    assert str(origin.path) in error.message


@pytest.mark.parametrize("refs", ["HEAD", "--all"])
def test_a_bundle_is_a_source(origin: Origin, place: Path, tmp_path: Path, refs: str) -> None:
    bundle = tmp_path / "comfyui.bundle"
    origin.git("bundle", "create", "--quiet", str(bundle), refs)
    fetch(bundle, origin.commits[1], place)
    assert source.head(place) == origin.commits[1]
    assert refusal(bundle, "b" * 40, place.with_name("other")).code == "source_lacks_commit"


def test_a_server_that_gives_no_single_commits_is_asked_for_its_branches(
    origin: Origin, place: Path, tmp_path: Path
) -> None:
    origin.git("update-server-info")
    with web_server(tmp_path) as port:
        address = f"http://us%3Aer:{SECRET}@127.0.0.1:{port}/origin/.git"
        fetch(address, origin.commits[1], place)
        assert source.head(place) == origin.commits[1]
        assert refusal(address, "c" * 40, place.with_name("other")).code == "source_lacks_commit"
        without = refusal(f"http://127.0.0.1:{port}/origin/.git", origin.commits[1], place.with_name("third"))
    assert without.code == "source_unreachable"
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "installs" in path.parts)
    assert SECRET.encode() not in kept + (tmp_path / "log").read_bytes()


def test_a_source_that_does_not_answer_is_named_without_its_password(origin: Origin, place: Path) -> None:
    (port,) = free_ports(1)
    error = refusal(f"http://user:{SECRET}@127.0.0.1:{port}/ComfyUI", origin.commits[2], place)
    assert error.code == "source_unreachable"
    assert f"http://127.0.0.1:{port}/ComfyUI" in error.message
    assert SECRET not in error.message + error.hint


@pytest.mark.parametrize(
    ("source_given", "shown"),
    [
        ("https://user:p%40ss@host:8443/a/b", "https://host:8443/a/b"),
        ("https://token@host/a", "https://host/a"),
        ("https://user:s3c/ret@host/a", "https://host/a"),
        ("https://user:s3c@r/et@host/a", "https://host/a"),
        ("https://host/a.git?private_token=s3cret#s3cret", "https://host/a.git"),
        ("https://host/a?token=s3c@ret", "https://"),
        ("user:s3cret@host/a", "…@host/a"),
        ("file:///mnt/a@b/ComfyUI", "file:///mnt/a@b/ComfyUI"),
        ("git@github.com:Comfy-Org/ComfyUI", "git@github.com:Comfy-Org/ComfyUI"),
        ("/mnt/a@b/ComfyUI", "/mnt/a@b/ComfyUI"),
    ],
)
def test_what_is_shown_of_a_source_has_no_credentials(source_given: str, shown: str) -> None:
    assert address.public(source_given) == shown


@pytest.mark.parametrize("variable", ["STUDIO_COMFYUI_SOURCE", "STUDIO_PACKS_SOURCE"])
@pytest.mark.parametrize(
    "given",
    [
        "https://user:s3cret/1@host/a",
        "https://user:1/s3cret@host/a",
        "https://user:p@1/s3cret@host/a",
        "https://s3cret/1@host/a",
        "https://user:1?s3cret@host/a",
        "https://user:1#s3cret@host/a",
        "https://host/a?token=s3cret",
        "https://host/a?token=s3@cret",
        "user:s3cret@host/a",
    ],
)
def test_a_source_whose_password_can_t_be_told_from_the_rest_is_refused_without_it(variable: str, given: str) -> None:
    with pytest.raises(StudioError) as raised:
        configuration.read({variable: given})
    assert raised.value.code == "source_url_invalid"
    assert variable in raised.value.message
    said = f"{raised.value} {raised.value.facts}"
    assert not [secret for secret in ("s3cret", "cret", "token=") if secret in said]


@pytest.mark.parametrize(
    "given",
    [
        "git@github.com:Comfy-Org/ComfyUI",
        "host:a",
        "/srv/a",
        "https://host/a",
        "file:///a@b/c?d",
        "/mnt/a:b@c",
        "https://user:p%2Fw@host/a%40b",
    ],
)
def test_a_source_that_is_plain_is_taken_as_it_is(given: str) -> None:
    assert configuration.read({"STUDIO_COMFYUI_SOURCE": given}).comfyui_source == given


@pytest.mark.parametrize("variable", ["STUDIO_COMFYUI_SOURCE", "STUDIO_PACKS_SOURCE"])
def test_a_relative_path_and_one_of_the_home_folder_are_sources(
    variable: str, origin: Origin, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for number, given in enumerate(("origin", "./origin/", "~/origin")):
        chosen = configuration.read({variable: given})
        found = chosen.comfyui_source if variable == "STUDIO_COMFYUI_SOURCE" else chosen.packs_source
        fetch(found, origin.commits[1], place.with_name(str(number)))
        assert configuration.read(configuration.environment(chosen)) == chosen


def test_a_folder_without_a_repository_is_no_source(tmp_path: Path, place: Path) -> None:
    error = refusal(tmp_path, "a" * 40, place)
    assert error.code == "source_unreachable"
    assert "does not appear to be a git repository" in error.message


@pytest.mark.parametrize("lost", ["HEAD:main.py", "HEAD^{tree}"])
def test_a_clone_that_lost_an_object_is_called_damaged(origin: Origin, place: Path, lost: str) -> None:
    name = origin.git("rev-parse", lost)
    origin.lose(lost)
    error = refusal(origin.path, origin.commits[2], place)
    assert error.code == "source_damaged"
    assert name in error.message


def test_what_is_there_is_not_fetched_again(origin: Origin, place: Path, tmp_path: Path) -> None:
    fetch(origin.path, origin.commits[2], place)
    (place / "mark").write_text("kept")
    fetch(tmp_path / "nowhere", origin.commits[2], place)
    assert (place / "mark").read_text() == "kept"


def test_what_an_earlier_cut_left_is_replaced(origin: Origin, place: Path) -> None:
    left = place.with_name("source.partial")
    (left / ".git").mkdir(parents=True)
    (left / ".git" / "index.lock").write_text("")
    (left / "main.py").write_text("half of it")
    fetch(origin.path, origin.commits[2], place)
    assert (place / "main.py").read_text() == "print(2)\n"
    assert not left.exists()


def test_the_variables_of_a_git_hook_lead_nowhere_else(
    origin: Origin, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Origin(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git" / "index"))
    before = (other.path / ".git" / "index").read_bytes()
    fetch(origin.path, origin.commits[1], place)
    assert source.head(place) == origin.commits[1]
    assert (other.path / ".git" / "index").read_bytes() == before


def test_without_git_its_absence_is_said(
    origin: Origin, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(origin.path, origin.commits[2], place).code == "git_missing"
