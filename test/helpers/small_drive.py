"""A small street as map and bag, made of primitives: what tests of bags and labels read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform
from dalearn_ros.maps.lanelet2_writer import Lanelet2Writer, Origin

CAMERA = Camera(
    640,
    384,
    np.array([[500.0, 0, 319.5], [0, 500.0, 191.5], [0, 0, 1]]),
    np.array([-0.2, 0.05])[:0],
)
BASE_FROM_CAMERA = Transform(LINK_FROM_OPTICAL.rotation, np.array([1.5, 0.0, 1.5]))
STEP_NS = 20_000_000
POSE_TOPIC = "/ground_truth/pose"


def write_street(folder: Path) -> None:
    """A road along x with a lane each way, a sign, a light, a stop line, a crosswalk, an arrow.

    The vehicle's lane is y in (-3.5, 0), traffic goes along +x; the other lane goes along -x.
    """
    writer = Lanelet2Writer(Origin(48.1, 11.5))
    thin = {"type": "line_thin"}
    middle = writer.way([[0, 0, 0], [100, 0, 0]], thin)
    writer.lanelet(middle, writer.way([[0, -3.5, 0], [100, -3.5, 0]], thin))
    back = writer.way([[100, 0, 0], [0, 0, 0]], thin)
    writer.lanelet(back, writer.way([[100, 3.5, 0], [0, 3.5, 0]], thin))
    sign = {"type": "traffic_sign", "subtype": "de274-30", "height": 0.8}
    writer.way([[40, -4.0, 2.2], [40, -4.8, 2.2]], sign)
    light = {"type": "traffic_light", "subtype": "red_yellow_green", "height": 1.2}
    writer.way([[45, 4.4, 3.0], [45, 4.0, 3.0]], light)
    writer.way([[30, -0.2, 0], [30, -3.3, 0]], {"type": "stop_line", "width": 0.4})
    marking = {"type": "road_marking", "subtype": "crosswalk"}
    walk = [[32, -3.4, 0], [35, -3.4, 0], [35, 3.4, 0], [32, 3.4, 0]]
    writer.way(walk, marking, closed=True)
    arrow = [[20, -2.0, 0], [24, -2.0, 0], [24, -1.5, 0], [20, -1.5, 0]]
    writer.way(arrow, {"type": "road_marking", "subtype": "arrow_left"}, closed=True)
    writer.write(folder)


def pose_at(number: int, x_m: float = 0.0) -> Pose:
    """Pose of sample ``number`` (every 20 ms): 10 m/s along the vehicle's lane."""
    return Pose(number * STEP_NS, Transform(np.eye(3), np.array([x_m + 0.2 * number, -1.75, 0.0])))


def jpeg(seed: int = 0, size: tuple[int, int] = (640, 384)) -> bytes:
    """A picture of soft noise as JPEG bytes; ``size`` is width, height."""
    noise = np.random.default_rng(seed).integers(0, 255, (24, 40, 3), dtype=np.uint8)
    done, encoded = cv2.imencode(".jpg", cv2.resize(noise, size))
    assert done
    return encoded.tobytes()


def write_bag(
    folder: Path,
    frames: int = 6,
    *,
    info: bool = True,
    mounting: bool = True,
    depth_m: float | None = None,
    broken: tuple[int, ...] = (),
    step_m: float = 0.0,
) -> None:
    """A bag of the street: a frame every 100 ms, poses every 20 ms, from x = 10 m on.

    Args:
        folder: The new bag.
        frames: How many images.
        info: With camera_info.
        mounting: With /tf_static.
        depth_m: With a depth image of this one depth.
        broken: Numbers of frames whose JPEG is cut off.
        step_m: Every pose lies so much further along than the one before, beside the driving.
    """
    with BagWriter(folder) as bag:
        if mounting:
            bag.transforms("/tf_static", 0, {("base_link", CAMERA.name): BASE_FROM_CAMERA})
        for number in range(5 * frames):
            pose = pose_at(number, 10.0 + number * step_m)
            bag.pose(POSE_TOPIC, pose)
            if number % 5:
                continue
            if info:
                bag.camera_info("/camera/camera_info", pose.stamp_ns, CAMERA)
            encoded = jpeg(number)
            if number // 5 in broken:
                encoded = encoded[: len(encoded) // 2]
            bag.compressed_image(
                "/camera/image_raw/compressed", pose.stamp_ns, encoded, CAMERA.name
            )
            if depth_m is not None:
                depth = np.full((CAMERA.height, CAMERA.width), depth_m, np.float32)
                bag.image("/camera/depth", pose.stamp_ns, depth, "32FC1", CAMERA.name)
