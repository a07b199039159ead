"""Map health and camera health beside a localizer: fed with its answers, never fed back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels.project import Labeller
from dalearn_ros.landmarks.types import Frame, Labels, LandmarkMap, Observations
from dalearn_ros.localization.camera_health import CameraHealth
from dalearn_ros.localization.distance_check import DistanceCheck
from dalearn_ros.localization.health_settings import MapHealthSettings
from dalearn_ros.localization.map_health import HealthFrame, MapHealth
from dalearn_ros.localization.results import LocalizationResult

IMAGE_PERIOD_S = 0.5
DISTANCE_TOLERANCE, DISTANCE_LANDMARKS = 0.15, 100


class DriveHealth:
    """What the map, the cameras and the predicted distances look like by a drive.

    Args:
        landmarks: The map.
        settings: When map and observations differ.
        image_period_s: Of each camera one image in so many seconds is looked at.
        distance_tolerance: Predicted distances whose scale is wrong by more are told of.
        distance_landmarks: So many of the last landmarks are compared.

    Attributes:
        map: Health of the map.
        cameras: Name → health of a camera; only with odometry.
        distances: Name → check of the distances that were predicted in a camera's images.
    """

    def __init__(
        self,
        landmarks: LandmarkMap,
        settings: MapHealthSettings | None = None,
        image_period_s: float = IMAGE_PERIOD_S,
        distance_tolerance: float = DISTANCE_TOLERANCE,
        distance_landmarks: int = DISTANCE_LANDMARKS,
    ) -> None:
        self._landmarks, self._period_ns = landmarks, 1e9 * image_period_s
        self._distance = distance_tolerance, distance_landmarks
        self.map = MapHealth(landmarks, settings)
        self.cameras: dict[str, CameraHealth] = {}
        self.distances: dict[str, DistanceCheck] = {}
        self._labeller = Labeller(landmarks)
        self._looked_ns: dict[str, int] = {}

    @property
    def latest_ns(self) -> int | None:
        """Stamp of the last image that was looked at."""
        return max(self._looked_ns.values(), default=None)

    def add(
        self,
        seen: Mapping[str, Observations],
        places: Mapping[str, tuple[Camera, Transform]],
        result: LocalizationResult,
        prior: Pose | None,
        driven: Transform | None,
    ) -> str:
        """Look at the images of one answer; what fails with an image leaves only that out.

        Args:
            seen: What each camera saw, in the order in which the localizer was given it.
            places: Intrinsics and mounting of each camera.
            result: The answer.
            prior: That it started from; None if that was carried on from ``/initialpose``: camera
                health then learns nothing, because it believes the prior's height and tilt.
            driven: odom_from_base; None without odometry.

        Returns:
            Empty, or a sentence about what went wrong.
        """
        problem = ""
        for number, (name, observations) in enumerate(seen.items()):
            stamp = observations.stamp_ns
            before = self._looked_ns.get(name)
            if before is not None and 0 <= stamp - before < self._period_ns:
                continue
            self._looked_ns[name] = stamp
            matches = result.matches[result.camera == number]
            try:
                expected = self._expected(stamp, *places[name], result.pose)
                view = *places[name], result.pose
                self._look(name, HealthFrame(*view, expected, observations, matches), prior, driven)
            except Exception as error:  # a bad frame never stops the node
                problem = f"health: an image is left out: {type(error).__name__}: {error}"
        return problem

    def _look(
        self, name: str, image: HealthFrame, prior: Pose | None, driven: Transform | None
    ) -> None:
        """Give an image to the map's health and to its camera's."""
        self.map.add(image, name)
        self._compare_distances(name, image)
        if prior is None or driven is None:
            return
        if name not in self.cameras:
            place = image.camera, image.base_from_camera
            self.cameras[name] = CameraHealth(self._landmarks, *place)
        self.cameras[name].add(image.observations, image.matches, image.pose, prior, driven)

    def _compare_distances(self, name: str, image: HealthFrame) -> None:
        """Predicted distances of an image's matches beside those of the map."""
        if image.pose is None:
            return
        if name not in self.distances:
            mounting = image.base_from_camera
            self.distances[name] = DistanceCheck(self._landmarks, mounting, *self._distance)
        self.distances[name].add(image.observations, image.matches, image.pose)

    def _expected(
        self, stamp_ns: int, camera: Camera, mounting: Transform, pose: Pose | None
    ) -> Labels:
        """What the map makes one expect in an image."""
        if pose is None:
            return Labels.empty()
        blank = np.broadcast_to(np.uint8(0), (camera.height, camera.width, 3))
        return self._labeller.label(Frame(blank, stamp_ns, camera, mounting, pose)).labels
