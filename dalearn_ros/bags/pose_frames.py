"""Recorded poses as poses of the vehicle in the map, whatever two frames they join."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import BagError, PoseError
from dalearn_ros.geometry.tf_buffer import TransformBuffer
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.geometry.transforms import Transform, skew

Array = npt.NDArray[np.float64]


def map_from_base(
    poses: Trajectory,
    found: tuple[str, str],
    wanted: tuple[str, str],
    transforms: TransformBuffer,
    path: Path,
) -> Trajectory:
    """``map <- base`` from poses ``parent <- child``, by the recorded transforms at each stamp.

    Args:
        poses: Of the frame ``child`` in the frame ``parent``.
        found: Those two, ``parent`` and ``child``.
        wanted: The frame of the map and that of the vehicle.
        transforms: Of the bag.
        path: The bag, for error sentences.

    Returns:
        The poses at whose stamp the transforms are known (D5: none is extrapolated), those that
        are not finite as they are. A covariance is turned to the axes of the map and carried from
        the point of the child to that of the base, to first order.

    Raises:
        BagError: The transforms do not join the frames, or at no stamp of the poses.
    """
    (parent, child), (map_frame, base_frame) = found, wanted
    _check_joined(poses, found, wanted, transforms, path)
    kept: list[int] = []
    positions, quaternions = poses.positions.copy(), poses.quaternions.copy()
    covariances = None if poses.covariances is None else poses.covariances.copy()
    reason = ""
    for row, stamp in enumerate(map(int, poses.stamps_ns)):
        try:
            before = transforms.lookup(map_frame, parent, stamp)
            after = transforms.lookup(child, base_frame, stamp)
        except PoseError as error:
            reason = str(error).rstrip(".")
            continue
        kept.append(row)
        try:
            given = Transform.from_quaternion(quaternions[row], positions[row])
        except ValueError:  # not finite: whoever asks for this time is told so
            continue
        moved = before @ given @ after
        positions[row], quaternions[row] = moved.translation, moved.quaternion
        if covariances is not None:
            lever = before.rotation @ given.rotation @ after.translation
            covariances[row] = _carried(covariances[row], before.rotation, lever)
    if not kept:
        expected = f"{map_frame} <- {parent} and {child} <- {base_frame} at the times of its poses"
        raise BagError.at(path, poses.source, expected, reason)
    return replace(
        poses,
        stamps_ns=poses.stamps_ns[kept],
        positions=positions[kept],
        quaternions=quaternions[kept],
        covariances=None if covariances is None else covariances[kept],
    )


def _check_joined(
    poses: Trajectory,
    found: tuple[str, str],
    wanted: tuple[str, str],
    transforms: TransformBuffer,
    path: Path,
) -> None:
    """Raise BagError if the transforms do not join the frames of the poses with those wanted."""
    (parent, child), (map_frame, base_frame) = found, wanted
    sides = [
        (map_frame, parent, f"poses in the frame '{map_frame}'", "--map-frame", "the map's frame"),
        (base_frame, child, f"poses of '{base_frame}'", "--base-frame", "the vehicle's frame"),
    ]
    for ours, theirs, expected, option, meaning in sides:
        try:
            transforms.lookup(ours, theirs, int(poses.stamps_ns[0]))
        except PoseError as error:
            if error.reason != "tf":
                continue
            text = f"'{theirs}', not joined with it by TF: {str(error).rstrip('.')}"
            hint = (
                f"Record the transform {ours} <- {theirs} with the drive, or, if '{theirs}' is "
                f"{meaning}, say so: {option} {theirs}."
            )
            raise BagError.at(path, poses.source, expected, text, hint) from None


def _carried(covariance: Array, turn: Array, lever: Array) -> Array:
    """The (6, 6) covariance about turned axes, of a point that lies ``lever`` (3,) further."""
    turned = np.kron(np.eye(2), turn)
    moved = np.eye(6)
    moved[:3, 3:] = -skew(lever)  # dp = dp + w x lever
    jacobian = moved @ turned
    result: Array = jacobian @ covariance @ jacobian.T
    return result
