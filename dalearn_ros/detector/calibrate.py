"""Scores and covariances made true on validation images, and judged on other drives than those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.calibration import (
    FEATURES,
    FEWEST,
    Calibration,
    fit_covariance,
    fit_probability,
)
from dalearn_ros.coding.decode import Candidates, DecodeSettings, observations_of
from dalearn_ros.evaluation.calibration import REACH, expected_calibration_error, inside
from dalearn_ros.evaluation.matching import match
from dalearn_ros.landmarks.types import Labels, Observations

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FOLDS = 7
PREFIX = "calibration/"


@dataclass(frozen=True)
class Found:
    """Truth and possible landmarks of one image.

    Attributes:
        truth: Its covariance is that of pose and map, px².
        candidates: Those with a best vote of at least ``LOWEST_SCORE``.
        exact: (N,) truth whose point is no stand-in.
        drive: Number of the dataset; images of one drive are never on both sides of a fit.
    """

    truth: Labels
    candidates: Candidates
    exact: npt.NDArray[np.bool_]
    drive: int


@dataclass(frozen=True)
class Seen:
    """Truth and scored observations of one image; their covariance is that of the votes."""

    truth: Labels
    observations: Observations


def raw_observations(found: Found, score: Array) -> Observations:
    """Candidates with scores; covariances without factor and floor."""
    return observations_of(found.candidates, score, DecodeSettings())


def folds_of(found: Sequence[Found]) -> Ints:
    """(N,) fold of each image: its drive's; of a single drive, blocks of neighbouring images."""
    drives = np.array([entry.drive for entry in found], dtype=np.int64)
    names, number = np.unique(drives, return_inverse=True)
    if len(names) > 1:
        return np.asarray(number.reshape(-1) % FOLDS, np.int64)
    return np.arange(len(found)) * FOLDS // max(1, len(found))


def score_hits(
    found: Sequence[Found], match_px: float, classes: int
) -> tuple[Calibration | None, list[Array], float]:
    """Fit the probability of a hit.

    Returns:
        The model fitted on all images, None if there is too little to fit to; scores (N,) of each
        image's candidates by models fitted on the other folds, or the best votes without a model;
        and the expected calibration error of these scores.
    """
    features = [entry.candidates.features for entry in found]
    hits, judged = [], []
    for entry in found:
        result = match(entry.truth, raw_observations(entry, entry.candidates.best), match_px)
        hit = np.zeros(len(entry.candidates), dtype=bool)
        hit[result.seen] = True
        hits.append(hit)
        judged.append(np.sort(np.concatenate([result.seen, result.false_alarms])))

    def fit(chosen: Ints) -> Calibration | None:
        if not len(chosen):
            return None
        return fit_probability(
            np.concatenate([features[i][judged[i]] for i in chosen]),
            np.concatenate([found[i].candidates.class_id[judged[i]] for i in chosen]),
            np.concatenate([hits[i][judged[i]] for i in chosen]),
            classes,
        )

    scores = [entry.candidates.best for entry in found]
    whole, fold = fit(np.arange(len(found))), folds_of(found)
    parts = {k: fit(np.flatnonzero(fold != k)) for k in np.unique(fold).tolist()}
    if whole is None or None in parts.values():
        whole = None
    else:
        for i, entry in enumerate(found):
            part = parts[int(fold[i])]
            assert part is not None
            scores[i] = part.probability(features[i], entry.candidates.class_id)
    score = np.concatenate([s[rows] for s, rows in zip(scores, judged, strict=True)])
    hit = np.concatenate([h[rows] for h, rows in zip(hits, judged, strict=True)])
    return whole, scores, expected_calibration_error(score, hit)


def covariance_figures(
    found: Sequence[Found], scores: Sequence[Array], threshold: float, match_px: float
) -> dict[str, float]:
    """Factor and floor of the covariance; empty if there are fewer than 20 points to fit to.

    Taken from all truth within ``REACH`` times ``match_px`` of an observation of its class.

    Returns:
        ``variance_scale``, ``variance_floor_px2``, and ``covariance_inside/1`` to ``3``: the
        shares of true points inside the ellipses that were fitted on the other folds.
    """
    errors, covariances, own, fold = [], [], [], []
    for entry, score, number in zip(found, scores, folds_of(found), strict=True):
        kept = raw_observations(entry, score).select(score >= threshold)
        result = match(entry.truth, kept, REACH * match_px)
        taken = entry.exact[result.truth]
        rows, columns = result.truth[taken], result.seen[taken]
        errors.append(kept.point_px[columns] - entry.truth.point_px[rows])
        covariances.append(kept.covariance_px2[columns])
        own.append(entry.truth.covariance_px2[rows])
        fold.append(np.full(len(rows), number))
    error, covariance, truth = (np.concatenate(part) for part in (errors, covariances, own))
    number = np.concatenate(fold)
    if len(error) < FEWEST:
        return {}
    scale, floor = fit_covariance(error, covariance, truth)
    figures = {"variance_scale": scale, "variance_floor_px2": floor}
    total = np.zeros_like(truth)
    for k in np.unique(number):
        rest = number != k
        a, b = fit_covariance(error[rest], covariance[rest], truth[rest])
        total[~rest] = (a * covariance + b * np.eye(2) + truth)[~rest]
    return {**figures, **{f"covariance_inside/{k}": v for k, v in inside(error, total).items()}}


def calibration_figures(calibration: Calibration) -> dict[str, float]:
    """The model's numbers with their names, as a run keeps them."""
    figures = dict(zip(FEATURES, calibration.weights, strict=True))
    figures.update({f"class/{i}": bias for i, bias in enumerate(calibration.class_bias, start=1)})
    return {PREFIX + name: value for name, value in figures.items()}


def calibration_from(figures: Mapping[str, float]) -> Calibration | None:
    """The model out of :func:`calibration_figures`; None if there is none among the figures."""
    if PREFIX + FEATURES[0] not in figures:
        return None
    weights = tuple(float(figures[PREFIX + name]) for name in FEATURES)
    classes = sum(name.startswith(f"{PREFIX}class/") for name in figures)
    bias = (float(figures[f"{PREFIX}class/{i}"]) for i in range(1, classes + 1))
    return Calibration(weights, tuple(bias))
