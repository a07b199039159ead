"""What the localizer used, as markers for a 3D view (D19)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import LandmarkMap, Observations
from dalearn_ros.localization.results import LocalizationResult
from dalearn_ros.maps.index import indexed
from dalearn_ros.nodes.messages import header_of

NEAR_M = 100.0
MAP_COLOUR = (0.6, 0.6, 0.6, 0.8)
MATCH_COLOUR = (0.1, 0.9, 0.3, 1.0)


def markers_of(
    landmarks: LandmarkMap,
    result: LocalizationResult,
    seen: Observations,
    base_from_camera: Transform,
) -> MarkerArray:
    """Landmarks near the vehicle (grey), matched ones (green) with a line from the camera.

    Args:
        landmarks: The map.
        result: With a pose.
        seen: The observations that it came from, for the stamp.
        base_from_camera: Mounting.
    """
    assert result.pose is not None
    eye = (result.pose.map_from_base @ base_from_camera).translation
    near = landmarks.point_m[indexed(landmarks).near(eye, NEAR_M)]
    matched = landmarks.point_m[result.matches[:, 1]]
    lines = np.stack([np.broadcast_to(eye, matched.shape), matched], axis=1).reshape(-1, 3)
    header = header_of(seen.stamp_ns, landmarks.frame_id)
    return MarkerArray(
        markers=[
            _marker(header, 0, Marker.SPHERE_LIST, 0.3, MAP_COLOUR, near),
            _marker(header, 1, Marker.SPHERE_LIST, 0.5, MATCH_COLOUR, matched),
            _marker(header, 2, Marker.LINE_LIST, 0.05, MATCH_COLOUR, lines),
        ]
    )


def _marker(
    header: Any,
    number: int,
    kind: int,
    size_m: float,
    colour: tuple[float, float, float, float],
    points: npt.NDArray[np.float64],
) -> Marker:
    marker = Marker(header=header, ns="landmarks", id=number, type=kind, action=Marker.ADD)
    marker.scale.x = marker.scale.y = marker.scale.z = size_m
    marker.pose.orientation.w = 1.0
    r, g, b, a = colour
    marker.color = ColorRGBA(r=r, g=g, b=b, a=a)
    marker.points = [Point(x=float(x), y=float(y), z=float(z)) for x, y, z in points]
    return marker
