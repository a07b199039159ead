"""One image read by itself: which observation is which landmark, and the pose that follows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.magsac import magsac_pose
from dalearn_ros.geometry.pnp import Points, PoseFit, fit_pose
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.steps import difference, information_of
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import LandmarkMap, Observations
from dalearn_ros.localization.association import Association, associate, pairs_at
from dalearn_ros.localization.candidates import (
    Candidates,
    Surroundings,
    Visible,
    candidates,
    visible,
)
from dalearn_ros.localization.pairing import among
from dalearn_ros.localization.results import Reading
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.maps.index import indexed

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WIDE_M, WIDE_PAIRS = 1.0, 5  # a prior that is wider starts the fit at what the points say, too


class ImageReader:
    """Reads the images of one camera; each is read without the ones before it.

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
        self._surroundings = Surroundings(self.landmarks, self.label_space)

    def read(self, observations: Observations, prior: Pose, minimum: int = 1) -> Reading:
        """Which observation is which landmark, and the pose of this image alone.

        Args:
            observations: Of one image.
            prior: With a covariance, as :meth:`Localizer.usable` gives it.
            minimum: Fewest pairs for a fit.
        """
        visible, noise = self.visible(prior), self.noise(observations)
        found = self.near(prior, visible)
        reading = self.associate(observations, found, prior, noise)
        fit, pairs = self._settle(observations, noise, prior, found, reading, minimum)
        doubtful, score = reading.doubtful_seen, reading.log_likelihood
        return Reading(pairs, fit, noise, visible, len(found), doubtful, score)

    def _settle(
        self,
        observations: Observations,
        noise: Array,
        start: Pose,
        found: Candidates,
        reading: Association,
        minimum: int,
    ) -> tuple[PoseFit | None, Ints]:
        """Fit, complete the pairs from the fitted pose, fit again; None if too few are left."""
        pairs = np.stack([reading.pairs[:, 0], found.rows[reading.pairs[:, 1]]], axis=1)
        for _ in range(2):
            if len(pairs) < minimum:
                return None, pairs
            fit = self._fit(observations, noise, pairs, start)
            doubtful = reading.doubtful_seen
            kept = pairs[fit.inliers]
            used, pairs = pairs, self.completed(kept, pairs[:, 0], fit.pose, observations, doubtful)
            if np.array_equal(pairs, used):
                break
        used = used[fit.inliers]
        return (fit if len(used) >= minimum else None), used

    @property
    def _false_alarm_density(self) -> float:
        area = self.camera.width * self.camera.height
        return self.settings.false_alarms_per_image / area

    def visible(self, pose: Pose) -> Visible:
        """Landmarks in range that face the camera, from exactly that pose."""
        eye = pose.map_from_base.apply(self.base_from_camera.translation)
        around = self._surroundings.rows(eye)
        place = self.camera, self.base_from_camera, pose.map_from_base
        return visible(self.landmarks, around, self.label_space, *place)

    def near(self, pose: Pose, found: Visible | None = None) -> Candidates:
        """Landmarks that may be in the image, seen from a pose with its covariance.

        Args:
            pose: With a covariance.
            found: What :meth:`visible` gives for it, if that is known.
        """
        assert pose.covariance is not None
        return candidates(found or self.visible(pose), self.camera, pose.covariance)

    def noise(self, observations: Observations) -> Array:
        """(N, 2, 2) covariance of the observed points, none below ``minimum_sigma_px``."""
        values, vectors = np.linalg.eigh(observations.covariance_px2)
        values = np.maximum(values, self.settings.minimum_sigma_px**2)
        noise: Array = (vectors * values[:, None, :]) @ vectors.transpose(0, 2, 1)
        return noise

    def associate(
        self, observations: Observations, found: Candidates, start: Pose, noise: Array
    ) -> Association:
        """Choose the likeliest reading of an image; ``found`` as seen from ``start``."""
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
        place = self.camera, self.base_from_camera
        how: dict[str, Any] = {"planar": self.settings.planar, "gate": self.settings.gate}
        fit = fit_pose(points, *place, start, **how)
        assert start.covariance is not None
        if len(pairs) < WIDE_PAIRS or np.trace(start.covariance[:2, :2]) < 2.0 * WIDE_M**2:
            return fit
        other = magsac_pose(points.map_m, points.pixels, *place)
        if other is None:
            return fit
        again = fit_pose(points, *place, start, start=other, **how)
        return min(fit, again, key=lambda one: self._cost(one, start))

    def _cost(self, fit: PoseFit, prior: Pose) -> float:
        """Chi-square of a fit, its outliers counted at the gate."""
        assert prior.covariance is not None
        step = difference(fit.pose.map_from_base, prior.map_from_base)
        points = np.minimum(fit.mahalanobis2, self.settings.gate).sum()
        return float(points + step @ information_of(prior.covariance) @ step)

    def completed(
        self, kept: Ints, tried: Ints, pose: Pose, observations: Observations, doubtful: Ints
    ) -> Ints:
        """Pairs that a fit bears out, and those that can be told only from its pose.

        Args:
            kept: (M, 2) pairs that the fit rests on.
            tried: Rows of observations that have had their chance.
            pose: Fitted, with its covariance.
            observations: Of the image.
            doubtful: Rows of observations that stay out.
        """
        settings, found = self.settings, self.near(pose)
        more = pairs_at(
            observations,
            found,
            self.noise(observations),
            settings.map_sigma_m,
            self._false_alarm_density,
            settings.gate,
            settings.ambiguity,
        )
        more = np.stack([more[:, 0], found.rows[more[:, 1]]], axis=1)
        known = among(more[:, 0], np.concatenate([tried, doubtful]))
        known |= among(more[:, 1], kept[:, 1])
        return np.concatenate([kept, more[~known]])
