"""Landmarks out of single map elements: faces that stand, lines and areas painted on the road."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.maps.reference import RULES, UP

Array = npt.NDArray[np.float64]
NONE = np.full(3, np.nan)
STOP_LINE_WIDTH_M = 0.3
MARK_WIDTH_M = 1.0  # of an arrow or symbol that a map draws by its centre line
NO_LENGTH = "its two ends are, seen from above, at the same place"
THIN = 0.02  # an outline with less area than this share of its length squared is a line


@dataclass(frozen=True)
class Element:
    """One landmark of a map, not yet in a table.

    Attributes:
        name: Unique id.
        class_id: Id in the label space.
        outline_m: (k, 3) metres.
        normal: (3,) unit vector out of the face, NaN if it has none.
        direction: (3,) unit driving direction, NaN if it has none.
        tag: ``kind:code``.
    """

    name: str
    class_id: int
    outline_m: Array
    normal: Array
    direction: Array
    tag: str

    def point(self, rule: str) -> Array:
        """(3,) reference point by the rule's name (D1)."""
        return RULES[rule](self.outline_m, self.direction)


def standing_face(bottom_m: Array, height_m: float) -> tuple[Array, Array]:
    """Rectangle (4, 3) over a bottom edge and the unit vector (3,) out of its front.

    Args:
        bottom_m: (k, 3) from the bottom-left to the bottom-right corner as seen from the front
            (Lanelet2, Autoware); only the ends count.
        height_m: Height of the face.

    Raises:
        ValueError: The ends coincide, or the height is not positive.
    """
    left, right = bottom_m[0], bottom_m[-1]
    along = (right - left) * np.array([1.0, 1.0, 0.0])
    length = float(np.linalg.norm(along))
    if length < 1e-3:
        raise ValueError("its two ends are at the same place")
    if not 0.0 < height_m < 100.0:
        raise ValueError(f"its height is {height_m} m")
    top = height_m * UP
    return np.stack([left, right, right + top, left + top]), np.cross(along / length, UP)


def polygon_face(corners_m: Array) -> tuple[Array, Array]:
    """A face drawn corner by corner, and the unit vector (3,) out of its front.

    Args:
        corners_m: (k, 3), counter-clockwise as seen from the front (Autoware's ``pose_marker``).

    Raises:
        ValueError: Fewer than three corners, or no area.
    """
    if len(corners_m) < 3:
        raise ValueError("it has fewer than three corners")
    local = corners_m - corners_m[0]
    area = np.cross(local, np.roll(local, -1, axis=0)).sum(axis=0) / 2.0
    size = float(np.linalg.norm(area))
    if size < 1e-4:
        raise ValueError("its corners span no area")
    return corners_m, area / size


def painted_mark(points_m: Array, width_m: float) -> Array:
    """Outline (k, 3) of a painted mark, drawn in a map by its outline or by its centre line.

    Args:
        points_m: (k, 3) outline without its first point again, or centre line.
        width_m: Of the mark, for a centre line.

    Raises:
        ValueError: It has neither an area nor, seen from above, a length.
    """
    ends = points_m[-1] - points_m[0]
    local = points_m - points_m[0]
    area = np.linalg.norm(np.cross(local, np.roll(local, -1, axis=0)).sum(axis=0)) / 2.0
    extent = float(np.linalg.norm(local, axis=1).max())
    if len(points_m) > 2 and area > THIN * extent**2:
        return points_m
    side = np.cross(UP, ends)
    length = float(np.linalg.norm(side))
    if length < 1e-3:
        raise ValueError(NO_LENGTH)
    side *= 0.5 * width_m / length
    return np.concatenate([points_m - side, (points_m + side)[::-1]])


def painted_line(line_m: Array, direction: Array, width_m: float) -> Array:
    """Outline (2k, 3) of a painted line (k, 3): half of its width before and behind it."""
    half = 0.5 * width_m * direction
    return np.concatenate([line_m - half, (line_m + half)[::-1]])


def square_to(line_m: Array, hint: Array) -> Array:
    """Horizontal unit normal (3,) of a line (k, 3), on the side to which ``hint`` points.

    Raises:
        ValueError: Its two ends are, seen from above, at the same place.
    """
    along = line_m[-1] - line_m[0]
    normal = np.array([along[1], -along[0], 0.0])
    length = float(np.linalg.norm(normal))
    if length < 1e-3:
        raise ValueError(NO_LENGTH)
    normal /= length
    return normal if float(normal @ hint) >= 0.0 else -normal


def across_long_side(polygon_m: Array) -> Array:
    """Horizontal unit direction (3,) square to a polygon's longest side."""
    sides = np.roll(polygon_m, -1, axis=0) - polygon_m
    longest = sides[int(np.argmax(np.linalg.norm(sides[:, :2], axis=1)))]
    return square_to(np.stack([np.zeros(3), longest]), np.array([1.0, 1e-3, 0.0]))
