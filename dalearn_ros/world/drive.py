"""Writes a drive through a city: an ordinary bag and an ordinary map."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import atomic_directory
from dalearn_ros.core.progress import track
from dalearn_ros.core.randomness import generator
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.world.camera import CAMERA_FRAME
from dalearn_ros.world.errors_model import PriorErrors, odometry, prior_covariance
from dalearn_ros.world.mapping import write_map
from dalearn_ros.world.plan import IMAGE_HZ, POSE_HZ, Plan, make_plan
from dalearn_ros.world.studio import Studio
from dalearn_ros.world.style import check_condition, city_named

START_NS = 1_700_000_000_000_000_000
JPEG_QUALITY = 92
TOPICS = {
    "image": "/camera/image_raw/compressed",
    "camera_info": "/camera/camera_info",
    "depth": "/camera/depth",
    "prior": "/localization/prior",
    "odometry": "/odometry",
    "truth": "/ground_truth/pose",
    "tf_static": "/tf_static",
}


def write_drive(
    out: Path | str,
    city: str = "north",
    condition: str = "day",
    frames: int = 300,
    seed: int = 0,
    depth: bool = False,
    every: int = 1,
) -> Path:
    """Write ``out/bag`` (rosbag2, mcap), ``out/map`` and ``out/exact_map`` (Lanelet2) of a drive.

    ``exact_map`` is ``map`` without the surveyor's noise: where things really are.

    Args:
        out: A folder that does not exist yet, or is empty.
        city: ``north``, ``south`` or ``east``.
        condition: ``day``, ``low_sun``, ``dusk``, ``night``, ``rain``, ``fog`` or ``snow``.
        frames: Pictures, 1 or more.
        seed: Another seed is another city of the same kind; the same seed gives the same bytes.
        depth: Also write ``/camera/depth`` (32FC1, metres along the optical axis).
        every: One picture in so many of the camera's 10 Hz is kept; 10 is one a second, along a
            drive that is ten times as long.

    Returns:
        ``out``.

    Raises:
        InputError: An unknown city or condition, ``frames`` or ``every`` below 1, or
            ``out`` cannot be written.
    """
    style = city_named(city)
    check_condition(condition)
    for option, value in (("--frames", frames), ("--every", every)):
        if value < 1:
            raise InputError.at("world", option, "1 or more", str(value))
    final = Path(out)
    with atomic_directory(final) as folder:
        plan = make_plan(style, (frames - 1) * every + 1, seed)
        studio = Studio(style, condition, seed, plan)
        try:
            write_map(studio.scene, plan, seed, folder / "map")
            write_map(studio.scene, plan, seed, folder / "exact_map", exact=True)
            with BagWriter(folder / "bag") as bag:
                bag.note("condition", condition)
                write_messages(bag, studio, plan, frames, seed, depth, every)
        finally:
            studio.close()
    return final


def write_messages(
    bag: BagWriter,
    studio: Studio,
    plan: Plan,
    frames: int,
    seed: int,
    depth: bool,
    every: int = 1,
) -> None:
    """Draw the pictures and write all messages of a drive in the order of their stamps."""
    truth = [plan.pose(float(t)) for t in plan.times_s]
    rng = generator(seed, "errors")
    errors = PriorErrors.draw(rng, len(truth), 1.0 / POSE_HZ)
    driven, _, _ = odometry(rng, truth, 1.0 / POSE_HZ)
    links = {("base_link", CAMERA_FRAME): studio.base_from_camera}
    bag.transforms(TOPICS["tf_static"], stamp_of(float(plan.times_s[0])), links)
    step = POSE_HZ // IMAGE_HZ * every
    first = round(-float(plan.times_s[0]) * POSE_HZ)
    pictures = iter(track(range(frames), total=frames, label="world"))
    for i, pose in enumerate(truth):
        stamp = stamp_of(float(plan.times_s[i]))
        _write_poses(bag, plan, stamp, i, pose, errors, driven)
        since = i - first
        if since >= 0 and since % step == 0 and since // step < frames:
            next(pictures)
            _write_camera(bag, studio, stamp, float(plan.times_s[i]), pose, depth)
    for _ in pictures:
        pass


def stamp_of(t: float) -> int:
    """Nanoseconds of a time in seconds after the first picture (20 ms grid)."""
    return START_NS + round(t * POSE_HZ) * (1_000_000_000 // POSE_HZ)


def _write_poses(
    bag: BagWriter,
    plan: Plan,
    stamp: int,
    i: int,
    pose: Transform,
    errors: PriorErrors,
    driven: list[Transform],
) -> None:
    bag.pose(TOPICS["truth"], Pose(stamp, pose))
    prior = errors.apply(pose, i)
    covariance = prior_covariance(prior.yaw_rad)
    bag.pose_with_covariance(TOPICS["prior"], Pose(stamp, prior, covariance))
    j = max(i, 1)
    step = driven[j - 1].inverse() @ driven[j]
    speed = float(np.linalg.norm(step.translation)) * POSE_HZ
    bag.odometry(TOPICS["odometry"], stamp, driven[i], speed, step.yaw_rad * POSE_HZ)


def _write_camera(
    bag: BagWriter, studio: Studio, stamp: int, t: float, pose: Transform, with_depth: bool
) -> None:
    image, depth = studio.picture(t, pose, with_depth)
    ok, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not ok:
        raise InputError("world: OpenCV cannot write JPEG here.")
    bag.compressed_image(TOPICS["image"], stamp, encoded.tobytes(), CAMERA_FRAME)
    bag.camera_info(TOPICS["camera_info"], stamp, studio.camera)
    if depth is not None:
        bag.image(TOPICS["depth"], stamp, depth, "32FC1", CAMERA_FRAME)
