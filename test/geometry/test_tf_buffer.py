"""Chains of frames, interpolation in time, and sentences that name what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from dalearn_ros.core.errors import PoseError
from dalearn_ros.geometry.tf_buffer import TransformBuffer
from dalearn_ros.geometry.transforms import Transform


def _tree() -> TransformBuffer:
    buffer = TransformBuffer()
    buffer.add_static("base_link", "mast", Transform(np.eye(3), np.array([0.0, 0.0, 2.0])))
    turned = Transform.from_euler(0, 0, np.pi / 2, (1.0, 0.0, 0.0))
    buffer.add_static("mast", "camera", turned)
    for second in (1, 0):  # out of order on purpose
        moved = Transform(np.eye(3), np.array([10.0 * second, 0.0, 0.0]))
        buffer.add("map", "base_link", second * 100_000_000, moved)
    return buffer


def test_a_chain_multiplies_up() -> None:
    found = _tree().lookup("base_link", "camera")
    # A point 1 m along the camera's x lies 1 m to the left of a mast point 1 m ahead, 2 m up.
    assert np.allclose(found.apply([1.0, 0.0, 0.0]), [1.0, 1.0, 2.0])


def test_up_and_down_the_tree_are_inverse() -> None:
    buffer = _tree()
    there = buffer.lookup("map", "camera", 50_000_000)
    back = buffer.lookup("camera", "map", 50_000_000)
    assert np.allclose((there @ back).matrix, np.eye(4))


def test_siblings_meet_at_their_common_ancestor() -> None:
    buffer = _tree()
    buffer.add_static("base_link", "lidar", Transform(np.eye(3), np.array([0.0, 0.0, 1.5])))
    found = buffer.lookup("lidar", "mast")  # no time needed: both hang on base_link statically
    assert np.allclose(found.translation, [0.0, 0.0, 0.5])


def test_interpolates_between_samples() -> None:
    found = _tree().lookup("map", "base_link", 25_000_000)
    assert np.allclose(found.translation, [2.5, 0.0, 0.0])


@pytest.mark.parametrize(
    "stamp_ns, reason", [(-1, "before_start"), (100_000_001, "after_end"), (400_000_000, "gap")]
)
def test_never_extrapolates(stamp_ns: int, reason: str) -> None:
    buffer = _tree()
    if reason == "gap":
        buffer.add("map", "base_link", 800_000_000, Transform.identity())
    with pytest.raises(PoseError) as caught:
        buffer.lookup("map", "base_link", stamp_ns)
    assert caught.value.reason == reason
    assert "map <- base_link" in str(caught.value)


def test_names_the_missing_frame() -> None:
    with pytest.raises(PoseError, match=r"no frame 'front_camera'; it has: base_link, camera"):
        _tree().lookup("base_link", "front_camera")


def test_names_both_ends_of_two_trees() -> None:
    buffer = _tree()
    buffer.add_static("odom", "wheel", Transform.identity())
    with pytest.raises(PoseError, match=r"ends at 'map', the other at 'odom'"):
        buffer.lookup("camera", "wheel")


def test_refuses_a_circle() -> None:
    buffer = TransformBuffer()
    buffer.add_static("a", "b", Transform.identity())
    buffer.add_static("b", "a", Transform.identity())
    with pytest.raises(PoseError, match="circle"):
        buffer.lookup("a", "b")


def test_leading_slashes_do_not_matter() -> None:
    assert np.allclose(_tree().lookup("/base_link", "mast").translation, [0, 0, 2])
