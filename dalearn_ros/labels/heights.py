"""Which ground a map without heights stands on while a drive is labelled."""

from __future__ import annotations

import dataclasses

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import Frame
from dalearn_ros.maps.ground import on_plane, with_ground
from dalearn_ros.maps.index import IndexedMap


def grounded(landmarks: IndexedMap, poses: Trajectory, model: str) -> tuple[IndexedMap, bool]:
    """The map with heights; one that has them is returned as it is.

    Args:
        landmarks: As loaded.
        poses: Of the drive, ``base_link`` on the ground.
        model: ``trajectory``: the ground has the heights of the driven positions. ``plane``: in
            every frame it is the plane through the vehicle's wheels.

    Returns:
        The map, with a note on the ground model in its report, and whether frames must be levelled
        (:func:`level`) before they are labelled with it.
    """
    if not landmarks.report.flat:
        return landmarks, False
    if model == "trajectory":
        return with_ground(landmarks, poses.positions), False
    return on_plane(landmarks, Transform.identity()), True


def level(frame: Frame) -> Frame:
    """The frame with the vehicle at height zero, upright: its wheels' plane is the map's zero.

    Roll and pitch of the vehicle are those of the road under it, so the camera stands over the
    road as its mounting says; only the heading counts. The covariance is kept.
    """
    assert frame.pose is not None
    where = frame.pose.map_from_base
    flat = Transform.from_euler(0.0, 0.0, where.yaw_rad, where.translation * [1.0, 1.0, 0.0])
    pose = Pose(frame.pose.stamp_ns, flat, frame.pose.covariance)
    return dataclasses.replace(frame, pose=pose)
