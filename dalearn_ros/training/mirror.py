"""Which end of a road marking is the lower right one once the image is mirrored."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels

Floats = npt.NDArray[np.float64]
_HEIGHTS_M = (0.8, 1.5, 3.0)  # of cameras over the road, from a car's bumper to a lorry's roof
_SAME_PX = 0.5


def mirror_references(labels: Labels, size: tuple[int, int], label_space: LabelSpace) -> Labels:
    """Put reference points where they must be for the image to be mirrored afterwards.

    The lower right end of a mirrored marking is the mirrored lower left end. By the rule it is the
    vertex that is furthest to the left and back (see :func:`maps.reference.lower_right`). In the
    image of a road at distance Z from a camera at height h, a pixel across is Z/f metres and a
    pixel down Z²/(f·h), so it is the vertex with the largest Z/h·v - u. The height is not known:
    the vertex must be the same for all usual ones, and the same reckoning for the right end must
    give the reference point that is known. For a rectangle both hold up to 45° between camera and
    driving direction. Where they do not, and where the vertex lies on the border of the image, so
    that the outline may have been cut there, the marking is ignored. The distance of a point that
    was moved is not known.

    Args:
        labels: Of a whole image, not yet mirrored.
        size: (width, height) of the image.
        label_space: Rules of the classes.

    Returns:
        The labels, still not mirrored; signs and signals as they were.
    """
    point, ignore = labels.point_px.copy(), labels.ignore.copy()
    distance = labels.range_m.copy()
    markings = np.array(label_space.rules)[labels.class_id] == "lower_right"
    for index in np.flatnonzero(markings & ~labels.ignore).tolist():
        outline = labels.outlines_px[index]
        vertex = _left_end(outline, point[index], float(distance[index]), size)
        if vertex is None:
            ignore[index] = True
        else:
            point[index], distance[index] = outline[vertex], np.nan
    return dataclasses.replace(labels, point_px=point, range_m=distance, ignore=ignore)


def _left_end(
    outline_px: Floats, point_px: Floats, range_m: float, size: tuple[int, int]
) -> int | None:
    """The vertex, or None if the outline cannot tell."""
    local = outline_px - point_px
    if len(local) < 3 or not np.isfinite(local).all() or not np.isfinite(range_m):
        return None
    found = set()
    for height_m in _HEIGHTS_M:
        back = local[:, 1] * range_m / height_m
        right, left = int(np.argmax(back + local[:, 0])), int(np.argmax(back - local[:, 0]))
        if float(np.hypot(*local[right])) > _SAME_PX:
            return None
        found.add(left)
    vertex = found.pop()
    inside = (outline_px[vertex] > 0).all() and (outline_px[vertex] < np.array(size) - 1).all()
    return vertex if not found and bool(inside) else None
