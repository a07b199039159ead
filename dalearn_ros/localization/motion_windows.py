"""What a stretch of a drive says about its camera, the heading held by the odometry's motion.

A localizer turns the vehicle until the landmarks fit, so a camera that is turned looks like a
vehicle that is. Only the motion tells the two apart: the camera's places, which the landmarks give,
must lie along the way that the odometry drew. So in each stretch of about 80 m the odometry's path
is laid into the map as one rigid piece, and the residuals of all its images are explained together
by that piece's place and heading, by the odometry's own scale and drift, and by what is wrong with
the camera.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.projection import project_with_jacobian
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels.offsets import (
    CAUCHY,
    LEAST_SIGMA_PX,
    QUANTITIES,
    VIEWS,
    jacobian_of,
    median_norm,
)
from dalearn_ros.labels.residuals import Pairs
from dalearn_ros.localization.motion_path import laid, swung, turned, velocities

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SHARED = 8  # the camera's six (QUANTITIES), then the odometry's scale and drift
OWN = 6  # of each window: x, y, heading of its start; height, roll and pitch of the vehicle
SCALE_SIGMA, DRIFT_SIGMA = 0.03, float(np.radians(0.3))  # of the odometry; a share, rad/s
HEIGHT_SIGMA_M, TILT_SIGMA_RAD = 0.05, float(np.radians(0.2))
LEAST_PAIRS = 12
STEPS = 6
TWO_D_MEDIAN = float(np.sqrt(2.0 * np.log(2.0)))  # of the length of a 2D normal deviate


@dataclass(frozen=True)
class View:
    """One image of a window.

    Attributes:
        stamp_ns: Its stamp.
        place_m: (3,) of the localized vehicle, map frame; NaN if it was not localized.
        prior: The pose before the image was looked at, whose height and tilt are believed.
        odom_from_base: The odometry's pose.
        rows: (M,) matched landmarks, rows in the map.
        seen_px: (M, 2) where they were seen.
    """

    stamp_ns: int
    place_m: Array
    prior: Pose
    odom_from_base: Transform
    rows: Ints
    seen_px: Array


@dataclass(frozen=True)
class WindowEvidence:
    """What a window says about the eight numbers that all windows share, all else left open.

    Attributes:
        information: (8, 8), SI units.
        pull: (8,) information times estimate.
        rows: Landmarks that it rests on.
        turned_rad: How far the heading turned, all turns added up.
        speeds: Slowest and fastest, m/s.
    """

    information: Array
    pull: Array
    rows: frozenset[int]
    turned_rad: float
    speeds: tuple[float, float]


def evidence_of(
    views: list[View], point_m: Array, class_id: Ints, camera: Camera, base_from_camera: Transform
) -> WindowEvidence | None:
    """The evidence of one window; None with fewer than 12 matches or three localized images.

    A match counts if there is another image within a second, which tells how fast the vehicle is.

    Args:
        views: Images in the order of their stamps.
        point_m: (N, 3) the map's landmarks.
        class_id: (N,) their classes.
        camera: Intrinsics.
        base_from_camera: Mounting that is to be checked.
    """
    count = sum(len(view.rows) for view in views)
    localized = sum(bool(np.isfinite(view.place_m).all()) for view in views)
    if count < LEAST_PAIRS or localized < 3:
        return None
    window = _Window(views, point_m, class_id, camera, base_from_camera)
    values, precision = np.zeros(SHARED + OWN), _prior_precision()
    values[SHARED : SHARED + 3] = window.start
    centre = values.copy()
    for _ in range(STEPS):
        residual, by_value = window.linear(values)
        if int(window.told.sum()) < LEAST_PAIRS:
            return None
        weight = _weights(residual, window.share)
        weighted = by_value * weight[:, None, None]
        system = np.tensordot(weighted, by_value, axes=([0, 1], [0, 1]))
        downhill = np.tensordot(weighted, residual, axes=([0, 1], [0, 1]))
        step = np.linalg.solve(
            system + np.diag(precision), downhill - precision * (values - centre)
        )
        values = values + step
    own = precision.copy()
    own[:SHARED] = 0.0  # what is believed of the shared ones beforehand counts once, not per window
    whole = system + np.diag(own)
    # About the last linearisation point: downhill of a problem in absolute values.
    before = values - step
    right = downhill - own * (before - centre) + whole @ before
    return window.evidence(*_eliminated(whole, right))


class _Window:
    """The residuals of a window's images as functions of fourteen numbers."""

    def __init__(
        self,
        views: list[View],
        point_m: Array,
        class_id: Ints,
        camera: Camera,
        base_from_camera: Transform,
    ) -> None:
        self.camera, self.mounting = camera, base_from_camera
        self.rows = np.concatenate([view.rows for view in views])
        self.frame = np.repeat(np.arange(len(views)), [len(view.rows) for view in views])
        self.stamps = np.array([view.stamp_ns for view in views], dtype=np.int64)
        self.time_s = (self.stamps - self.stamps[0]) * 1e-9
        self.tilt = np.array([view.prior.map_from_base.euler[:2] for view in views])
        self.height = np.array([view.prior.map_from_base.translation[2] for view in views])
        first = views[0].odom_from_base.inverse()
        path = [first @ view.odom_from_base for view in views]
        self.turn = np.unwrap([step.yaw_rad for step in path])
        along = np.array([step.translation[:2] for step in path])
        self.steps = turned(np.diff(along, axis=0), -self.turn[:-1])  # vehicle's axes
        self.start = laid(along, np.array([view.place_m[:2] for view in views]))
        self.pairs = Pairs(
            camera=camera,
            base_from_camera=base_from_camera,
            frame=self.frame,
            map_id=self.rows.astype(np.str_),
            class_id=class_id[self.rows],
            point_m=point_m[self.rows],
            seen_px=np.concatenate([view.seen_px for view in views]),
            rotation=np.zeros((0, 3, 3)),
            position_m=np.zeros((0, 3)),
            twist=np.zeros((0, 6)),
        )
        _, landmark = np.unique(self.rows, return_inverse=True)
        self.told = np.zeros(len(self.rows), dtype=bool)
        self.share = np.minimum(1.0, VIEWS / np.bincount(landmark))[landmark]

    def linear(self, values: Array) -> tuple[Array, Array]:
        """Residuals (M, 2) and derivative (M, 2, 14) of the projection; 0 where not valid."""
        poses = self._poses(values)
        rotation = np.array([pose.rotation for pose in poses])
        position = np.array([pose.translation for pose in poses])
        heading = values[SHARED + 2] + self.turn + values[7] * self.time_s
        twist = velocities(self.stamps, rotation, position, heading)
        pairs = replace(self.pairs, rotation=rotation, position_m=position, twist=twist)
        residual = pairs.residual_px(values[:6])
        by_value = np.concatenate(
            [jacobian_of(pairs, values[:6]), self._by_motion(poses, position, values)], axis=2
        )
        finite = np.isfinite(np.concatenate([residual, twist[self.frame]], axis=1))
        self.told = np.asarray(finite.all(axis=1), dtype=bool)
        residual[~self.told], by_value[~self.told] = 0.0, 0.0
        return residual, by_value

    def evidence(self, information: Array, pull: Array) -> WindowEvidence:
        """Packed with what the window's motion was."""
        speed = np.linalg.norm(self.steps, axis=1) / np.maximum(np.diff(self.time_s), 1e-3)
        swept = float(np.abs(np.diff(self.turn)).sum())
        span = float(speed.min()), float(speed.max())
        rows = frozenset(self.rows[self.told].tolist())
        return WindowEvidence(information, pull, rows, swept, span)

    def _poses(self, values: Array) -> list[Transform]:
        """map_from_base of each image: the odometry's path laid into the map."""
        scale, drift, x, y, yaw, up, roll, pitch = values[6:]
        heading = yaw + self.turn + drift * self.time_s
        middle = 0.5 * drift * np.diff(self.time_s)  # a step swings by the drift of its middle
        moves = (1.0 + scale) * turned(self.steps, heading[:-1] + middle)
        place = np.array([x, y]) + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
        tilt = self.tilt + np.array([roll, pitch])
        return [
            Transform.from_euler(
                float(tilt[i, 0]),
                float(tilt[i, 1]),
                float(heading[i]),
                np.append(place[i], self.height[i] + up),
            )
            for i in range(len(heading))
        ]

    def _by_motion(self, poses: list[Transform], position: Array, values: Array) -> Array:
        """Derivative (M, 2, 8) by scale, drift and the window's own six."""
        by_pose = np.zeros((len(self.rows), 2, 6))
        for number, pose in enumerate(poses):
            here = self.frame == number
            if here.any():
                points = self.pairs.point_m[here]
                by_pose[here] = project_with_jacobian(
                    points, pose, self.camera, self.mounting
                ).by_pose
        moved = np.zeros((len(poses), 6, 8))
        away = position[:, :2] - position[0, :2]
        moved[:, :2, 0] = away / (1.0 + values[6])
        moved[:, :2, 1] = swung(position, self.time_s)
        moved[:, 5, 1] = self.time_s
        moved[:, 0, 2] = moved[:, 1, 3] = moved[:, 5, 4] = moved[:, 2, 5] = 1.0
        moved[:, :2, 4] = np.stack([-away[:, 1], away[:, 0]], axis=1)
        heading = np.array([pose.yaw_rad for pose in poses])
        moved[:, 3:, 6] = np.array([pose.rotation[:, 0] for pose in poses])
        moved[:, 3, 7], moved[:, 4, 7] = -np.sin(heading), np.cos(heading)
        return by_pose @ moved[self.frame]


def _prior_precision() -> Array:
    """(14,) one over variance of what is believed beforehand; 0 of a window's x, y, heading."""
    shared = [quantity.prior for quantity in QUANTITIES] + [SCALE_SIGMA, DRIFT_SIGMA]
    own = [np.inf, np.inf, np.inf, HEIGHT_SIGMA_M, TILT_SIGMA_RAD, TILT_SIGMA_RAD]
    precision: Array = 1.0 / np.square(np.array(shared + own))
    return precision


def _weights(residual: Array, share: Array) -> Array:
    """(M,) one over variance, Cauchy's weight and the landmark's share in it."""
    noise = max(LEAST_SIGMA_PX, median_norm(residual) / TWO_D_MEDIAN)
    robust = 1.0 + (np.linalg.norm(residual, axis=1) / (CAUCHY * noise)) ** 2
    result: Array = share / robust / noise**2
    return result


def _eliminated(system: Array, right: Array) -> tuple[Array, Array]:
    """The first eight of fourteen equations, the window's own six left open (Schur complement)."""
    cross = system[:SHARED, SHARED:]
    gain = np.linalg.solve(system[SHARED:, SHARED:], cross.T).T
    information = system[:SHARED, :SHARED] - gain @ cross.T
    return 0.5 * (information + information.T), right[:SHARED] - gain @ right[SHARED:]
