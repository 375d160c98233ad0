"""What the studio's server answers beside Streamlit's own routes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests

from tests.bootstrap.conftest import Running

JOB = "3f25391a-5d2c-4b8e-9c1f-6a7b8c9d0e1f"
CONTENT = bytes(range(256)) * 4096


@pytest.fixture
def url(running: Running) -> str:
    folder = running.data / "library"
    folder.mkdir(exist_ok=True)
    (folder / f"{JOB}.mp4").write_bytes(CONTENT)
    return f"{running.url}/app/static/library/{JOB}.mp4"


def test_a_file_is_answered_whole_with_its_type(url: str) -> None:
    answer = requests.get(url, timeout=10, headers={"Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "first", "last"), [("1000-1999", 1000, 1999), ("-10", -10, -1), ("1048570-", -6, -1)]
)
def test_a_range_is_answered_with_just_that(url: str, asked: str, first: int, last: int) -> None:
    first, last = first % len(CONTENT), last % len(CONTENT)
    answer = requests.get(url, timeout=10, headers={"Range": f"bytes={asked}"})
    assert (answer.status_code, answer.content) == (206, CONTENT[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"


def test_a_download_is_saved_and_not_shown(url: str) -> None:
    saved, shown = (requests.get(f"{url}{query}", timeout=10, stream=True) for query in ("?download", ""))
    assert saved.headers["Content-Disposition"] == "attachment"
    assert "Content-Disposition" not in shown.headers
    assert requests.get(f"{url}?download", headers={"Range": "bytes=5-9"}, timeout=10).content == CONTENT[5:10]


def test_a_range_beyond_the_end_is_refused(url: str) -> None:
    assert requests.get(url, timeout=10, headers={"Range": "bytes=9999999-"}).status_code == 416


def test_a_range_of_another_version_is_answered_whole(url: str) -> None:
    answer = requests.get(url, timeout=10, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (answer.status_code, len(answer.content)) == (200, len(CONTENT))


def test_head_tells_the_size_alone(url: str) -> None:
    answer = requests.head(url, timeout=10)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CONTENT))


def test_files_are_read_and_never_written(url: str) -> None:
    assert requests.post(url, data=b"x", timeout=10).status_code == 405
    assert requests.delete(url, timeout=10).status_code == 405


@pytest.mark.parametrize(
    "name",
    [
        "absent.mp4",
        "..%2Fstudio.db",
        "%2e%2e/studio.db",
        f".{JOB}.mp4.part",
        f"{JOB}.html",
        f"{JOB}.mp4%00",
        "folder.mp4",
    ],
)
def test_the_library_shows_its_own_files_only(name: str, running: Running, url: str) -> None:
    library = running.data / "library"
    (library / f".{JOB}.mp4.part").write_bytes(b"half")
    (library / f"{JOB}.html").write_bytes(b"<script>")
    (library / "folder.mp4").mkdir(exist_ok=True)
    answer = requests.get(f"{running.url}/app/static/library/{name}", timeout=10)
    assert answer.status_code in (400, 404)
    assert len(answer.content) < 100


@pytest.mark.parametrize(
    ("name", "kind"), [("take.wav", "audio/wav"), ("take.m4a", "audio/mp4"), ("a.mov", "video/quicktime")]
)
def test_what_was_uploaded_is_answered_with_ranges_too(name: str, kind: str, running: Running) -> None:
    folder = running.data / "uploads"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(CONTENT)
    url = f"{running.url}/app/static/uploads/{name}"
    answer = requests.get(url, timeout=10, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, CONTENT[10:20])
    assert answer.headers["Content-Type"] == kind
    assert requests.get(f"{running.url}/app/static/uploads/..%2Fstudio.db", timeout=10).status_code in (400, 404)
    assert requests.get(f"{running.url}/app/static/library/{name}", timeout=10).status_code == 404


def test_an_export_is_a_download_of_its_own_name_alone(running: Running) -> None:
    folder = running.data / "exports"
    folder.mkdir(exist_ok=True)
    name = f"{'0a' * 16}.zip"
    for file in (name, f".{name}.part", "other.zip"):
        (folder / file).write_bytes(CONTENT)
    answer = requests.get(f"{running.url}/app/static/exports/{name}", timeout=10, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, CONTENT[10:20])
    assert (answer.headers["Content-Type"], answer.headers["Content-Disposition"]) == ("application/zip", "attachment")
    assert answer.headers["Cache-Control"] == "no-store"
    for other in (f".{name}.part", "other.zip", "..%2Fstudio.db", f"{'0b' * 16}.zip"):
        assert requests.get(f"{running.url}/app/static/exports/{other}", timeout=10).status_code in (400, 404)


def test_a_visitor_gets_an_identity_once(running: Running) -> None:
    first = requests.get(running.url, timeout=10)
    cookie = first.headers["Set-Cookie"]
    assert re.match(r"studio_owner=[0-9a-f]{32};", cookie)
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"} <= set(cookie.split("; "))
    assert "Set-Cookie" not in requests.get(running.url, timeout=10, cookies=first.cookies).headers
    other = requests.get(running.url, timeout=10)
    assert other.cookies["studio_owner"] != first.cookies["studio_owner"]


def test_an_identity_of_another_shape_is_replaced(running: Running) -> None:
    answer = requests.get(running.url, timeout=10, headers={"Cookie": "studio_owner=' or 1=1"})
    assert "studio_owner" in answer.cookies


def test_a_page_the_browser_still_has_brings_the_identity_too(running: Running) -> None:
    kept = requests.get(running.url, timeout=10)
    answer = requests.get(
        running.url, timeout=10, headers={"Accept": "text/html", "If-None-Match": kept.headers["ETag"]}
    )
    assert answer.status_code == 304
    assert "studio_owner" in answer.cookies


def test_only_pages_bring_an_identity(running: Running, url: str) -> None:
    for address in (url, f"{running.url}/health", f"{running.url}/_stcore/health"):
        assert "studio_owner" not in requests.get(address, timeout=10).cookies


def test_health_says_how_both_programs_are(running: Running) -> None:
    answer = requests.get(f"{running.url}/health", timeout=10)
    assert answer.status_code == 200
    assert answer.json()["studio"] == "ok"
    assert answer.json()["engine"] in ("starting", "alive")


def test_the_configuration_of_the_checkout_is_honoured(running: Running) -> None:
    font = next((Path(__file__).parents[2] / "static" / "fonts").glob("*.woff2"))
    answer = requests.get(f"{running.url}/app/static/fonts/{font.name}", timeout=10)
    assert (answer.status_code, answer.content) == (200, font.read_bytes())
