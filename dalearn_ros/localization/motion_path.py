"""The way of a vehicle in the plane: laid onto places, turned, and how fast it was driven."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from dalearn_ros.labels.residuals import twists

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def velocities(stamps_ns: Ints, rotation: Array, position_m: Array, heading_rad: Array) -> Array:
    """Velocities (F, 6) along the map's axes at each of the poses.

    Those along x and y and about z are the slopes of cubic splines through all poses. The chord
    from the pose before to the pose after, which :func:`twists` takes and which is enough for the
    rest, is flatter than the curve in every bend, by sin(w h) / (w h) for a bend that swings with
    w rad/s and poses h seconds apart; a clock's offset, which is residual over velocity, would
    come out too large by as much.

    Args:
        stamps_ns: (F,) ascending.
        rotation: (F, 3, 3) map from base.
        position_m: (F, 3) metres.
        heading_rad: (F,) of the poses, without jumps by full turns.

    Returns:
        m/s and rad/s; NaN where there is no other pose within a second.
    """
    found = twists(stamps_ns, rotation, position_m)
    if len(stamps_ns) > 1:
        times = (stamps_ns - stamps_ns[0]) * 1e-9
        slope = CubicSpline(times, np.column_stack([position_m[:, :2], heading_rad]))(times, 1)
        found[:, [0, 1, 5]] = np.where(np.isnan(found[:, :1]), np.nan, slope)
    return found


def swung(position_m: Array, time_s: Array) -> Array:
    """(F, 2) derivative of places (F, 3) by a drift of the heading that begins at the first.

    A step from one place to the next swings by the time (F,) of its middle, seconds.
    """
    step = np.diff(position_m[:, :2], axis=0)
    middle = 0.5 * (time_s[:-1] + time_s[1:])
    swing = np.stack([-step[:, 1], step[:, 0]], axis=1) * middle[:, None]
    return np.concatenate([np.zeros((1, 2)), np.cumsum(swing, axis=0)])


def turned(vectors: Array, angle: Array) -> Array:
    """Vectors (N, 2) turned by angles (N,)."""
    c, s = np.cos(angle), np.sin(angle)
    x, y = vectors.T
    return np.stack([c * x - s * y, s * x + c * y], axis=1)


def laid(along: Array, places: Array) -> Array:
    """(3,) x, y, heading that lay a path (F, 2) onto places (F, 2) (Kabsch 1976, in the plane).

    Images without a place (NaN) take no part.
    """
    known = np.isfinite(places).all(axis=1)
    along, places = along[known], places[known]
    a, b = along - along.mean(axis=0), places - places.mean(axis=0)
    yaw = np.arctan2((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum(), (a * b).sum())
    start = places.mean(axis=0) - turned(along.mean(axis=0)[None], np.array([yaw]))[0]
    return np.array([start[0], start[1], yaw])
