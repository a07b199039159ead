"""Has the camera been knocked, or its clock gone wrong: slow drift from systematic residuals.

The evidence of each stretch (:mod:`dalearn_ros.localization.motion_windows`) is added up, so the
answer grows surer with the drive and old stretches fade. It is a report for people: nothing here is
ever applied to a pose, a mounting or a stamp.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels.offsets import QUANTITIES, SIGNIFICANT, TIED, Quantity
from dalearn_ros.landmarks.types import LandmarkMap, Observations
from dalearn_ros.localization.camera_report import (
    COLLECTING,
    DRIFTED,
    STEADY,
    UNOBSERVABLE,
    CameraHealthReport,
    Drift,
)
from dalearn_ros.localization.motion_windows import (
    DRIFT_SIGMA,
    SCALE_SIGMA,
    SHARED,
    View,
    WindowEvidence,
    evidence_of,
)

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WINDOW_M, SHORTEST_M, LONGEST_S, BREAK_S = 80.0, 25.0, 30.0, 3.0
MOST_WINDOWS = 120  # about 10 km; older ones are forgotten
GROUPS = 24  # of windows, each left out once for the spread
LEAST_TRACKS, LEAST_WINDOWS = 30, 6


class CameraHealth:
    """Adds up what the drive says about one camera. Memory is bounded.

    Args:
        landmarks: The map.
        camera: Intrinsics.
        base_from_camera: Mounting that is to be checked.
    """

    def __init__(self, landmarks: LandmarkMap, camera: Camera, base_from_camera: Transform) -> None:
        self.landmarks, self.camera, self.mounting = landmarks, camera, base_from_camera
        self._views: list[View] = []
        self._way_m = 0.0
        self._windows: deque[WindowEvidence] = deque(maxlen=MOST_WINDOWS)

    def add(
        self,
        observations: Observations,
        matches: Ints,
        pose: Pose | None,
        prior: Pose,
        odom_from_base: Transform,
    ) -> None:
        """Add one image, also where there is no pose: the odometry goes on.

        Args:
            observations: What was seen.
            matches: (M, 2) row of the observation, row in the map.
            pose: The localizer's; None if it has none.
            prior: The one it started from: its height, roll and pitch are believed, its heading
                is not.
            odom_from_base: The odometry's pose at the stamp, in any frame that does not jump.
        """
        stamp = observations.stamp_ns
        if self._views:
            last = self._views[-1]
            if not 0 < stamp - last.stamp_ns <= BREAK_S * 1e9:
                self._close()
            else:
                step = last.odom_from_base.inverse() @ odom_from_base
                self._way_m += float(np.linalg.norm(step.translation))
        place = np.full(3, np.nan) if pose is None else pose.map_from_base.translation
        used = matches[:0] if pose is None else matches
        seen = observations.point_px[used[:, 0]]
        self._views.append(View(stamp, place, prior, odom_from_base, used[:, 1], seen))
        if self._way_m >= WINDOW_M or stamp - self._views[0].stamp_ns > LONGEST_S * 1e9:
            self._close()

    @property
    def windows(self) -> int:
        """Stretches that count by now."""
        return len(self._windows)

    def report(self) -> CameraHealthReport:
        """What is known by now; the stretch under way is not yet in it."""
        windows = list(self._windows)
        speeds = [speed for window in windows for speed in window.speeds] or [0.0]
        return CameraHealthReport(
            drifts=_drifts(windows),
            tracks=_tracks(windows),
            windows=len(windows),
            turned_deg=float(np.degrees(sum(window.turned_rad for window in windows))),
            speed_mps=(min(speeds), max(speeds)),
        )

    def _close(self) -> None:
        if self._way_m >= SHORTEST_M:
            found = evidence_of(
                self._views,
                self.landmarks.point_m,
                self.landmarks.class_id,
                self.camera,
                self.mounting,
            )
            if found is not None:
                self._windows.append(found)
        self._views, self._way_m = [], 0.0


def _tracks(windows: list[WindowEvidence]) -> int:
    """Landmarks followed; one that two stretches in a row see counts once."""
    before: frozenset[int] = frozenset()
    count = 0
    for window in windows:
        count += len(window.rows - before)
        before = window.rows
    return count


def _drifts(windows: list[WindowEvidence]) -> tuple[Drift, ...]:
    sigmas = [quantity.prior for quantity in QUANTITIES] + [SCALE_SIGMA, DRIFT_SIGMA]
    prior = np.diag(1.0 / np.square(sigmas))
    information = sum((window.information for window in windows), prior)
    pull = sum((window.pull for window in windows), np.zeros(SHARED))
    covariance = np.linalg.inv(information)
    value, spread = covariance @ pull, np.sqrt(np.diag(covariance))
    sigma = np.maximum(spread, _spread(windows, information, pull))
    alone = 1.0 / np.sqrt(np.diag(information))
    correlation = np.abs(covariance / np.outer(spread, spread)) - np.eye(SHARED)
    ready = _tracks(windows) >= LEAST_TRACKS and len(windows) >= LEAST_WINDOWS
    drifts = []
    for i, quantity in enumerate(QUANTITIES):
        tied = np.flatnonzero(correlation[i, : len(QUANTITIES)] > TIED)
        drifts.append(
            Drift(
                quantity=quantity,
                state=_state(quantity, float(value[i]), float(sigma[i])) if ready else COLLECTING,
                value=float(value[i]),
                sigma=float(sigma[i]),
                progress=min(1.0, float((quantity.enough / sigma[i]) ** 2)),
                excitation=min(1.0, float(alone[i] / spread[i])),
                tied_to=tuple(QUANTITIES[j].name for j in tied),
            )
        )
    return tuple(drifts)


def _state(quantity: Quantity, value: float, sigma: float) -> str:
    if sigma >= quantity.enough:
        return UNOBSERVABLE
    return DRIFTED if abs(value) > max(SIGNIFICANT * sigma, quantity.enough) else STEADY


def _spread(windows: list[WindowEvidence], information: Array, pull: Array) -> Array:
    """(8,) how far the estimate moves when a part of the drive is left out: jackknife."""
    count = min(GROUPS, len(windows))
    if count < 2:
        return np.zeros(SHARED)
    whole = np.linalg.solve(information, pull)
    squares = np.zeros(SHARED)
    for number in range(count):
        left_out = [w for i, w in enumerate(windows) if i * count // len(windows) == number]
        less = information - sum(window.information for window in left_out)
        right = pull - sum(window.pull for window in left_out)
        squares += (np.linalg.solve(less, right) - whole) ** 2
    spread: Array = np.sqrt(squares * (count - 1) / count)
    return spread
