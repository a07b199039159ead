"""Rolling shutter: each landmark with the pose of its row."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.rolling_shutter import RowPoses, project_rolling
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform

CAMERA = Camera(
    1280, 720, np.array([[900.0, 0, 640], [0, 900, 360], [0, 0, 1]]), np.array([-0.2, 0.05, 0, 0])
)
READOUT_S = 0.030
STAMP_NS = 5_000_000_000


def camera_from_map_at(stamp_ns: int) -> Transform:
    """A drive at 20 m/s and 30 degrees a second."""
    t = (stamp_ns - STAMP_NS) * 1e-9
    base = Transform.from_euler(0.0, 0.0, np.radians(30.0) * t, (20.0 * t, 0.0, 1.5))
    return (base @ LINK_FROM_OPTICAL).inverse()


def points() -> np.ndarray:
    rng = np.random.default_rng(3)
    x = rng.uniform(8.0, 60.0, 200)
    slope = rng.uniform([-0.6, -0.35], [0.6, 0.35], (200, 2))
    return np.stack([x, slope[:, 0] * x, 1.5 + slope[:, 1] * x], axis=1)


@pytest.mark.parametrize("readout_s", [READOUT_S, -READOUT_S])
def test_a_point_is_seen_when_its_row_is_read(readout_s: float) -> None:
    poses = RowPoses.of(CAMERA, STAMP_NS, readout_s, camera_from_map_at)
    in_camera = camera_from_map_at(STAMP_NS).apply(points())
    pixels, valid, local = project_rolling(CAMERA, in_camera, poses)
    assert valid.all()
    np.testing.assert_allclose(CAMERA.project(local)[0], pixels)
    checked = 0
    for point, pixel in zip(points(), pixels, strict=True):
        if not 0 < pixel[1] < 719:
            continue

        def row_at(t_ns: float, point: np.ndarray = point) -> float:
            local = camera_from_map_at(STAMP_NS + t_ns).apply(point[None])  # type: ignore[arg-type]
            share = t_ns * 1e-9 / abs(readout_s)
            read = share if readout_s > 0 else 1.0 - share
            return float(CAMERA.project(local)[0][0, 1] - (720 * read - 0.5))

        when = brentq(row_at, 0.0, 1e9 * abs(readout_s))
        local = camera_from_map_at(STAMP_NS + when).apply(point[None])
        np.testing.assert_allclose(pixel, CAMERA.project(local)[0][0], atol=2e-3)
        checked += 1
    assert checked > 100


def test_without_readout_it_is_the_plain_projection() -> None:
    poses = RowPoses.of(CAMERA, STAMP_NS, 0.0, camera_from_map_at)
    in_camera = camera_from_map_at(STAMP_NS).apply(points())
    expected, _ = CAMERA.project(in_camera)
    np.testing.assert_allclose(project_rolling(CAMERA, in_camera, poses)[0], expected, atol=1e-9)
    assert np.array_equal(project_rolling(CAMERA, in_camera, None)[0], expected)


def test_ignoring_it_costs_pixels() -> None:
    poses = RowPoses.of(CAMERA, STAMP_NS, READOUT_S, camera_from_map_at)
    in_camera = camera_from_map_at(STAMP_NS).apply(points())
    plain, _ = CAMERA.project(in_camera)
    shift = np.linalg.norm(project_rolling(CAMERA, in_camera, poses)[0] - plain, axis=1)
    # 30 degrees a second over 15 ms is 0.45 degrees: 7 px at 900 px of focal length.
    assert 4.0 < np.median(shift) < 15.0


def test_the_way_forward_is_known() -> None:
    poses = RowPoses.of(CAMERA, STAMP_NS, READOUT_S, camera_from_map_at)
    assert poses.forward_m == pytest.approx(0.6, abs=1e-3)  # 20 m/s over 30 ms

    def backwards(stamp_ns: int) -> Transform:
        return camera_from_map_at(2 * STAMP_NS - stamp_ns)

    assert RowPoses.of(CAMERA, STAMP_NS, READOUT_S, backwards).forward_m == 0.0
