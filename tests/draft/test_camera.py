"""Camera LoRAs, measured on what the draft engine draws: direction, size and the say of the strength."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bootstrap.draft.render.camera import from_lora
from bootstrap.draft.render.clip import clip_frames
from bootstrap.draft.render.media import Still
from bootstrap.draft.render.take import Anchor, Recipe, shoot
from tests.support.nodes import NodeContext, execute, output_file, photograph, save_png
from tests.support.videos import frames as decoded_frames
from workflows import manifest
from workflows.build import build
from workflows.change import InsertLora
from workflows.request import parse

SIZE = (320, 192)
MOST_SHIFTED = 30
MARGIN = MOST_SHIFTED + 10


def offered() -> dict[str, str]:
    """The file of each camera move that the forms offer."""
    field = next(field for field in manifest.mode("t2v").fields if field.name == "camera")
    edits = {name: choice.edits for name, choice in field.choices.items() if choice.edits}
    return {name: edit.lora_name for name, (edit,) in edits.items() if isinstance(edit, InsertLora)}


def test_each_move_on_offer_is_the_one_that_its_file_names() -> None:
    assert len(offered()) == 7
    for name, file_name in offered().items():
        move = from_lora(f"camera/{file_name}", 1.0)
        assert move is not None
        assert move.name == name
        assert from_lora(file_name, 0.5) == move.scaled(0.5)
    assert from_lora("ltx-2.3-22b-ic-lora-union-control-ref0.5.safetensors", 1.0) is None


@cache
def ends(move: str, strength: float, pictured: bool) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last frame of a second in grey, without what is written over them."""
    loras = ((offered()[move], strength),) if move else ()
    pins = (Anchor(Still(photograph(*SIZE)), 0, 0.8, 0.8),) if pictured else ()
    prompt = "" if pictured else "mountains at dawn"
    recipe = Recipe(prompt, "", 24.0, 1, 1.0, "euler", (1.0, 0.5, 0.0), "c", loras)
    frames = clip_frames(shoot(recipe, None, pins), (), *SIZE, 25)
    first, last = (np.asarray(Image.fromarray(frames.frame(index)).convert("L"), float) for index in (0, 24))
    return first[12:156], last[12:156]


def travelled(before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    """By how many pixels the middle of a picture has gone right and down."""

    def unlike(right: int, down: int) -> float:
        height, width = before.shape
        inner = before[MARGIN : height - MARGIN, MARGIN : width - MARGIN]
        found = after[MARGIN + down : height - MARGIN + down, MARGIN + right : width - MARGIN + right]
        return float(np.abs(inner - found).mean())

    reach = range(-MOST_SHIFTED, MOST_SHIFTED + 1)
    return min(((right, down) for right in reach for down in reach), key=lambda shift: unlike(*shift))


def magnified(before: np.ndarray, after: np.ndarray) -> float:
    """By how much a picture has grown about its centre."""
    image = Image.fromarray(before.astype(np.float32))
    width, height = image.size
    inner = (slice(height // 4, -height // 4), slice(width // 4, -width // 4))

    def unlike(scale: float) -> float:
        cut = [(width - width / scale) / 2, (height - height / scale) / 2]
        box = (cut[0], cut[1], width - cut[0], height - cut[1])
        grown = image.transform(image.size, Image.Transform.EXTENT, box, Image.Resampling.BILINEAR)
        return float(np.abs(np.asarray(grown)[inner] - after[inner]).mean())

    return float(min(np.arange(0.84, 1.36, 0.01), key=unlike))


KINDS = pytest.mark.parametrize("pictured", [True, False], ids=["picture", "scene"])


@KINDS
def test_a_dolly_changes_the_scale_and_a_static_camera_does_not(pictured: bool) -> None:
    scale = {move: magnified(*ends(move, 1.0, pictured)) for move in ("static", "dolly-in", "dolly-out")}
    assert scale["static"] == pytest.approx(1.0, abs=0.005)
    assert scale["dolly-in"] > 1.05
    assert scale["dolly-out"] < 0.96
    assert travelled(*ends("static", 1.0, pictured)) == (0, 0)


@KINDS
@pytest.mark.parametrize(
    ("move", "axis", "sign"), [("dolly-left", 0, 1), ("dolly-right", 0, -1), ("jib-up", 1, 1), ("jib-down", 1, -1)]
)
def test_what_is_seen_goes_the_other_way_than_the_camera(pictured: bool, move: str, axis: int, sign: int) -> None:
    shift = travelled(*ends(move, 1.0, pictured))
    assert sign * shift[axis] >= 2
    assert abs(shift[1 - axis]) <= abs(shift[axis])


@KINDS
def test_the_strength_says_how_far(pictured: bool) -> None:
    strengths = (0.5, 1.0, 1.5)
    grown = [magnified(*ends("dolly-in", strength, pictured)) for strength in strengths]
    assert grown[0] < grown[1] < grown[2]
    gone = [travelled(*ends("dolly-right", strength, pictured))[0] for strength in strengths]
    assert gone[0] > gone[1] > gone[2]


@pytest.mark.parametrize("preset", ["fast", "balanced", "quality"])
@pytest.mark.parametrize("mode", ["t2v", "i2v"])
def test_the_camera_field_moves_the_finished_video(context: NodeContext, mode: str, preset: str) -> None:
    save_png(context.folders["input"] / "a.png", photograph(*SIZE))

    def scale(camera: str) -> float:
        values: dict[str, Any] = {"width": 320, "height": 192, "seconds": 1.0, "seed": 1, "preset": preset}
        more = {"image": "a.png", "prompt": "it"} if mode == "i2v" else {"prompt": "mountains at dawn"}
        graph = build(parse(mode, {**values, **more, "camera": camera}))
        shown = decoded_frames(output_file(context, execute(graph, context)["Save video"]))
        return magnified(*(np.asarray(Image.fromarray(shown[at]).convert("L"), float)[12:156] for at in (0, -1)))

    assert scale("static") == pytest.approx(1.0, abs=0.015)
    assert scale("dolly-in") > 1.04
