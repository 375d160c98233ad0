"""Edges, depth and poses: what the draft engine's preprocessors find in pictures."""

from __future__ import annotations

import numpy as np
import pytest

from bootstrap.draft.render.canny import canny
from tests.support.controls import COUNT, DRAWN, HEIGHT, WIDTH, depth_of, key_points, pose_of, source
from tests.support.nodes import NodeContext

# Edges


def test_an_edge_is_one_pixel_wide_and_where_the_step_is() -> None:
    picture = np.zeros((24, 40, 3), np.uint8)
    picture[:, 17:] = 255
    found = canny(picture, 0.4, 0.8)
    assert (found[3:-3].sum(1) == 1).all()
    assert set(np.nonzero(found[3:-3])[1]) <= {16, 17}


@pytest.mark.parametrize(("step", "low", "high", "seen"), [(60, 0.4, 0.6, True), (60, 0.4, 0.8, False)])
def test_a_step_below_the_high_threshold_is_no_edge(step: int, low: float, high: float, seen: bool) -> None:
    picture = np.zeros((24, 40, 3), np.uint8)
    picture[:, 17:] = step
    assert canny(picture, low, high).any() == seen


def test_a_weak_edge_counts_where_it_hangs_on_a_strong_one() -> None:
    fading = np.zeros((64, 40, 3), np.uint8)
    fading[:, 17:] = np.linspace(40, 120, 64)[:, None, None].astype(np.uint8)
    whole, strong = canny(fading, 0.4, 0.8), canny(fading, 0.799, 0.8)
    assert strong.any()
    assert whole.sum() > 1.3 * strong.sum()
    assert not (strong & ~whole).any()


def test_the_thresholds_have_an_order(context: NodeContext) -> None:
    with pytest.raises(ValueError, match=r"low_threshold 0\.8"):
        context.run("Canny", image=source(), low_threshold=0.8, high_threshold=0.4)


# Depth


def test_somebody_in_front_is_nearer_than_what_is_behind(context: NodeContext) -> None:
    for index in (2, 12, 22):
        depth = depth_of(context, source()).frame(index).astype(int)
        x = 40 + 7 * index
        assert (depth.shape, np.ptp(depth, axis=2).max()) == ((HEIGHT, WIDTH, 3), 0)
        assert depth[45:70, x - 8 : x + 8].mean() > depth[45:70, [5, 10, -10, -5]].mean() + 60


def test_every_way_to_render_geometry(context: NodeContext) -> None:
    pictures = {
        name: depth_of(context, source(), name).frame(12)
        for name in ("depth", "depth_colored", "normal_opengl", "normal_directx", "mask")
    }
    assert {picture.shape for picture in pictures.values()} == {(HEIGHT, WIDTH, 3)}
    assert len({picture.tobytes() for picture in pictures.values()}) == 5
    assert (pictures["mask"].max(), np.ptp(pictures["mask"], axis=2).max()) == (255, 0)
    assert abs(int(pictures["normal_opengl"][..., 1].mean()) + int(pictures["normal_directx"][..., 1].mean()) - 255) < 4
    with pytest.raises(ValueError, match="sideways"):
        depth_of(context, source(), "sideways")


# Poses


def test_the_figure_stands_where_somebody_moves(context: NodeContext) -> None:
    frames = key_points(context, source())
    assert len(frames) == COUNT
    for index in (2, 12, 22):
        (person,) = frames[index]["people"]
        body = np.array(person["pose_keypoints_2d"]).reshape(18, 3)
        assert abs(body[1, 0] - (40 + 7 * index)) < 12
        assert 10 < body[0, 1] < 40
        assert body[[10, 13], 1].min() > 95
        counts = {name: len(values) // 3 for name, values in person.items()}
        assert list(counts.values()) == [18, 6, 70, 21, 21]
    assert (frames[0]["canvas_width"], frames[0]["canvas_height"]) == (WIDTH, HEIGHT)
    assert [value for value, _, _ in context.told] == list(range(1, COUNT + 1))


def test_a_box_says_where_to_look(context: NodeContext) -> None:
    boxes = [[{"x": 0, "y": 0, "width": 60, "height": 128}, {"x": 190, "y": 0, "width": 60, "height": 128}]]
    first = key_points(context, source(), bboxes=boxes)[0]["people"]
    centres = [np.array(person["pose_keypoints_2d"]).reshape(18, 3)[:, 0].mean() for person in first]
    assert centres[0] < 75 < 175 < centres[1]


def test_another_model_finds_no_poses(context: NodeContext) -> None:
    with pytest.raises(ValueError, match="heatmap_head"):
        key_points(context, source(), "ltx-2.3-22b-dev-fp8.safetensors")


def test_what_is_drawn_of_a_pose(context: NodeContext) -> None:
    nothing = dict.fromkeys(DRAWN, False)
    assert not pose_of(context, source(), **nothing).frame(12).any()
    parts = [pose_of(context, source(), **(nothing | {part: True})).frame(12).tobytes() for part in DRAWN]
    assert len(set(parts)) == 5
    assert not pose_of(context, source(), score_threshold=1.0).frame(12).any()
    thin, thick = (np.count_nonzero(pose_of(context, source(), stick_width=w).frame(12)) for w in (1, 8))
    assert thick > 1.2 * thin
    sizes = {"stick_width": 4, "face_point_size": 3, "score_threshold": 0.3}
    blank = context.run("SDPoseDrawKeypoints", keypoints=[], **DRAWN, **sizes)
    assert (blank.count, blank.frame(0).shape, blank.frame(0).any()) == (1, (64, 64, 3), False)
