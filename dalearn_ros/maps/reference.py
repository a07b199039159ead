"""Reference points in 3D: the one point of a landmark that map and detector share (D1)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
UP = np.array([0.0, 0.0, 1.0])


def center(outline_m: Array, direction: Array) -> Array:
    """Middle of the outline's extent along its own two axes: for a rectangle, its centre.

    Args:
        outline_m: (k, 3) polygon, metres, map frame.
        direction: Not used.

    Returns:
        (3,) metres.
    """
    middle: Array = outline_m.mean(axis=0)
    _, _, axes = np.linalg.svd(outline_m - middle, full_matrices=False)
    along = (outline_m - middle) @ axes.T
    result: Array = middle + (along.min(axis=0) + along.max(axis=0)) / 2.0 @ axes
    return result


def lower_right(outline_m: Array, direction: Array) -> Array:
    """The lower right end of a road marking as a driver coming along ``direction`` sees it.

    The vertex furthest to the right and back: the one with the largest (right - forward)
    coordinate. It is a corner of the paint, visible in the image, and one point of the map.

    Args:
        outline_m: (k, 3) polygon, metres, map frame.
        direction: (3,) driving direction, metres or unit length.

    Returns:
        (3,) metres.
    """
    forward = np.array([direction[0], direction[1], 0.0])
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, UP)
    vertex: Array = outline_m[int(np.argmax(outline_m @ (right - forward)))]
    return vertex


RULES: dict[str, Callable[[Array, Array], Array]] = {"center": center, "lower_right": lower_right}
