"""Localization metrics: errors in the vehicle's axes, availability, consistency."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.bands import spread
from dalearn_ros.evaluation.columns import Columns
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import wrap_rad

Array = npt.NDArray[np.float64]
SAMPLE_NS = 5_000_000_000  # consistency takes one sample per 5 s: errors beside it are correlated
_ERRORS = ("along_m", "across_m", "heading_rad")
_COVARIANCES = tuple(f"p{i}{j}" for i in range(3) for j in range(3))
CHI2_3DOF_95 = 7.815
CONFIRMED_SIGMA_M, WRONG_M = 0.5 - 1e-6, 1.0


class PoseScore:
    """Collects the errors of one source of poses: the localizer, or the prior it was given."""

    def __init__(self) -> None:
        self.frames = 0
        self._rows = Columns(stamp_ns="q", **dict.fromkeys((*_ERRORS, *_COVARIANCES), "d"))

    def add(self, estimate: Pose | None, truth: Pose) -> Array:
        """Count one frame; None means that there was no estimate.

        Returns:
            (3,) longitudinal and lateral metres and heading degrees, signed; NaN without estimate.
        """
        self.frames += 1
        if estimate is None:
            return np.full(3, math.nan)
        error, covariance = planar_error(estimate, truth)
        values = dict(zip((*_ERRORS, *_COVARIANCES), [*error, *covariance.ravel()], strict=True))
        self._rows.extend(stamp_ns=truth.stamp_ns, **values)
        return np.array([error[0], error[1], math.degrees(error[2])])

    @property
    def errors(self) -> Array:
        """(N, 3) longitudinal and lateral in metres, heading in degrees; signed."""
        errors = self._raw()[0]
        errors[:, 2] = np.degrees(errors[:, 2])
        return errors

    @property
    def stamps_ns(self) -> list[int]:
        """(N,) stamps of those errors."""
        return [int(stamp) for stamp in self._rows["stamp_ns"]]

    def _raw(self) -> tuple[Array, Array]:
        """(N, 3) errors in metres and radians, and their (N, 3, 3) covariances, NaN if unknown."""
        errors, covariances = (
            np.stack([self._rows[name] for name in names], axis=1)
            for names in (_ERRORS, _COVARIANCES)
        )
        return errors, covariances.reshape(-1, 3, 3)

    def result(self) -> dict[str, Any]:
        """The keys under ``localization`` or ``prior``; what cannot be computed is NaN.

        ``nees`` is the mean over one sample per 5 s of e' P^-1 e / 3 for longitudinal, lateral and
        heading; ``ellipse_95`` the share of those samples inside the 95 % ellipsoid;
        ``confirmed_wrong`` counts poses with a lateral sigma below 0.5 m and more than 1 m off.
        """
        errors = np.abs(self.errors)
        nees = self._nees()
        return {
            "longitudinal_m": spread(errors[:, 0]),
            "lateral_m": spread(errors[:, 1]),
            "heading_deg": spread(errors[:, 2]),
            "availability": len(errors) / self.frames if self.frames else math.nan,
            "nees": float(np.mean(nees) / 3.0) if len(nees) else math.nan,
            "nees_samples": len(nees) if self.frames else None,
            "ellipse_95": float(np.mean(nees <= CHI2_3DOF_95)) if len(nees) else math.nan,
            "confirmed_wrong": self._confirmed_wrong() if self.frames else None,
        }

    def _nees(self) -> Array:
        seen: set[int] = set()
        values = []
        for stamp, error, covariance in zip(self.stamps_ns, *self._raw(), strict=True):
            if stamp // SAMPLE_NS in seen or not np.isfinite(covariance).all():
                continue
            seen.add(stamp // SAMPLE_NS)
            values.append(float(error @ np.linalg.pinv(covariance) @ error))
        return np.array(values)

    def _confirmed_wrong(self) -> int:
        count = 0
        for error, covariance in zip(*self._raw(), strict=True):
            sure = covariance[1, 1] < CONFIRMED_SIGMA_M**2  # False for NaN
            count += bool(sure and math.hypot(error[0], error[1]) > WRONG_M)
        return count


def planar_error(estimate: Pose, truth: Pose) -> tuple[Array, Array]:
    """Error along, across and in heading, in the true vehicle's axes.

    Returns:
        (3,) longitudinal and lateral metres (forward and left positive) and heading radians, and
        their (3, 3) covariance, NaN if the estimate has none.
    """
    axes = truth.map_from_base.rotation.T
    step = estimate.map_from_base.translation - truth.map_from_base.translation
    turn = wrap_rad(estimate.map_from_base.yaw_rad - truth.map_from_base.yaw_rad)
    along, across, _ = axes @ step
    error = np.array([along, across, turn])
    if estimate.covariance is None:
        return error, np.full((3, 3), math.nan)
    select = np.zeros((3, 6))
    select[:2, :3] = axes[:2]
    select[2, 5] = 1.0
    return error, select @ estimate.covariance @ select.T
