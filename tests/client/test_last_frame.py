"""The last frame of a video as a picture."""

import numpy as np
import pytest
from PIL import Image

from client.last_frame import last_frame
from tests.support import clips, videos
from workflows.errors import StudioError


@pytest.mark.parametrize("frames", [1, 5, 130])
def test_it_is_the_last_one_as_it_is_decoded(tmp_path, frames):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clips.video("mp4", frames, (96, 64)))
    media = last_frame(path, "last frame of clip.mp4.png", tmp_path / "uploads", "Image", 5)
    assert (media.width, media.height, media.source) == (96, 64, "last frame of clip.mp4.png")
    with Image.open(media.path) as picture:
        assert np.array_equal(np.asarray(picture), videos.frames(path)[-1])


@pytest.mark.parametrize(
    "content", [None, b"", b"no video", clips.sound("m4a")], ids=["gone", "empty", "text", "sound"]
)
def test_a_video_that_can_not_be_read_is_one_sentence(tmp_path, content):
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StudioError) as caught:
        last_frame(path, "x.png", tmp_path / "uploads", "Image", 5)
    assert caught.value.code == "video_gone"
