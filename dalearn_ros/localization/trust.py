"""Whether landmarks and prior agree, over time: a pose that contradicts the prior is not given."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.steps import difference
from dalearn_ros.localization.observability import planar, vehicle_axes
from dalearn_ros.localization.results import contradiction
from dalearn_ros.localization.settings import LocalizerSettings

Array = npt.NDArray[np.float64]

SMALLEST_SHARE = 0.05  # of the prior's variance that the landmarks removed; less tells nothing


def disagreement(estimate: Pose, prior: Pose) -> float:
    """Squared Mahalanobis distance between what the landmarks say and the prior, 3 degrees.

    An estimate that contains the prior moves away from it by a step whose covariance is the
    prior's less the estimate's. Directions of which the landmarks say nothing do not count.

    Args:
        estimate: With covariance, the prior included.
        prior: With covariance, at the same time.
    """
    assert estimate.covariance is not None and prior.covariance is not None
    yaw = prior.map_from_base.yaw_rad
    step = difference(estimate.map_from_base, prior.map_from_base)[[0, 1, 5]]
    before = planar(prior.covariance, yaw) + 1e-12 * np.eye(3)
    root = np.linalg.inv(np.linalg.cholesky(before))
    share, axes = np.linalg.eigh(np.eye(3) - root @ planar(estimate.covariance, yaw) @ root.T)
    along = axes.T @ root @ vehicle_axes(yaw) @ step
    told = share > SMALLEST_SHARE
    return float((along[told] ** 2 / share[told]).sum())


class Trust:
    """Says whether a pose may be given.

    At the start landmarks and prior must agree well. A contradiction takes the trust away; it comes
    back when they have agreed for ``recover_s``.

    Args:
        settings: ``contradiction_gate``, ``agreement_gate``, ``recover_s``.
    """

    def __init__(self, settings: LocalizerSettings) -> None:
        self._settings = settings
        self._agreed = self._contradicted = False
        self._since_ns: int | None = None

    def judge(self, estimate: Pose, prior: Pose, lost: bool) -> str:
        """Empty if the estimate may be given, else why not.

        Args:
            estimate: With covariance, the prior included.
            prior: With covariance, at the same time.
            lost: A place that the prior excludes explains the images better.
        """
        distance2, now = disagreement(estimate, prior), estimate.stamp_ns
        if lost or distance2 > self._settings.contradiction_gate:
            self._agreed, self._contradicted, self._since_ns = False, True, None
            if lost:
                return "the landmarks contradict the prior pose: another place explains them better"
            return contradiction(difference(estimate.map_from_base, prior.map_from_base))
        if self._agreed:
            return ""
        if distance2 > self._settings.agreement_gate:
            self._since_ns = None
            return "landmarks and prior do not agree well enough yet"
        self._since_ns = now if self._since_ns is None else self._since_ns
        needed = self._settings.recover_s if self._contradicted else 0.0
        waited = (now - self._since_ns) * 1e-9
        if waited < needed:
            return (
                "landmarks and prior agree again since a contradiction, not long enough yet: "
                f"{waited:.1f} of {needed:.1f} s"
            )
        self._agreed, self._contradicted = True, False
        return ""
