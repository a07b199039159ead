"""Do the distances that the detector predicts fit those of the map (S9)?

A monocular distance hangs on the focal length and on what the model has seen: a wrong camera_info,
another lens or a model far from home shows as a scale. Each landmark counts once, with the mean
over its passing by, because its images err alike. A report for people: nothing is fed back.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import LandmarkMap, Observations

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

COLLECTING, STEADY, OFF = "collecting", "steady", "off"
LEAST_LANDMARKS = 10  # fewer say nothing
PASS_S = 20.0  # a landmark that was not seen for so long begins anew
SIDE = 0.025  # probability to either side of the 95 % interval


@dataclass(frozen=True)
class DistanceReport:
    """How predicted distances compare with those of the map.

    Attributes:
        state: ``collecting``, ``steady``, or ``off``: the interval lies beyond what is tolerated.
        landmarks: How many it rests on.
        scale: Median of predicted over mapped distance; NaN without landmarks.
        interval: Of the scale, 95 %; NaN while collecting.
        relative_error: Median of abs(predicted - mapped) / mapped; NaN without landmarks.
    """

    state: str
    landmarks: int
    scale: float
    interval: tuple[float, float]
    relative_error: float

    def __str__(self) -> str:
        """One sentence; where the scale is off, with what to do."""
        if self.state == COLLECTING:
            return f"{self.landmarks} of {LEAST_LANDMARKS} landmarks that are needed"
        low, high = self.interval
        text = (
            f"predicted distances are {self.scale:.2f} times those of the map (95 %: {low:.2f} to "
            f"{high:.2f}; {self.landmarks} landmarks), median error {100 * self.relative_error:.0f}"
            " %"
        )
        if self.state == OFF:
            text += ": is camera_info that of these images, and was the model taught for them?"
        return text


def compare_distances(log_ratio: npt.ArrayLike, tolerance: float) -> DistanceReport:
    """Judge the scale of predicted distances.

    The interval of the median lies between order statistics by the binomial distribution, so it
    needs no assumption on the errors but their independence.

    Args:
        log_ratio: (N,) logarithm of predicted over mapped distance, one a landmark; rows that are
            not finite are left out.
        tolerance: A scale between 1 / (1 + tolerance) and 1 + tolerance is good enough.
    """
    ratios = np.sort(np.asarray(log_ratio, np.float64))
    ratios = ratios[np.isfinite(ratios)]
    count = len(ratios)
    if not count:
        return DistanceReport(COLLECTING, 0, math.nan, (math.nan, math.nan), math.nan)
    scale = float(np.exp(np.median(ratios)))
    error = float(np.median(np.abs(np.expm1(ratios))))
    if count < LEAST_LANDMARKS:
        return DistanceReport(COLLECTING, count, scale, (math.nan, math.nan), error)
    rank = median_rank(count)
    low, high = (float(value) for value in np.exp(ratios[[rank, count - 1 - rank]]))
    beyond = low > 1.0 + tolerance or high < 1.0 / (1.0 + tolerance)
    return DistanceReport(OFF if beyond else STEADY, count, scale, (low, high), error)


def median_rank(count: int) -> int:
    """How many of so many sorted values lie below the 95 % interval of their median.

    The largest r with P(Binomial(count, 1/2) <= r) <= 2.5 %, at least 0: the median lies between
    the values number r and count - 1 - r, counted from 0, with 95 % or more (6 values or more).
    """
    below, ways, rank = 1, 1, 0  # of 2^count outcomes: whole numbers, however many landmarks
    while below * round(1.0 / SIDE) <= 1 << count:
        ways = ways * (count - rank) // (rank + 1)
        rank += 1
        below += ways
    return max(rank - 1, 0)


class DistanceCheck:
    """Collects the last landmarks of one camera. Memory is bounded.

    Args:
        landmarks: The map.
        base_from_camera: Mounting.
        tolerance: See :func:`compare_distances`.
        kept: So many landmarks.
    """

    def __init__(
        self, landmarks: LandmarkMap, base_from_camera: Transform, tolerance: float, kept: int
    ) -> None:
        self._landmarks, self._mounting = landmarks, base_from_camera
        self._tolerance, self._kept = tolerance, kept
        self._seen: OrderedDict[int, _Sum] = OrderedDict()

    def add(self, observations: Observations, matches: Ints, pose: Pose) -> None:
        """Add one image.

        Args:
            observations: What was seen; rows whose distance is unknown are left out.
            matches: (M, 2) row of the observation, row in the map.
            pose: The localizer's, at the image's stamp.
        """
        predicted = observations.range_m[matches[:, 0]]
        mapped = map_distances(self._landmarks.point_m[matches[:, 1]], pose, self._mounting)
        known = np.isfinite(predicted) & (predicted > 0.0) & (mapped > 0.0)
        ratios = np.log(predicted[known] / mapped[known])
        for row, ratio in zip(matches[known, 1].tolist(), ratios.tolist(), strict=True):
            one = self._seen.pop(row, None)
            if one is None or not 0 <= observations.stamp_ns - one.last_ns <= PASS_S * 1e9:
                one = _Sum()
            one.total += ratio
            one.count += 1
            one.last_ns = observations.stamp_ns
            self._seen[row] = one  # the newest last
        while len(self._seen) > self._kept:
            self._seen.popitem(last=False)

    def report(self) -> DistanceReport:
        """What the last landmarks say."""
        means = [one.total / one.count for one in self._seen.values()]
        return compare_distances(means, self._tolerance)


@dataclass
class _Sum:
    total: float = 0.0
    count: int = 0
    last_ns: int = 0


def map_distances(points_m: Array, pose: Pose, base_from_camera: Transform) -> Array:
    """(N,) metres from the camera to points (N, 3) of the map frame."""
    camera = (pose.map_from_base @ base_from_camera).translation
    return np.asarray(np.linalg.norm(points_m - camera, axis=1), np.float64)
