"""Rigid transforms against SciPy, and by their properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from dalearn_ros.geometry.transforms import (
    LINK_FROM_OPTICAL,
    Transform,
    interpolate,
    rotation_of_vector,
    wrap_rad,
)

angle = st.floats(-3.1, 3.1)
tilt = st.floats(-1.5, 1.5)


@given(angle, tilt, angle)
def test_euler_and_quaternion_equal_scipy(roll: float, pitch: float, yaw: float) -> None:
    ours = Transform.from_euler(roll, pitch, yaw)
    scipy = Rotation.from_euler("xyz", [roll, pitch, yaw])
    np.testing.assert_allclose(ours.rotation, scipy.as_matrix(), atol=1e-12)
    np.testing.assert_allclose(ours.quaternion, scipy.as_quat(canonical=True), atol=1e-9)
    np.testing.assert_allclose(ours.euler, (roll, pitch, yaw), atol=1e-9)


@given(angle, tilt, angle, st.floats(0, 1))
def test_interpolation_equals_scipy_slerp(roll: float, pitch: float, yaw: float, t: float) -> None:
    a = Transform.from_euler(0.3, -0.2, 1.0, [1, 2, 3])
    b = Transform.from_euler(roll, pitch, yaw, [4, 0, -2])
    between = interpolate(a, b, t)
    both = Rotation.from_matrix(np.stack([a.rotation, b.rotation]))
    np.testing.assert_allclose(between.rotation, Slerp([0, 1], both)(t).as_matrix(), atol=1e-7)
    np.testing.assert_allclose(between.translation, [1 + 3 * t, 2 - 2 * t, 3 - 5 * t])


@given(angle, tilt, angle)
def test_composition_inverse_and_application_agree(r: float, p: float, y: float) -> None:
    a = Transform.from_euler(r, p, y, [1, -2, 3])
    b = Transform.from_euler(y, p, r, [0, 5, 1])
    points = np.array([[1.0, 2, 3], [-4, 0, 9]])
    np.testing.assert_allclose((a @ b).apply(points), a.apply(b.apply(points)), atol=1e-12)
    np.testing.assert_allclose(a.inverse().apply(a.apply(points)), points, atol=1e-12)
    np.testing.assert_allclose((a @ b).matrix, a.matrix @ b.matrix, atol=1e-12)


@given(st.tuples(angle, angle, angle))
def test_rotation_vector_equals_scipy(vector: tuple[float, float, float]) -> None:
    expected = Rotation.from_rotvec(vector).as_matrix()
    np.testing.assert_allclose(rotation_of_vector(vector), expected, atol=1e-9)


def test_a_half_turn_has_a_quaternion() -> None:
    turn = Transform.from_euler(math.pi, 0, 0)
    np.testing.assert_allclose(np.abs(turn.quaternion), [1, 0, 0, 0], atol=1e-9)


def test_optical_axes_are_those_of_rep_103() -> None:
    forward, right, down = [0, 0, 1], [1, 0, 0], [0, 1, 0]
    np.testing.assert_array_equal(LINK_FROM_OPTICAL.apply(forward), [1, 0, 0])
    np.testing.assert_array_equal(LINK_FROM_OPTICAL.apply(right), [0, -1, 0])
    np.testing.assert_array_equal(LINK_FROM_OPTICAL.apply(down), [0, 0, -1])


@pytest.mark.parametrize("quaternion", [[0, 0, 0, 0], [np.nan, 0, 0, 1]])
def test_an_impossible_quaternion_is_refused(quaternion: list[float]) -> None:
    with pytest.raises(ValueError, match="finite quaternion"):
        Transform.from_quaternion(quaternion)


@pytest.mark.parametrize(("angle", "wrapped"), [(3 * math.pi, math.pi), (-4.0, 2 * math.pi - 4)])
def test_angles_wrap(angle: float, wrapped: float) -> None:
    assert wrap_rad(angle) == pytest.approx(wrapped)
