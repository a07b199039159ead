"""The vehicle's pose from the images of the last seconds and the odometry between them (D18)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import LandmarkMap
from dalearn_ros.localization.judge import Judge
from dalearn_ros.localization.known import Known
from dalearn_ros.localization.localizer import UNUSABLE, Localizer
from dalearn_ros.localization.lost import lost
from dalearn_ros.localization.odometry import OdometryNoise
from dalearn_ros.localization.results import LATE, LocalizationResult, nothing, too_few
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.localization.window import Window
from dalearn_ros.localization.window_fit import WindowFit
from dalearn_ros.localization.window_images import CameraImage, Taken, result_of
from dalearn_ros.localization.window_problem import View

Ints = npt.NDArray[np.int64]


class WindowLocalizer:
    """Estimates the newest pose from the window; between calls it keeps the window.

    The prior is the pose that is given with each call, until :meth:`restart` names one: from then
    on it is that pose, carried on by odometry and by the estimates themselves.

    Args:
        landmarks: The map.
        cameras: Intrinsics and mounting of each camera, by name.
        settings: See :class:`LocalizerSettings`.
        label_space: Classes and their ranges; None takes the shipped one.
    """

    def __init__(
        self,
        landmarks: LandmarkMap,
        cameras: Mapping[str, tuple[Camera, Transform]],
        settings: LocalizerSettings | None = None,
        label_space: LabelSpace | None = None,
    ) -> None:
        self.settings = settings or LocalizerSettings()
        self._cameras = {
            name: Localizer(landmarks, *place, self.settings, label_space)
            for name, place in cameras.items()
        }
        self._noise = OdometryNoise.of(self.settings)
        self._window = Window(landmarks.point_m, self.settings)
        self.reset()

    def reset(self) -> None:
        """Forget everything; the prior is what is given with each call again."""
        self._own: list[Known] = []  # if not empty, the prior: one an image, the start first
        self._latest_ns: int | None = None
        self._window.clear()
        self._judge = Judge(self.settings)

    def restart(self, pose: Pose, driven: Transform) -> str:
        """Start anew from a pose (``/initialpose``); it replaces the prior until :meth:`reset`.

        Args:
            pose: With covariance, or the settings' ``prior_sigma`` counts.
            driven: odom_from_base at its stamp.

        Returns:
            Empty, or why the pose cannot be used.
        """
        usable = next(iter(self._cameras.values())).usable(pose)
        if usable is None:
            return UNUSABLE
        self.reset()
        self._own = [Known.of(usable, driven)]
        return ""

    def update(self, images: Sequence[CameraImage], prior: Pose | None) -> LocalizationResult:
        """Take in images and estimate the pose at the newest stamp.

        Args:
            images: One or more; their stamps may differ if there is odometry. If the newest is a
                little older than one before, or its camera has been read at its stamp, nothing is
                done (``late image``); older by ``max_gap_s``, all starts anew.
            prior: Pose at the newest stamp, see :meth:`Localizer.update`; None if there is none, or
                while it is carried on from :meth:`restart`.
        """
        newest = max(images, key=lambda image: image.stamp_ns)
        if self._late(newest):
            return nothing(LATE)
        self._check_time(newest)
        start = self._start(newest, prior)
        if isinstance(start, str):
            return nothing(start)
        taken = self._take_in(images, newest, start)
        self._prune(newest.stamp_ns)
        if self._window.matches < self.settings.minimum_matches:
            return self._too_few(self._window.matches, taken)
        anchor = self._own[0] if self._own else Known.of(start, newest.driven)
        fit = self._window.fit(anchor)
        if self._completed(taken, fit):
            fit = self._window.fit(anchor)
        used = [v.rows[i] for v, i in zip(self._window.views, fit.inliers, strict=True)]
        count = len(np.unique(np.concatenate(used)))
        if count < self.settings.minimum_matches:
            return self._too_few(count, taken)
        reason = self._judge.reason(fit, self._window.views)
        if self._own and self._judge.sound:
            self._own[-1] = dataclasses.replace(fit.known, driven=newest.driven)
        known = self._judge.known(fit)
        return result_of(fit, self._window.views, taken, images, reason, known)

    def _late(self, newest: CameraImage) -> bool:
        """Whether a newer image has been used, or one of this camera and stamp."""
        now, before = newest.stamp_ns, self._latest_ns
        if before is None or now > before:
            return False
        if now == before:
            here = [view.name for view in self._window.views if view.stamp_ns == now]
            return newest.camera in here
        return before - now <= 1e9 * self.settings.max_gap_s

    def _check_time(self, newest: CameraImage) -> None:
        """End the window where a gap is too long; start anew where time goes far back."""
        now, before = newest.stamp_ns, self._latest_ns
        if before is not None and now < before:
            self.reset()
        elif newest.driven is None or (
            before is not None and now - before > 1e9 * self.settings.max_gap_s
        ):
            self._window.clear()
        self._latest_ns = now

    def _start(self, newest: CameraImage, prior: Pose | None) -> Pose | str:
        """The prior at the newest stamp, or why there is none."""
        if self._own:
            if newest.driven is None:
                return "no odometry: the pose to start from cannot be carried on"
            if self._own[-1].pose.stamp_ns != newest.stamp_ns:
                self._own.append(self._carried(self._own[-1], newest.stamp_ns, newest.driven))
            return self._own[-1].pose
        if prior is None:
            return "no prior pose: none at the time of the image"
        usable = next(iter(self._cameras.values())).usable(prior)
        return UNUSABLE if usable is None else dataclasses.replace(usable, stamp_ns=newest.stamp_ns)

    def _carried(self, known: Known, stamp_ns: int, driven: Transform) -> Known:
        return known.carried(stamp_ns, driven, self._noise, self.settings.odometry_lasting_s)

    def _take_in(
        self, images: Sequence[CameraImage], newest: CameraImage, start: Pose
    ) -> list[Taken]:
        """Read each image by itself and put it into the window."""
        taken = []
        for image in images:
            prior = start
            if image.stamp_ns != newest.stamp_ns:
                if image.driven is None or newest.driven is None:
                    continue  # nothing ties it to the newest
                known = Known.of(start, newest.driven)
                prior = self._carried(known, image.stamp_ns, image.driven).pose
            camera, seen = self._cameras[image.camera], image.observations
            reading = camera.read(seen, prior)
            view = View(
                image.camera,
                image.stamp_ns,
                camera.camera,
                camera.base_from_camera,
                seen.point_px[reading.pairs[:, 0]],
                reading.noise_px2[reading.pairs[:, 0]],
                reading.pairs[:, 1],
                reading.pairs[:, 0],
                len(seen) - len(reading.doubtful),
                lost(camera, seen, prior, reading),
            )
            self._window.add(view, image.driven)
            taken.append(Taken(image, view, reading.doubtful, reading.candidates))
        return taken

    def _prune(self, now: int) -> None:
        """Keep the window's length; an own prior must be older than all that is in it."""
        oldest = now - round(1e9 * self.settings.window_s)
        while len(self._own) > 1 and self._own[1].pose.stamp_ns <= oldest:
            self._own.pop(0)
        if self._own:
            oldest = max(oldest, self._own[0].pose.stamp_ns + 1)
        self._window.keep_after(oldest)

    def _completed(self, taken: list[Taken], fit: WindowFit) -> bool:
        """Add matches to the newest images that can be told only from the fitted pose."""
        added = False
        for place, one in enumerate(taken):
            if one.view.stamp_ns != fit.pose.stamp_ns or one.view not in self._window.views:
                continue
            camera, view = self._cameras[one.view.name], one.view
            inside = fit.inliers[self._window.views.index(view)]
            kept = np.stack([view.seen, view.rows], axis=1)[inside]
            seen = one.image.observations
            more = camera.completed(kept, view.seen, fit.pose, seen, one.doubtful)[len(kept) :]
            if len(more):
                noise = camera.noise(seen)[more[:, 0]]
                points = seen.point_px[more[:, 0]]
                fuller = self._window.extend(view, more[:, 0], more[:, 1], points, noise)
                taken[place] = dataclasses.replace(one, view=fuller)
                added = True
        return added

    def _too_few(self, count: int, taken: list[Taken]) -> LocalizationResult:
        return too_few(
            count,
            self.settings.minimum_matches,
            sum(one.candidates for one in taken),
            sum(len(one.doubtful) for one in taken),
        )
