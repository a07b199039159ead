"""The vehicle's pose from the observations of one image, the map and a prior pose (D18)."""

from __future__ import annotations

import numpy as np

from dalearn_ros.geometry.pnp import PoseFit
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.steps import difference, information_of
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.localization.image_reader import ImageReader
from dalearn_ros.localization.observability import observability
from dalearn_ros.localization.results import (
    LocalizationResult,
    Reading,
    contradiction,
    nothing,
    too_few,
)

UNUSABLE = "the prior pose or its covariance is not usable (not finite)"


class Localizer(ImageReader):
    """Estimates the pose image by image; each is independent of the ones before it.

    Made with what an :class:`ImageReader` is made with.
    """

    def update(self, observations: Observations, prior: Pose) -> LocalizationResult:
        """Estimate the pose at the image's stamp.

        Args:
            observations: Of one image, pixels of the raw image.
            prior: Pose at the same stamp. Its covariance says how far to look and how much it
                counts; without one, or with one that is all zero, ``prior_sigma`` is taken.
        """
        start = self.usable(prior)
        if start is None:
            return nothing(UNUSABLE)
        if not len(observations):
            return nothing("not enough landmarks: nothing was observed", len(self.near(start)))
        reading = self.read(observations, start, self.settings.minimum_matches)
        if reading.fit is None:
            return too_few(
                len(reading.pairs),
                self.settings.minimum_matches,
                reading.candidates,
                len(reading.doubtful),
            )
        return self._result(reading.fit, reading, start)

    def usable(self, prior: Pose) -> Pose | None:
        """The prior with a covariance; None if it is broken.

        A variance of exactly zero means unknown (2D tools leave height and tilt at it), and is
        taken from ``prior_sigma``.
        """
        covariance = prior.covariance
        if covariance is None:
            covariance = np.zeros((6, 6))
        unknown = np.where(np.diag(covariance) == 0.0, np.square(self.settings.prior_sigma), 0.0)
        covariance = covariance + np.diag(unknown)
        usable = np.isfinite(prior.map_from_base.matrix).all() and np.isfinite(covariance).all()
        if not usable:
            return None
        values = np.linalg.eigvalsh(0.5 * (covariance + covariance.T))
        if values[0] < -1e-6 * max(float(values[-1]), 1e-6):
            return None
        return Pose(prior.stamp_ns, prior.map_from_base, covariance)

    def _result(self, fit: PoseFit, reading: Reading, start: Pose) -> LocalizationResult:
        assert start.covariance is not None and fit.pose.covariance is not None
        seen, doubtful = reading.candidates, len(reading.doubtful)
        step = difference(fit.pose.map_from_base, start.map_from_base)
        before = information_of(start.covariance)
        if not float(step @ before @ step) <= self.settings.prior_gate:
            return nothing(contradiction(step), seen, doubtful)
        known = observability(
            information_of(fit.pose.covariance) - before,
            start.covariance,
            fit.pose.covariance,
            start.map_from_base.yaw_rad,
            self.settings.weak_m,
            self.settings.weak_rad,
        )
        residual = fit.residual_px[fit.inliers]
        chi2 = float(fit.mahalanobis2[fit.inliers].sum())
        pairs = reading.pairs
        return LocalizationResult(
            fit.pose,
            "",
            pairs,
            residual,
            chi2,
            seen,
            doubtful,
            known,
            camera=np.zeros(len(pairs), np.int64),
        )
