"""What a camera may see: the same rows as from a look at every landmark."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import LandmarkMap
from dalearn_ros.maps.frustum import Frustum
from dalearn_ros.maps.index import IndexedMap, indexed

K = np.array([[900.0, 0, 640], [0, 900.0, 360], [0, 0, 1]])
PLAIN = Camera(1280, 720, K)
BARREL = Camera(1280, 720, K, np.array([-0.3, 0.08, 1e-3, -5e-4, 0.0]))


def _map(points: np.ndarray) -> IndexedMap:
    count = len(points)
    nowhere = np.full((count, 3), np.nan)
    return indexed(
        LandmarkMap(
            ids=np.arange(count).astype(np.str_),
            class_id=np.ones(count, np.int64),
            point_m=points,
            outlines_m=Ragged.of([p[None] for p in points], 3),
            normal=nowhere,
            direction=nowhere,
            tags=np.full(count, "traffic_sign:x"),
        )
    )


LOW, HIGH = [1e6 - 300, -2e5 - 300, -2], [1e6 + 300, -2e5 + 300, 9]
CITY = _map(np.random.default_rng(1).uniform(LOW, HIGH, (6000, 3)))


def _by_opencv(
    camera: Camera, pose: Transform, far_m: float, field_r2: float = np.inf
) -> list[int]:
    """All landmarks by cv2.projectPoints, those in front of it, in the image and in range."""
    local = pose.inverse().apply(CITY.point_m)
    rows = np.flatnonzero((local[:, 2] > 0.05) & (np.linalg.norm(local, axis=1) <= far_m))
    slope = np.linalg.norm(local[rows, :2] / local[rows, 2:], axis=1)
    rows = rows[slope**2 < field_r2]
    pixels, _ = cv2.projectPoints(local[rows], np.zeros(3), np.zeros(3), K, camera.distortion)
    u, v = pixels.reshape(-1, 2).T
    inside = (u >= -0.5) & (u <= 1279.5) & (v >= -0.5) & (v <= 719.5)
    return [int(row) for row in rows[inside]]


@pytest.mark.parametrize("camera", [PLAIN, BARREL], ids=["plain", "barrel"])
@given(
    x=st.floats(-250, 250),
    y=st.floats(-250, 250),
    yaw=st.floats(-3.2, 3.2),
    pitch=st.floats(-1.6, 1.6),
    roll=st.floats(-0.3, 0.3),
)
def test_in_view_equals_opencv_on_all(
    camera: Camera, x: float, y: float, yaw: float, pitch: float, roll: float
) -> None:
    pose = Transform.from_euler(roll, pitch, yaw, [1e6 + x, -2e5 + y, 1.5]) @ LINK_FROM_OPTICAL
    rows, pixels = CITY.in_view(Frustum.of(camera, 120.0), pose)
    assert rows.tolist() == _by_opencv(camera, pose, 120.0)
    again, _ = camera.project(pose.inverse().apply(CITY.point_m[rows]))
    np.testing.assert_allclose(pixels, again)


def test_the_margin_widens_the_image() -> None:
    points = np.array([[10.0, 0.0, 0.0], [10.0, 7.2, 0.0], [10.0, 9.0, 0.0], [-10.0, 0.0, 0.0]])
    one = _map(points)
    pose = LINK_FROM_OPTICAL  # at the origin, along +x; 7.2 m to the left is u = 640 - 648 = -8
    assert one.in_view(Frustum.of(PLAIN, 50.0), pose)[0].tolist() == [0]
    assert one.in_view(Frustum.of(PLAIN, 50.0, 10.0), pose)[0].tolist() == [0, 1]
    assert one.in_view(Frustum.of(PLAIN, 9.9), pose)[0].tolist() == []


def test_a_view_that_is_no_pyramid_is_searched_all_round() -> None:
    """Distortion that folds inside the image: its border has no rays; what is seen stays right."""
    folding = Camera(1280, 720, K, np.array([-0.9, 0.0, 0.0, 0.0, 0.0]))
    frustum = Frustum.of(folding, 80.0)
    assert len(frustum.corners) == 0
    pose = Transform.from_euler(0, 0, 0.5, [1e6, -2e5, 1.5]) @ LINK_FROM_OPTICAL
    rows, _ = CITY.in_view(frustum, pose)
    # r (1 - 0.9 r²) grows up to r² = 1 / 2.7.
    assert rows.tolist() == _by_opencv(folding, pose, 80.0, 1.0 / 2.7) and len(rows) > 3


def test_narrow_columns_give_the_same() -> None:
    """Unit vectors of 32 bits and class ids of 16, as docs/maps.md asks of large maps."""
    nowhere = CITY.normal.astype(np.float32)
    ones = CITY.class_id.astype(np.int16)
    lean = dataclasses.replace(CITY, class_id=ones, normal=nowhere, direction=nowhere)
    pose = Transform.from_euler(0, 0, 0.3, [1e6, -2e5, 1.5]) @ LINK_FROM_OPTICAL
    rows, _ = lean.in_view(Frustum.of(PLAIN, 100.0), pose)
    assert rows.tolist() == CITY.in_view(Frustum.of(PLAIN, 100.0), pose)[0].tolist()
    assert lean.select(rows).class_id.dtype == np.int16


def test_the_search_looks_at_few() -> None:
    pose = Transform.from_euler(0, 0, 0.3, [1e6, -2e5, 1.5]) @ LINK_FROM_OPTICAL
    frustum = Frustum.of(PLAIN, 100.0)
    looked_at = CITY.grid.in_hull(frustum.plan(pose), pose.translation, 100.0)
    assert len(looked_at) < len(CITY) / 20
