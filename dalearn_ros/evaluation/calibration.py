"""Does a detector mean what it says: is its score a probability, are its covariances true?"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.datasets.store import Dataset
from dalearn_ros.evaluation.columns import Columns
from dalearn_ros.evaluation.matching import Matching
from dalearn_ros.landmarks.types import Labels, Observations
from dalearn_ros.localization.settings import LocalizerSettings

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_ERRORS = ("u_px", "v_px", "uu", "uv", "vu", "vv", "range_sigmas")
BINS = 10
REACH = 3.0  # times match_px: the truth that an observation means may be so far away
SIGMAS = (1, 2, 3)
MAP_SIGMA_M = LocalizerSettings().map_sigma_m
GAUSSIAN_INSIDE = tuple(1.0 - math.exp(-0.5 * k * k) for k in SIGMAS)  # 2 degrees of freedom


def reliability(score: Array, hit: Mask) -> list[dict[str, float]]:
    """Scores in ten equal bins of [0, 1]: how many, their mean, and the share of hits.

    Args:
        score: (N,) 0 to 1.
        hit: (N,).

    Returns:
        ``count``, ``score`` and ``hits`` of each bin that is not empty, lowest first.
    """
    number = np.minimum((score * BINS).astype(np.int64), BINS - 1)
    rows = []
    for k in range(BINS):
        here = number == k
        if here.any():
            means = {"score": float(score[here].mean()), "hits": float(hit[here].mean())}
            rows.append({"count": int(here.sum()), **means})
    return rows


def expected_calibration_error(score: Array, hit: Mask) -> float:
    """Mean of |share of hits - mean score| over the bins, weighted by their counts; NaN if empty.

    Source: Naeini et al. 2015, with ten bins.
    """
    rows = reliability(score, hit)
    if not rows:
        return math.nan
    return sum(row["count"] * abs(row["hits"] - row["score"]) for row in rows) / len(score)


def inside(error_px: Array, covariance_px2: Array) -> dict[str, float]:
    """Share of the errors (N, 2) inside the 1, 2 and 3 sigma ellipses of covariances (N, 2, 2).

    A Gaussian has 39.3 %, 86.5 % and 98.9 % there. NaN if there is none.
    """
    if not len(error_px):
        return {str(k): math.nan for k in SIGMAS}
    solved = np.linalg.solve(covariance_px2, error_px[:, :, None])[:, :, 0]
    squared = (error_px * solved).sum(axis=1)
    return {str(k): float(np.mean(squared <= k * k)) for k in SIGMAS}


def with_map_noise(truth: Labels, focal_px: float, map_sigma_m: float = MAP_SIGMA_M) -> Labels:
    """Truth whose covariance is that of its pose (0 where unknown) plus that of its map.

    A landmark that is off by sigma in each axis of the map is off by about f/range·sigma in each
    axis of the image. The localizer adds the same for its map, so a detector must not.

    Args:
        truth: Labels of one image.
        focal_px: Focal length, pixels.
        map_sigma_m: Standard deviation of a landmark's place in the map, each axis, metres.
    """
    sigma = focal_px * map_sigma_m / np.maximum(truth.range_m, 0.1)
    noise = np.nan_to_num(sigma * sigma)[:, None, None] * np.eye(2)
    covariance = np.nan_to_num(truth.covariance_px2, posinf=0.0, neginf=0.0) + noise
    return dataclasses.replace(truth, covariance_px2=covariance)


def labels_with_map_noise(data: Dataset, index: int, map_sigma_m: float = MAP_SIGMA_M) -> Labels:
    """Labels of an image of a dataset, see :func:`with_map_noise`.

    Labels that are not from a map, or whose camera is unknown, have no noise of a map.
    """
    truth, meta = data.labels(index), data.meta(index)
    matrix = (meta.get("camera") or {}).get("matrix")
    if matrix is None or not (meta.get("map") or data.source.get("map")):
        return with_map_noise(truth, 0.0, map_sigma_m)
    return with_map_noise(truth, float(matrix[0][0]), map_sigma_m)


class CalibrationScore:
    """Gathers scores and normalised errors, frame by frame."""

    def __init__(self) -> None:
        self._claims = Columns(score="d", hit="h")
        self._errors = Columns(**dict.fromkeys(_ERRORS, "d"))

    def add(
        self, truth: Labels, seen: Observations, main: Matching, wide: Matching, exact: Mask
    ) -> None:
        """One image.

        Args:
            truth: Its truth; NaN in its covariance counts as 0.
            seen: Its observations.
            main: Their matching at ``match_px``: what is a hit.
            wide: Their matching at ``REACH`` times that: whose error is taken. Within ``match_px``
                alone the large errors would be cut off, and every large covariance look true.
            exact: (N,) truth whose point is exact enough to be taken.
        """
        judged = np.concatenate([main.seen, main.false_alarms])
        hit = np.arange(len(judged)) < len(main.seen)
        self._claims.extend(score=seen.score[judged], hit=hit)
        taken = exact[wide.truth]
        rows, columns = wide.truth[taken], wide.seen[taken]
        error = seen.point_px[columns] - truth.point_px[rows]
        own = np.nan_to_num(truth.covariance_px2[rows])
        covariance = (seen.covariance_px2[columns] + own).reshape(-1, 4)
        off = seen.range_m[columns] - truth.range_m[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            sigmas = np.abs(off / seen.sigma_range_m[columns])
        values = [*error.T, *covariance.T, sigmas]
        self._errors.extend(**dict(zip(_ERRORS, values, strict=True)))

    def result(self) -> dict[str, Any]:
        """``ece``, ``covariance_inside``, ``distance_inside`` (1 and 2 sigma), ``reliability``."""
        score, hit = self._claims["score"], self._claims["hit"].astype(bool)
        columns = [self._errors[name] for name in _ERRORS]
        error = np.stack(columns[:2], axis=1)
        covariance = np.stack(columns[2:6], axis=1).reshape(-1, 2, 2)
        usable = np.isfinite(error).all(axis=1) & np.isfinite(covariance).all(axis=(1, 2))
        error, covariance = error[usable], covariance[usable]
        known = np.linalg.det(covariance) > 0.0
        off = columns[6]
        off = off[np.isfinite(off)]
        return {
            "ece": expected_calibration_error(score, hit),
            "covariance_inside": inside(error[known], covariance[known]),
            "distance_inside": {
                str(k): float(np.mean(off <= k)) if len(off) else math.nan for k in SIGMAS[:2]
            },
            "reliability": reliability(score, hit),
        }
