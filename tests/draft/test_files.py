"""`/upload/image`, `/upload/mask` and `/view`: names, ranges, conditions, and paths that must not leave the folders."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from PIL import Image

from tests.support.draft import start_draft


def png(color: Any, mode: str = "RGB", size: tuple[int, int] = (8, 8)) -> bytes:
    buffer = BytesIO()
    Image.new(mode, size, color).save(buffer, "PNG")
    return buffer.getvalue()


RED, BLUE = png("red"), png("blue")


def unused_name(suffix: str = ".png") -> str:
    return f"{uuid4().hex}{suffix}"


def upload(url: str, name: str, content: bytes, path: str = "/upload/image", **fields: str) -> requests.Response:
    return requests.post(url + path, files={"image": (name, content)}, data=fields)


def stored(url: str, name: str, content: bytes, **fields: str) -> str:
    """Upload; the name it got."""
    answer = upload(url, name, content, **fields)
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["name", "subfolder", "type"]
    assert (body["subfolder"], body["type"]) == (fields.get("subfolder", ""), fields.get("type", "input"))
    got: str = body["name"]
    return got


def view(url: str, name: str, **query: str) -> requests.Response:
    return requests.get(f"{url}/view", params={"filename": name, "type": "input", **query})


def test_a_taken_name_gets_a_number_unless_the_content_is_the_same(draft_url: str) -> None:
    name = unused_name()
    stem = name.removesuffix(".png")
    assert stored(draft_url, name, RED) == name
    assert stored(draft_url, name, RED) == name
    assert stored(draft_url, name, BLUE) == f"{stem} (1).png"
    assert stored(draft_url, name, BLUE) == f"{stem} (1).png"
    assert stored(draft_url, name, png("green")) == f"{stem} (2).png"
    assert view(draft_url, name).content == RED
    assert view(draft_url, f"{stem} (1).png").content == BLUE


def test_overwriting(draft_url: str) -> None:
    name = unused_name()
    stored(draft_url, name, RED)
    assert stored(draft_url, name, BLUE, overwrite="True") != name
    for flag, content in (("true", BLUE), ("1", RED)):
        assert stored(draft_url, name, content, overwrite=flag) == name
        assert view(draft_url, name).content == content


def test_places(own_url: str, own_base: Path) -> None:
    name = unused_name()
    stored(own_url, name, RED, subfolder="a/b")
    stored(own_url, name, BLUE, type="output")
    stored(own_url, name, BLUE, type="temp", subfolder="c/../d")
    assert (own_base / "input/a/b" / name).read_bytes() == RED
    assert (own_base / "output" / name).read_bytes() == BLUE
    assert (own_base / "temp/d" / name).read_bytes() == BLUE
    assert view(own_url, name, subfolder="a/b").content == RED
    assert requests.get(f"{own_url}/view", params={"filename": name}).content == BLUE
    assert view(own_url, f"{name} [output]").content == BLUE


@pytest.mark.parametrize("name", ["grö ße.png", "no-suffix", ".hidden", "a.tar.gz", "empty.bin"])
def test_any_name_and_content(draft_url: str, name: str) -> None:
    name = f"{uuid4().hex}{name}"
    content = b"" if name.endswith("empty.bin") else b"not a picture"
    assert stored(draft_url, name, content) == name
    assert view(draft_url, name).content == content


@pytest.mark.parametrize(
    ("name", "fields", "status"),
    [
        ("x.png", {"subfolder": "../up"}, 400),
        ("x.png", {"subfolder": "/tmp"}, 400),
        ("../x.png", {}, 400),
        ("../x.png", {"subfolder": "a/b"}, 400),
        ("..", {}, 400),
        ("x.png", {"type": "bogus"}, 500),
        ("nowhere/x.png", {}, 500),
        ("a" * 300 + ".png", {}, 500),
    ],
)
def test_what_is_not_stored(own_url: str, own_base: Path, name: str, fields: dict[str, str], status: int) -> None:
    before = sorted(own_base.rglob("*.png"))
    assert upload(own_url, name, RED, **fields).status_code == status
    assert sorted(own_base.rglob("*.png")) == before
    assert not list((own_base / "temp").glob("upload-*"))
    assert not list(own_base.parent.glob("x.png"))


def test_a_folder_is_never_overwritten(own_url: str, own_base: Path) -> None:
    folder = uuid4().hex
    stored(own_url, "a.png", RED, subfolder=folder)
    assert upload(own_url, folder, BLUE, overwrite="true").status_code == 500
    assert [path.name for path in (own_base / "input" / folder).iterdir()] == ["a.png"]
    assert stored(own_url, folder, BLUE) == f"{folder} (1)"


def test_forms_without_a_file(draft_url: str) -> None:
    for answer in (
        requests.post(f"{draft_url}/upload/image"),
        requests.post(f"{draft_url}/upload/image", json={}),
        requests.post(f"{draft_url}/upload/image", data={"type": "input"}),
        requests.post(f"{draft_url}/upload/image", files={"other": ("a.png", RED)}),
    ):
        assert (answer.status_code, answer.content) == (400, b"")


def test_a_mask_becomes_the_alpha_of_the_original(draft_url: str) -> None:
    name = stored(draft_url, unused_name(), RED)
    mask = png((0, 0, 0, 100), "RGBA")
    reference = json.dumps({"filename": name, "subfolder": "", "type": "input"})
    answer = upload(draft_url, unused_name(), mask, "/upload/mask", original_ref=reference)
    with Image.open(BytesIO(view(draft_url, answer.json()["name"]).content)) as masked:
        assert masked.getpixel((0, 0)) == (255, 0, 0, 100)


@pytest.mark.parametrize(
    ("reference", "status"),
    [
        ("", 400),
        ("[]", 400),
        ('{"filename": "../../secret.png", "type": "input"}', 400),
        ('{"filename": "a.png", "subfolder": "../..", "type": "input"}', 403),
        ('{"filename": "no-such-file.png", "type": "input"}', 404),
        ('{"filename": "a.png", "type": "bogus"}', 400),
    ],
)
def test_masks_without_an_original(draft_url: str, reference: str, status: int) -> None:
    assert upload(draft_url, unused_name(), RED, "/upload/mask", original_ref=reference).status_code == status


def test_a_body_that_is_too_large(tmp_path: Path) -> None:
    process, url = start_draft(tmp_path, "--max-upload-size", "0.1")
    limit = 104858
    try:
        assert requests.get(f"{url}/features").json()["max_upload_size"] == limit
        for answer in (
            upload(url, "big.png", b"x" * (limit + 1)),
            requests.post(f"{url}/prompt", data=b" " * (limit + 1)),
            requests.post(f"{url}/prompt", data=iter([b" " * (limit + 1)])),
        ):
            assert answer.status_code == 413
            assert answer.text == f"Maximum request body size {limit} exceeded."
        assert stored(url, "fits.png", b"x" * 100_000) == "fits.png"
        assert not list((tmp_path / "temp").iterdir())
    finally:
        process.terminate()
        process.wait(20)


def test_a_large_upload_is_not_held_in_memory(tmp_path: Path) -> None:
    process, url = start_draft(tmp_path, "--max-upload-size", "300")
    content = bytes(200 * 1024 * 1024)
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        process.kill()
        pytest.skip("this system has no /proc to read a peak from")
    try:
        before = peak(status)
        assert stored(url, "big.bin", content) == "big.bin"
        assert peak(status) - before < 50 * 1024
        assert (tmp_path / "input/big.bin").stat().st_size == len(content)
    finally:
        process.terminate()
        process.wait(20)


def peak(status: Path) -> int:
    """Most memory a process has used, in KiB."""
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])


@pytest.fixture(scope="module")
def clip(draft_url: str) -> tuple[str, bytes]:
    """The name of an uploaded file, and its content."""
    content = bytes(range(256)) * 8
    return stored(draft_url, unused_name(".mp4"), content), content


@pytest.mark.parametrize(
    ("wanted", "part", "shown"),
    [
        ("bytes=0-99", slice(0, 100), "bytes 0-99/2048"),
        ("bytes=-10", slice(2038, None), "bytes 2038-2047/2048"),
        ("bytes=100-", slice(100, None), "bytes 100-2047/2048"),
    ],
)
def test_ranges(draft_url: str, clip: tuple[str, bytes], wanted: str, part: slice, shown: str) -> None:
    name, content = clip
    query = {"filename": name, "type": "input"}
    answer = requests.get(f"{draft_url}/view", params=query, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (206, content[part])
    assert answer.headers["Content-Range"] == shown


def test_a_range_beyond_the_end(draft_url: str, clip: tuple[str, bytes]) -> None:
    query = {"filename": clip[0], "type": "input"}
    answer = requests.get(f"{draft_url}/view", params=query, headers={"Range": "bytes=9999-"})
    assert answer.status_code == 416


def test_heads_and_conditions(draft_url: str, clip: tuple[str, bytes]) -> None:
    name, content = clip
    query = {"filename": name, "type": "input"}
    head = requests.head(f"{draft_url}/view", params=query)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(content))
    assert head.headers["Content-Type"] == "video/mp4"
    assert head.headers["Accept-Ranges"] == "bytes"
    assert head.headers["Content-Disposition"] == f'filename="{name}"'
    for condition, tag in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
        answer = requests.get(f"{draft_url}/view", params=query, headers={condition: head.headers[tag]})
        assert answer.status_code == 304


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 404),
        ({"filename": ""}, 400),
        ({"filename": "a..png", "type": "input"}, 400),
        ({"filename": "../draft.log", "type": "input"}, 400),
        ({"filename": "/etc/passwd", "type": "input"}, 400),
        ({"filename": "a.png", "type": "bogus"}, 400),
        ({"filename": "draft.log", "subfolder": "..", "type": "input"}, 403),
        ({"filename": "passwd", "subfolder": "/etc", "type": "input"}, 403),
        ({"filename": "passwd", "subfolder": "../../../../etc", "type": "input"}, 403),
        ({"filename": "no-such-file.png", "type": "input"}, 404),
        ({"filename": "no\0file.png", "type": "input"}, 404),
    ],
)
def test_what_is_not_shown(draft_url: str, query: dict[str, str], status: int) -> None:
    answer = requests.get(f"{draft_url}/view", params=query)
    assert (answer.status_code, answer.content) == (status, b"")


def test_folders_in_the_file_name_are_stripped(draft_url: str) -> None:
    name = stored(draft_url, unused_name(), RED, subfolder="deep")
    assert view(draft_url, f"deep/{name}").status_code == 404
    assert view(draft_url, name, subfolder="deep").status_code == 200


@pytest.mark.parametrize("suffix", [".html", ".css", ".js", ".svg", ".xhtml"])
def test_what_a_browser_would_run_is_given_as_bytes(draft_url: str, suffix: str) -> None:
    name = stored(draft_url, unused_name(suffix), b"<script>")
    assert view(draft_url, name).headers["Content-Type"] == "application/octet-stream"


def test_previews_and_channels_of_pictures(draft_url: str) -> None:
    name = stored(draft_url, unused_name(), png((255, 0, 0, 100), "RGBA"))
    for query, kind, mode in (
        ({"preview": "webp;50"}, "WEBP", "RGBA"),
        ({"preview": "jpeg;75"}, "JPEG", "RGB"),
        ({"preview": "jpeg;75", "channel": "a"}, "WEBP", "RGBA"),
        ({"channel": "rgb"}, "PNG", "RGB"),
        ({"channel": "a"}, "PNG", "RGBA"),
    ):
        answer = view(draft_url, name, **query)
        assert answer.headers["Content-Type"] == f"image/{kind.lower()}"
        with Image.open(BytesIO(answer.content)) as picture:
            assert (picture.format, picture.mode, picture.size) == (kind, mode, (8, 8))
    with Image.open(BytesIO(view(draft_url, name, channel="a").content)) as alpha:
        assert alpha.getpixel((0, 0)) == (0, 0, 0, 100)


def test_a_preview_of_what_is_no_picture(draft_url: str, clip: tuple[str, bytes]) -> None:
    assert view(draft_url, clip[0], preview="webp;50").status_code == 500
