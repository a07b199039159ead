"""A vehicle pose with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.transforms import Transform


@dataclass(frozen=True)
class Pose:
    """Where the vehicle is.

    Attributes:
        stamp_ns: Time, integer nanoseconds.
        map_from_base: Pose of ``base_link`` in the map frame (REP 105).
        covariance: (6, 6) in the order x, y, z, roll, pitch, yaw (metres, radians), about the
            axes of the map, as in geometry_msgs/PoseWithCovariance; None if unknown.
    """

    stamp_ns: int
    map_from_base: Transform
    covariance: npt.NDArray[np.float64] | None = None
