"""The reference point of a mirrored marking, against the mirrored world."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.labels.polygons import clip_to_image
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels
from dalearn_ros.maps.reference import lower_right
from dalearn_ros.training.mirror import mirror_references
from dalearn_ros.training.transforms import mirror

Floats = npt.NDArray[np.float64]
SIZE = (1280, 720)
SPACE = LabelSpace.load()
LINE = SPACE.names.index("stop_line")
FOCAL, CENTER = 900.0, np.array([640.7, 340.2])
ARROW = np.array([[-.1, 0], [.1, 0], [.1, 3], [.4, 3], [0, 5], [-.4, 3], [-.1, 3]])  # fmt: skip


def _project(points_m: Floats, yaw: float, height_m: float, center: Floats) -> Floats:
    """A camera over the origin that looks along y, turned to the left by ``yaw``."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    right = points_m[:, 0] * cos + points_m[:, 1] * sin
    forward = -points_m[:, 0] * sin + points_m[:, 1] * cos
    down = height_m - points_m[:, 2]
    return np.stack([right, down], axis=1) / forward[:, None] * FOCAL + center


def _world(shape_m: Floats, at_m: tuple[float, float], turn: float) -> tuple[Floats, Floats]:
    """Outline (k, 3) on the road and its driving direction (3,), turned to the left."""
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    flat = shape_m @ axes.T + at_m
    return np.column_stack([flat, np.zeros(len(flat))]), np.array([*axes[:, 1], 0.0])


def _labels(outline: Floats, point: Floats, range_m: float) -> Labels:
    return Labels(
        class_id=np.array([LINE]),
        point_px=point[None],
        outlines_px=Ragged.of([outline], 2),
        range_m=np.array([range_m]),
        visible=np.ones(1),
        map_id=np.array(["1"]),
        covariance_px2=np.eye(2)[None],
        ignore=np.zeros(1, bool),
    )


def _seen(
    outline_m: Floats, direction: Floats, yaw: float, height_m: float, center: Floats
) -> Labels:
    point_m = lower_right(outline_m, direction)
    outline = _project(outline_m, yaw, height_m, center)
    point = _project(point_m[None], yaw, height_m, center)[0]
    distance = float(np.linalg.norm(point_m - [0, 0, height_m]))
    return _labels(clip_to_image(outline, *SIZE), point, distance)


def _both(
    shape_m: Floats, at_m: tuple[float, float], turn: float, yaw: float, height_m: float
) -> tuple[Labels, Labels]:
    """Labels of an image after mirroring, and those of the mirrored world."""
    outline_m, direction = _world(shape_m, at_m, turn)
    here = mirror_references(_seen(outline_m, direction, yaw, height_m, CENTER), SIZE, SPACE)
    _, mirrored = mirror(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), here)
    other = np.array([-1.0, 1.0, 1.0])
    center = PixelMap.mirror(SIZE[0]).apply(CENTER)
    return mirrored, _seen(outline_m * other, direction * other, -yaw, height_m, center)


def _box(width_m: float, length_m: float) -> Floats:
    return np.array([[0, 0], [width_m, 0], [width_m, length_m], [0, length_m]]) - [width_m / 2, 0]


@settings(max_examples=150, deadline=None)
@given(
    st.floats(0.3, 8.0), st.floats(0.3, 5.0), st.floats(-6.0, 6.0), st.floats(9.0, 40.0),
    st.floats(-0.4, 0.4), st.floats(-0.2, 0.2), st.floats(0.9, 2.8),
)  # fmt: skip
def test_a_point_is_that_of_the_mirrored_world_or_ignored(
    width: float, length: float, x: float, y: float, turn: float, yaw: float, height: float
) -> None:
    mirrored, world = _both(_box(width, length), (x, y), turn, yaw, height)
    if not mirrored.ignore[0]:
        assert mirrored.point_px[0] == pytest.approx(world.point_px[0], abs=1e-6)
        assert np.isnan(mirrored.range_m[0])


@pytest.mark.parametrize("shape", [_box(4.0, 0.5), _box(6.0, 3.0), _box(0.5, 4.0), ARROW])
@pytest.mark.parametrize("yaw", [-0.15, 0.0, 0.15])
def test_what_is_whole_and_ahead_is_not_ignored(shape: Floats, yaw: float) -> None:
    mirrored, world = _both(shape, (-0.5, 14.0), 0.05, yaw, 1.4)
    assert not mirrored.ignore[0]
    assert mirrored.point_px[0] == pytest.approx(world.point_px[0], abs=1e-6)


def test_a_cut_outline_cannot_tell() -> None:
    mirrored, _ = _both(_box(20.0, 0.5), (-6.0, 9.0), 0.0, 0.0, 1.4)  # its left end is not seen
    assert mirrored.ignore[0]


def test_a_point_that_is_no_vertex_cannot_tell() -> None:
    outline = np.array([[500.0, 400], [700, 400], [710, 410], [490, 410]])
    known = _labels(outline, np.array([710.0, 410]), 12.0)
    assert mirror_references(known, SIZE, SPACE).point_px[0] == pytest.approx([490, 410])
    assert not mirror_references(known, SIZE, SPACE).ignore[0]
    assert mirror_references(_labels(outline, np.array([600.0, 405]), 12.0), SIZE, SPACE).ignore[0]
    assert mirror_references(_labels(outline, np.array([710.0, 410]), np.nan), SIZE, SPACE).ignore[
        0
    ]


def test_signs_keep_their_points() -> None:
    outline = np.array([[500.0, 100], [520, 100], [520, 120], [500, 120]])
    sign = dataclasses.replace(
        _labels(outline, np.array([510.0, 110]), 12.0), class_id=np.array([1])
    )
    found = mirror_references(sign, SIZE, SPACE)
    assert found.point_px[0].tolist() == [510.0, 110.0]
    assert found.range_m[0] == 12.0
    assert not found.ignore[0]
