"""The draft engine's nodes for pictures, called directly."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bootstrap.draft.nodes.registry import NODES
from bootstrap.draft.render.media import Still
from tests.support.nodes import (
    NodeContext,
    dimensions,
    output_file,
    photograph,
    save_png,
)
from tests.support.ssim import ssim

# Pictures


@pytest.mark.parametrize(
    ("rule", "made"),
    [
        (
            {
                "resize_type": "scale dimensions",
                "resize_type.width": 64,
                "resize_type.height": 96,
                "resize_type.crop": "center",
            },
            (64, 96),
        ),
        (
            {
                "resize_type": "scale dimensions",
                "resize_type.width": 0,
                "resize_type.height": 50,
                "resize_type.crop": "disabled",
            },
            (100, 50),
        ),
        (
            {
                "resize_type": "scale dimensions",
                "resize_type.width": 0,
                "resize_type.height": 0,
                "resize_type.crop": "disabled",
            },
            (200, 100),
        ),
        ({"resize_type": "scale by multiplier", "resize_type.multiplier": 0.25}, (50, 25)),
        ({"resize_type": "scale longer dimension", "resize_type.longer_size": 90}, (90, 45)),
        ({"resize_type": "scale shorter dimension", "resize_type.shorter_size": 90}, (180, 90)),
        ({"resize_type": "scale width", "resize_type.width": 30}, (30, 15)),
        ({"resize_type": "scale height", "resize_type.height": 30}, (60, 30)),
        ({"resize_type": "scale total pixels", "resize_type.megapixels": 0.01}, (145, 72)),
        (
            {"resize_type": "match size", "resize_type.match": Still(photograph(40, 70)), "resize_type.crop": "center"},
            (40, 70),
        ),
        ({"resize_type": "scale to multiple", "resize_type.multiple": 32}, (192, 96)),
    ],
)
def test_resizing_follows_its_rule(context: NodeContext, rule: dict[str, Any], made: tuple[int, int]) -> None:
    picture = Still(photograph(200, 100))
    resized = context.run("ResizeImageMaskNode", input=picture, scale_method="lanczos", **rule)
    assert dimensions(resized) == made
    mask = context.run("ResizeImageMaskNode", input=np.ones((2, 100, 200), np.float32), scale_method="area", **rule)
    assert mask.shape == (2, made[1], made[0])


@pytest.mark.parametrize("method", ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"])
def test_scaling_cuts_the_middle_out(context: NodeContext, method: str) -> None:
    bands = np.zeros((40, 120, 3), np.uint8)
    bands[:, 40:80] = 200
    inputs = {"image": Still(bands), "upscale_method": method, "width": 20, "height": 20}
    assert context.run("ImageScale", **inputs, crop="center").frame(0).min() > 190
    assert context.run("ImageScale", **inputs, crop="disabled").frame(0).min() == 0


def test_compression_leaves_traces_but_the_picture(context: NodeContext) -> None:
    picture = Still(photograph(129, 97))
    assert context.run("LTXVPreprocess", image=picture, img_compression=0) is picture
    light, heavy = (context.run("LTXVPreprocess", image=picture, img_compression=crf) for crf in (18, 45))
    assert dimensions(light) == (128, 96)
    close = [ssim(picture.pixels[:96, :128], made.frame(0)) for made in (light, heavy)]
    assert 1 > close[0] > 0.93
    assert close[0] > close[1] + 0.05


def test_a_picture_is_loaded_upright_with_its_mask(context: NodeContext) -> None:
    pixels = photograph(30, 20)
    alpha = np.full((20, 30), 255, np.uint8)
    alpha[:, :10] = 0
    save_png(context.folders["input"] / "cut.png", np.dstack([pixels, alpha]))
    image, mask = context.run("LoadImage", image="cut.png")
    assert dimensions(image) == (30, 20)
    assert (mask.shape, mask[0, 0, 5], mask[0, 0, 15]) == ((1, 20, 30), 1.0, 0.0)
    turned = Image.fromarray(pixels)
    turned.getexif()[0x0112] = 6
    turned.save(context.folders["input"] / "turned.jpg", exif=turned.getexif())
    image, mask = context.run("LoadImage", image="turned.jpg")
    assert dimensions(image) == (20, 30)
    assert (mask.shape, mask.max()) == ((1, 64, 64), 0.0)


def test_sixteen_bits_keep_their_tones(context: NodeContext) -> None:
    ramp = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
    save_png(context.folders["input"] / "deep.png", ramp)
    image, _ = context.run("LoadImage", image="deep.png")
    assert np.abs(image.frame(0)[..., 0].astype(int) - ramp // 257).max() <= 1


@pytest.mark.parametrize("content", [b"this is text", b"", b"\x89PNG\r\n\x1a\n" + b"0" * 40])
def test_a_broken_picture_is_an_error(context: NodeContext, content: bytes) -> None:
    (context.folders["input"] / "broken.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"Invalid image file: broken\.png"):
        context.run("LoadImage", image="broken.png")


def test_what_load_image_may_name(context: NodeContext) -> None:
    node = NODES["LoadImage"]
    assert node.check is not None
    for kind in ("input", "output"):
        (context.folders[kind] / "sub").mkdir()
        save_png(context.folders[kind] / "sub" / "a.png", photograph(4, 4))
    save_png(context.base / "outside.png", photograph(4, 4))
    for name in ("sub/a.png", "sub/a.png [output]", "sub/a.png [input]"):
        assert node.check(context.folders, {"image": name}) is None
    for name in ("b.png", "../outside.png", str(context.base / "outside.png"), "sub", "sub/a.png [temp]", "a\0b"):
        assert node.check(context.folders, {"image": name}) == ("image", f"Invalid image file: {name}")
    with pytest.raises(ValueError, match="not inside"):
        context.run("LoadImage", image="../outside.png")


def test_a_changed_file_has_another_fingerprint(context: NodeContext) -> None:
    fingerprint = NODES["LoadImage"].fingerprint
    assert fingerprint is not None
    found = []
    for size in (4, 5, 4):
        save_png(context.folders["input"] / "a.png", photograph(size, size))
        found.append(fingerprint(context.folders, {"image": "a.png"}))
    assert found[0] == found[2] != found[1]


def test_pictures_are_saved_with_the_graph(context: NodeContext) -> None:
    images = context.run("EmptyImage", width=6, height=4, batch_size=2, color=0x336699)
    result = context.result("SaveImage", images=images, filename_prefix="shots/still %width%x%height%")
    names = ["still 6x4_00001_.png", "still 6x4_00002_.png"]
    assert result.ui == {"images": [{"filename": name, "subfolder": "shots", "type": "output"} for name in names]}
    with Image.open(output_file(context, result)) as saved:
        assert saved.getpixel((0, 0)) == (0x33, 0x66, 0x99)
        assert json.loads(saved.text["prompt"]) == context.graph
        assert json.loads(saved.text["workflow"]) == {"n": 1}
    preview = context.result("PreviewImage", images=images)
    assert preview.ui is not None
    assert {shown["type"] for shown in preview.ui["images"]} == {"temp"}
    assert output_file(context, preview).is_file()


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (3, "3"), (0.5, "0.5"), (True, "True"), (None, "None"), ({"a": [1]}, '{"a": [1]}')]
)
def test_any_value_is_shown_as_text(context: NodeContext, value: object, text: str) -> None:
    result = context.result("PreviewAny", source=value)
    assert (result.outputs, result.ui) == ((text,), {"text": (text,)})
