"""The vehicle's pose from the observations of one image, the map and a prior pose (D18)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pnp import Points, PoseFit, fit_pose
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.steps import difference, information_of
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import LandmarkMap, Observations
from dalearn_ros.localization.association import Association, associate, pairs_at
from dalearn_ros.localization.candidates import Candidates, candidates
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.maps.index import indexed

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LocalizationResult:
    """A pose, or the reason why there is none.

    Attributes:
        pose: With its covariance, prior included; None if there is none.
        reason: Empty if there is a pose, else a sentence.
        matches: (M, 2) row of the observation, row of the landmark in the map.
        residual_px: (M, 2) seen minus projected from ``pose``.
        chi2: Sum of the squared Mahalanobis residuals of the matches.
        candidates: How many landmarks of the map may have been in the image.
        doubtful: How many matches were left out because two readings were about as likely.
    """

    pose: Pose | None
    reason: str
    matches: Ints
    residual_px: Array
    chi2: float
    candidates: int
    doubtful: int

    @property
    def found(self) -> bool:
        """Whether there is a pose."""
        return self.pose is not None


class Localizer:
    """Estimates the pose image by image; each is independent of the ones before it.

    Args:
        landmarks: The map.
        camera: Intrinsics of the images in which the observations were made.
        base_from_camera: Mounting of the camera.
        settings: See :class:`LocalizerSettings`.
        label_space: Classes and their ranges; None takes the shipped one.
    """

    def __init__(
        self,
        landmarks: LandmarkMap,
        camera: Camera,
        base_from_camera: Transform,
        settings: LocalizerSettings | None = None,
        label_space: LabelSpace | None = None,
    ) -> None:
        self.landmarks = indexed(landmarks)
        self.camera = camera
        self.base_from_camera = base_from_camera
        self.settings = settings or LocalizerSettings()
        self.label_space = label_space or LabelSpace.load()

    def update(self, observations: Observations, prior: Pose) -> LocalizationResult:
        """Estimate the pose at the image's stamp.

        Args:
            observations: Of one image, pixels of the raw image.
            prior: Pose at the same stamp. Its covariance says how far to look and how much it
                counts; without one, or with one that is all zero, ``prior_sigma`` is taken.
        """
        start = self._with_covariance(prior)
        if start is None:
            return _nothing("the prior pose or its covariance is not usable (not finite)", 0, 0)
        found = self._candidates(start)
        if not len(observations):
            return _nothing("not enough landmarks: nothing was observed", len(found), 0)
        noise = self._noise(observations)
        reading = self._associate(observations, found, start, noise)
        doubtful = len(reading.doubtful_seen)
        fit, pairs = self._settle(observations, noise, start, found, reading)
        if fit is None:
            return self._too_few(len(pairs), len(found), doubtful)
        return self._result(fit, pairs, start, len(found), doubtful)

    def _settle(
        self,
        observations: Observations,
        noise: Array,
        start: Pose,
        found: Candidates,
        reading: Association,
    ) -> tuple[PoseFit | None, Ints]:
        """Fit, complete the pairs from the fitted pose, fit again; None if too few are left."""
        pairs = np.stack([reading.pairs[:, 0], found.rows[reading.pairs[:, 1]]], axis=1)
        for _ in range(2):
            if len(pairs) < self.settings.minimum_matches:
                return None, pairs
            fit = self._fit(observations, noise, pairs, start)
            used, pairs = pairs, self._completed(pairs, fit, observations, noise, reading)
            if np.array_equal(pairs, used):
                break
        used = used[fit.inliers]
        return (fit if len(used) >= self.settings.minimum_matches else None), used

    def _with_covariance(self, prior: Pose) -> Pose | None:
        covariance = prior.covariance
        if covariance is None or not np.any(covariance):
            covariance = np.diag(np.square(self.settings.prior_sigma))
        usable = np.isfinite(prior.map_from_base.matrix).all() and np.isfinite(covariance).all()
        if not usable or np.linalg.eigvalsh(covariance)[0] < -1e-6 * np.trace(covariance):
            return None
        return Pose(prior.stamp_ns, prior.map_from_base, covariance)

    @property
    def _false_alarm_density(self) -> float:
        area = self.camera.width * self.camera.height
        return self.settings.false_alarms_per_image / area

    def _candidates(self, pose: Pose) -> Candidates:
        assert pose.covariance is not None
        return candidates(
            self.landmarks,
            self.label_space,
            self.camera,
            self.base_from_camera,
            pose.map_from_base,
            pose.covariance,
        )

    def _noise(self, observations: Observations) -> Array:
        """(N, 2, 2) covariance of the observed points, none below ``minimum_sigma_px``."""
        values, vectors = np.linalg.eigh(observations.covariance_px2)
        values = np.maximum(values, self.settings.minimum_sigma_px**2)
        noise: Array = (vectors * values[:, None, :]) @ vectors.transpose(0, 2, 1)
        return noise

    def _associate(
        self, observations: Observations, found: Candidates, start: Pose, noise: Array
    ) -> Association:
        assert start.covariance is not None
        return associate(
            observations,
            found,
            start.covariance,
            noise_px2=noise,
            map_sigma_m=self.settings.map_sigma_m,
            false_alarm_density=self._false_alarm_density,
            gate=self.settings.gate,
            ambiguity=self.settings.ambiguity,
        )

    def _fit(self, observations: Observations, noise: Array, pairs: Ints, start: Pose) -> PoseFit:
        points = Points(
            self.landmarks.point_m[pairs[:, 1]],
            observations.point_px[pairs[:, 0]],
            noise[pairs[:, 0]],
            self.settings.map_sigma_m,
        )
        return fit_pose(
            points,
            self.camera,
            self.base_from_camera,
            start,
            planar=self.settings.planar,
            gate=self.settings.gate,
        )

    def _completed(
        self,
        pairs: Ints,
        fit: PoseFit,
        observations: Observations,
        noise: Array,
        reading: Association,
    ) -> Ints:
        """The pairs that the fit bears out, and those that can be told only from its pose.

        An observation that was left out as doubtful stays out.
        """
        settings, found = self.settings, self._candidates(fit.pose)
        more = pairs_at(
            observations,
            found,
            noise,
            settings.map_sigma_m,
            self._false_alarm_density,
            settings.gate,
            settings.ambiguity,
        )
        more = np.stack([more[:, 0], found.rows[more[:, 1]]], axis=1)
        kept = pairs[fit.inliers]
        known = np.isin(more[:, 0], np.concatenate([pairs[:, 0], reading.doubtful_seen]))
        known |= np.isin(more[:, 1], kept[:, 1])
        return np.concatenate([kept, more[~known]])

    def _too_few(self, count: int, seen: int, doubtful: int) -> LocalizationResult:
        text = f"not enough landmarks: {count} of at least {self.settings.minimum_matches}"
        if doubtful:
            text += f", {doubtful} more may be one landmark or another"
        return _nothing(text, seen, doubtful)

    def _result(
        self, fit: PoseFit, pairs: Ints, start: Pose, seen: int, doubtful: int
    ) -> LocalizationResult:
        assert start.covariance is not None
        step = difference(fit.pose.map_from_base, start.map_from_base)
        distance2 = float(step @ information_of(start.covariance) @ step)
        if not distance2 <= self.settings.prior_gate:
            far = math.hypot(step[0], step[1])
            text = (
                f"the landmarks contradict the prior pose: they put the vehicle {far:.1f} m and "
                f"{math.degrees(step[5]):.1f} degrees from it, more than its covariance allows"
            )
            return _nothing(text, seen, doubtful)
        residual = fit.residual_px[fit.inliers]
        chi2 = float(fit.mahalanobis2[fit.inliers].sum())
        return LocalizationResult(fit.pose, "", pairs, residual, chi2, seen, doubtful)


def _nothing(reason: str, seen: int, doubtful: int) -> LocalizationResult:
    none = np.zeros((0, 2))
    return LocalizationResult(None, reason, none.astype(np.int64), none, 0.0, seen, doubtful)
