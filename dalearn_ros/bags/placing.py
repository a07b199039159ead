"""Frames get the pose at which they were taken, and one for each row of a rolling shutter."""

from __future__ import annotations

import dataclasses

from dalearn_ros.geometry.rolling_shutter import RowPoses
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import Frame


def placed(frame: Frame, poses: Trajectory, time_offset_ns: int, readout_s: float) -> Frame:
    """The frame with its pose, and those of its rows where the shutter rolls.

    Args:
        frame: With its stamp, nanoseconds.
        poses: Of the vehicle in the map.
        time_offset_ns: How much later than its stamp the image was taken.
        readout_s: From the first row that is read to the last, seconds; 0: all rows at once.

    Raises:
        PoseError: No usable pose at the time of one of them.
    """
    taken_ns = frame.stamp_ns + time_offset_ns
    frame = dataclasses.replace(frame, pose=poses.at(taken_ns))
    if not readout_s:
        return frame

    def camera_from_map_at(when_ns: int) -> Transform:
        return (poses.at(when_ns).map_from_base @ frame.base_from_camera).inverse()

    rows = RowPoses.of(frame.camera, taken_ns, readout_s, camera_from_map_at)
    return dataclasses.replace(frame, rows=rows)
