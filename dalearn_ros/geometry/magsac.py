"""A pose from points alone, some of them wrong, in any arrangement: MAGSAC, for a start.

OpenCV's RANSAC with its default flags gives NaN or a pose that is turned over in a third of the
cases with four points of one plane (signs of a gantry, markings of a road); with ``UsacParams`` it
does not. What comes out is a start for :func:`dalearn_ros.geometry.pnp.fit_pose`, no estimate: two
poses may fit points of a small plane equally well, and only the prior can tell which.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import Transform

Array = npt.NDArray[np.float64]

FEWEST_POINTS = 4
MOST_ROUNDS = 500


def magsac_pose(
    map_m: Array,
    pixels: Array,
    camera: Camera,
    base_from_camera: Transform,
    *,
    sigma_px: float = 1.5,
    seed: int = 0,
) -> Transform | None:
    """The pose map_from_base that most of the points agree with; no prior is used.

    Args:
        map_m: (N, 3) in the map, metres.
        pixels: (N, 2) where they were seen, raw image.
        camera: Intrinsics, of any lens model.
        base_from_camera: Mounting.
        sigma_px: Expected noise of the pixels, standard deviation; three times it is the threshold.
        seed: Of the random samples: the same seed gives the same pose.

    Returns:
        None if there are fewer than four points that the lens can unproject, or no pose is found.
    """
    rays = camera.unproject(pixels)
    usable = np.isfinite(rays).all(axis=1) & (rays[:, 2] > 1e-3)
    if usable.sum() < FEWEST_POINTS:
        return None
    focal = float(camera.matrix[0, 0])
    flat = focal * rays[usable, :2] / rays[usable, 2:]  # pixels of a lens without distortion
    origin = map_m[usable].mean(axis=0)  # far from the map's origin single precision is not enough
    rounds = _parameters(3.0 * sigma_px, seed)
    try:
        found, _, turn, shift, _ = cv2.solvePnPRansac(
            map_m[usable] - origin, flat, np.diag([focal, focal, 1.0]), None, params=rounds
        )
    except cv2.error:  # a sample without a solution
        return None
    if not found or not (np.isfinite(turn).all() and np.isfinite(shift).all()):
        return None
    rotation = np.asarray(cv2.Rodrigues(turn)[0], dtype=np.float64)
    camera_from_map = Transform(rotation, shift.ravel() - rotation @ origin)
    return camera_from_map.inverse() @ base_from_camera.inverse()


def _parameters(threshold: float, seed: int) -> cv2.UsacParams:
    parameters = cv2.UsacParams()
    parameters.score = cv2.SCORE_METHOD_MAGSAC
    parameters.sampler = cv2.SAMPLING_UNIFORM
    parameters.loMethod = cv2.LOCAL_OPTIM_SIGMA
    parameters.loIterations, parameters.loSampleSize = 10, 20
    parameters.threshold, parameters.confidence = threshold, 0.999
    parameters.maxIterations = MOST_ROUNDS
    parameters.randomGeneratorState = seed
    return parameters
