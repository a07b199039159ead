"""From statistics to findings: which landmarks are missing, which have moved, which are new."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import LandmarkMap
from dalearn_ros.localization.bearings import Bearings, PointFit
from dalearn_ros.localization.health_report import HealthRow
from dalearn_ros.localization.health_settings import MapHealthSettings
from dalearn_ros.localization.presence import Presence
from dalearn_ros.localization.unmapped import UnmappedPoint

Array = npt.NDArray[np.float64]
PlaceOf = Callable[[int, Bearings], PointFit]

LEAST_VIEWS = 5  # of a landmark that may have moved; of one that is gone from its place
LEAST_VIEWS_GONE = 3
LEAST_SHARE = 0.6  # of the bearings that must agree on the place
LEAST_PARALLAX_RAD = float(np.radians(3.0))
CHI2_3DOF = 16.27  # of the shift; passed by chance once in 1000
PRIOR_LOG_ODDS = float(np.log(0.02 / 0.98))  # of having moved, or of being new
NEW_VIEW_LOG_ODDS = float(np.log(0.7 / 0.1))  # a real one is seen again; a false one rarely there
MERGE_M = 1.0  # a new point this near to one that the map has, or that moved there, is that one


def rows_of(
    landmarks: LandmarkMap,
    space: LabelSpace,
    limits: MapHealthSettings,
    presence: Presence,
    log_odds: Array,
    tracks: Mapping[int, Bearings],
    place_of: PlaceOf,
    points: Sequence[UnmappedPoint],
) -> tuple[HealthRow, ...]:
    """All findings, the surest first; a landmark that has moved is not missing as well.

    Args:
        landmarks: The map, N.
        space: Names of the classes.
        limits: What is enough.
        presence: Counts of each landmark.
        log_odds: (N,) that it is gone.
        tracks: Row in the map → bearings.
        place_of: Where the bearings of a row meet.
        points: What is seen and unexplained.
    """
    moved = {}
    for row, bearings in tracks.items():
        gone = float(log_odds[row])
        found = _moved(landmarks, space, limits, presence, row, bearings, place_of, gone)
        if found is not None:
            moved[row] = found
    missed = np.flatnonzero((log_odds > limits.suspect_log_odds) & (presence.expected > 0))
    missing = [
        _missing(landmarks, space, limits, presence, int(row), float(log_odds[row]))
        for row in missed
        if int(row) not in moved
    ]
    standing = np.setdiff1d(np.arange(len(landmarks)), missed)
    new = _new(landmarks, space, limits, standing, [*moved.values()], points)
    rows = [*moved.values(), *missing, *new]
    return tuple(sorted(rows, key=lambda row: (not row.confirmed, -row.log_odds)))


def _missing(
    landmarks: LandmarkMap, space: LabelSpace, limits: MapHealthSettings, presence: Presence,
    row: int, log_odds: float,
) -> HealthRow:  # fmt: skip
    passes = int(presence.passes[row])
    return HealthRow(
        kind="missing",
        confirmed=passes >= 2 and log_odds > limits.confirm_log_odds,
        id=str(landmarks.ids[row]),
        class_name=space.names[int(landmarks.class_id[row])],
        position_m=landmarks.point_m[row],
        sigma_m=float("nan"),
        shift_m=None,
        log_odds=log_odds,
        expected=int(presence.expected[row]),
        seen=int(presence.seen[row]),
        views=0,
        passes=passes,
    )


def _moved(
    landmarks: LandmarkMap, space: LabelSpace, limits: MapHealthSettings, presence: Presence,
    row: int, bearings: Bearings, place_of: PlaceOf, gone: float,
) -> HealthRow | None:  # fmt: skip
    """The landmark's place from its bearings, if it differs from the map's beyond doubt.

    Where it is not seen at the map's place (log-odds ``gone``), bearings that agree on another one
    nearby are enough.
    """
    is_gone = gone > limits.suspect_log_odds
    least = LEAST_VIEWS_GONE if is_gone else LEAST_VIEWS
    if len(bearings) < least:
        return None
    fit = place_of(row, bearings)
    views = int(fit.inliers.sum())
    if views < max(least, LEAST_SHARE * len(bearings)):
        return None
    shift = fit.point_m - landmarks.point_m[row]
    covariance = fit.covariance_m2 + limits.map_sigma_m**2 * np.eye(3)
    chi2 = float(shift @ np.linalg.solve(covariance, shift))
    distance = float(np.linalg.norm(shift))
    sharp = fit.parallax_rad >= LEAST_PARALLAX_RAD
    if distance < limits.moved_m or not sharp or (chi2 < CHI2_3DOF and not is_gone):
        return None
    passes = int(presence.passes[row])
    # Bayes factor of a free place against the map's, three parameters (Schwarz 1978).
    log_odds = max(0.5 * chi2 - 1.5 * float(np.log(views)) + PRIOR_LOG_ODDS, gone)
    return HealthRow(
        kind="moved",
        confirmed=passes >= 2 and log_odds > limits.confirm_log_odds,
        id=str(landmarks.ids[row]),
        class_name=space.names[int(landmarks.class_id[row])],
        position_m=fit.point_m,
        sigma_m=fit.sigma_m,
        shift_m=shift,
        log_odds=log_odds,
        expected=int(presence.expected[row]),
        seen=int(presence.seen[row]),
        views=views,
        passes=passes,
    )


def _new(
    landmarks: LandmarkMap, space: LabelSpace, limits: MapHealthSettings,
    standing: npt.NDArray[np.int64], moved: Sequence[HealthRow], points: Sequence[UnmappedPoint],
) -> list[HealthRow]:  # fmt: skip
    """Points that are neither a landmark that stands nor one that has moved there."""
    found = []
    for point in points:
        name = space.names[point.class_id]
        same = standing[landmarks.class_id[standing] == point.class_id]
        taken = [landmarks.point_m[same], *(row.position_m[None] for row in moved
                                            if row.class_name == name)]  # fmt: skip
        apart = np.linalg.norm(np.concatenate(taken) - point.point_m, axis=1)
        views = min(float(point.views), point.passes + point.way_m / limits.spacing_m)
        log_odds = PRIOR_LOG_ODDS + views * NEW_VIEW_LOG_ODDS
        if (len(apart) and apart.min() < MERGE_M) or log_odds <= limits.suspect_log_odds:
            continue
        found.append(
            HealthRow(
                kind="new",
                confirmed=point.passes >= 2 and log_odds > limits.confirm_log_odds,
                id=f"new:{point.number}",
                class_name=name,
                position_m=point.point_m,
                sigma_m=float(np.sqrt(np.linalg.eigvalsh(point.covariance_m2)[-1])),
                shift_m=None,
                log_odds=log_odds,
                expected=0,
                seen=point.views,
                views=len(point.bearings),
                passes=point.passes,
            )
        )
    return found
