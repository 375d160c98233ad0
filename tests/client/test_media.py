"""Uploads are judged by content, and nothing unusable is kept."""

import io

import pytest
from PIL import Image

from client.media import admit, admit_file
from workflows.errors import StudioError


def picture(fmt="PNG", size=(40, 30), **options):
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, fmt, **options)
    return buffer.getvalue()


def refused(folder, data, name="a.png", max_mb=1):
    with pytest.raises(StudioError) as caught:
        admit("image", data, name, folder, "Image", max_mb)
    assert not list(folder.iterdir())
    return caught.value


@pytest.mark.parametrize(("fmt", "extension"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")])
def test_a_picture_is_kept_under_a_name_from_its_content(tmp_path, fmt, extension):
    media = admit("image", picture(fmt), "größe <b>.exe", tmp_path, "Image", 1)
    assert media.name.isascii()
    assert media.name.startswith("ltx-studio/")
    assert media.name.endswith(f".{extension}")
    assert (media.width, media.height, media.source) == (40, 30, "größe <b>.exe")
    again = admit("image", picture(fmt), "other.png", tmp_path, "Image", 1)
    assert again.name == media.name
    assert [path.name for path in tmp_path.iterdir()] == [media.name.split("/")[1]]


def test_a_cameras_rotation_is_applied_to_the_size(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    media = admit("image", picture("JPEG", exif=exif), "a.jpg", tmp_path, "Image", 1)
    assert (media.width, media.height) == (30, 40)


def test_text_named_png(tmp_path):
    assert refused(tmp_path, b"hello, not a picture").code == "file_not_image"


def test_other_picture_formats_are_named_as_such(tmp_path):
    assert refused(tmp_path, picture("GIF")).code == "file_not_image"


def test_a_truncated_picture(tmp_path):
    assert refused(tmp_path, picture(size=(400, 300))[:200]).code == "file_not_image"


def test_an_empty_file(tmp_path):
    assert refused(tmp_path, b"").code == "file_empty"


def test_a_decompression_bomb_is_refused_without_being_decoded(tmp_path):
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    error = refused(tmp_path, buffer.getvalue())
    assert error.code == "image_too_large"
    assert "400,000,000" in error.message


def test_a_picture_just_over_the_limit(tmp_path):
    buffer = io.BytesIO()
    Image.new("1", (8_001, 8_000)).save(buffer, "PNG")
    assert refused(tmp_path, buffer.getvalue()).code == "image_too_large"


def test_too_many_bytes(tmp_path):
    assert refused(tmp_path, bytes(1_000_001)).code == "file_too_large"


def test_files_on_disk(tmp_path):
    source = tmp_path / "in.png"
    source.write_bytes(picture())
    assert admit_file("image", source, tmp_path / "uploads", "Image", 1).source == "in.png"
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(StudioError) as caught:
            admit_file("image", path, tmp_path / "uploads", "Image", 1)
        assert caught.value.code == "file_missing"
