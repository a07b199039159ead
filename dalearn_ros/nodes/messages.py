"""ROS messages to our types and back: stamps, transforms, cameras, poses, images."""

from __future__ import annotations

import array
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose as PoseMessage
from geometry_msgs.msg import (
    PoseStamped,
    PoseWithCovarianceStamped,
    TransformStamped,
)
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from dalearn_ros.bags.images import ImageFault, decode_compressed, decode_raw
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.inference.preprocess import as_channels

Pixels = npt.NDArray[np.uint8]
SECOND_NS = 1_000_000_000


def stamp_of(header: Any) -> int:
    """Integer nanoseconds of a header."""
    return int(header.stamp.sec) * SECOND_NS + int(header.stamp.nanosec)


def time_of(stamp_ns: int) -> Time:
    """builtin_interfaces/Time of integer nanoseconds."""
    seconds, nanoseconds = divmod(int(stamp_ns), SECOND_NS)
    return Time(sec=seconds, nanosec=nanoseconds)


def header_of(stamp_ns: int, frame_id: str) -> Header:
    """std_msgs/Header."""
    return Header(stamp=time_of(stamp_ns), frame_id=frame_id)


def camera_info_of(camera: Camera, stamp_ns: int) -> CameraInfo:
    """sensor_msgs/CameraInfo of a camera; R is identity, P is [K | 0]."""
    message = CameraInfo(width=camera.width, height=camera.height)
    message.header = header_of(stamp_ns, camera.name)
    message.distortion_model = camera.model
    message.d = camera.distortion.tolist()
    message.k = camera.matrix.ravel()
    message.r = np.eye(3).ravel()
    message.p = np.hstack([camera.matrix, np.zeros((3, 1))]).ravel()
    return message


def transform_of_pose(message: PoseMessage) -> Transform:
    """Transform of geometry_msgs/Pose.

    Raises:
        ValueError: Not finite, or a quaternion of length zero.
    """
    p, q = message.position, message.orientation
    translation = np.array([p.x, p.y, p.z])
    if not np.isfinite(translation).all():
        raise ValueError(f"a pose needs a finite position, found {translation.tolist()}")
    return Transform.from_quaternion((q.x, q.y, q.z, q.w), translation)


def pose_message(transform: Transform) -> PoseMessage:
    """geometry_msgs/Pose of a transform."""
    message = PoseMessage()
    p, q = message.position, message.orientation
    p.x, p.y, p.z = (float(v) for v in transform.translation)
    q.x, q.y, q.z, q.w = (float(v) for v in transform.quaternion)
    return message


def transform_of(message: TransformStamped) -> Transform:
    """Transform parent_from_child of geometry_msgs/TransformStamped.

    Raises:
        ValueError: A quaternion of length zero, or not finite.
    """
    t, q = message.transform.translation, message.transform.rotation
    return Transform.from_quaternion((q.x, q.y, q.z, q.w), (t.x, t.y, t.z))


def pose_of(message: PoseStamped | PoseWithCovarianceStamped | Any) -> Pose:
    """Pose out of PoseStamped, PoseWithCovarianceStamped or Odometry.

    A covariance of nothing but zeros counts as unknown (None).

    Raises:
        ValueError: Not finite, or a quaternion of length zero.
    """
    if isinstance(message, PoseStamped):
        return Pose(stamp_of(message.header), transform_of_pose(message.pose), None)
    transform = transform_of_pose(message.pose.pose)
    covariance = np.asarray(message.pose.covariance, dtype=np.float64).reshape(6, 6)
    known = covariance if covariance.any() else None
    return Pose(stamp_of(message.header), transform, known)


def pose_with_covariance_message(pose: Pose, frame_id: str) -> PoseWithCovarianceStamped:
    """geometry_msgs/PoseWithCovarianceStamped; zeros where the covariance is unknown."""
    message = PoseWithCovarianceStamped(header=header_of(pose.stamp_ns, frame_id))
    message.pose.pose = pose_message(pose.map_from_base)
    if pose.covariance is not None:
        message.pose.covariance = np.asarray(pose.covariance, dtype=np.float64).ravel()
    return message


def pixels_of(message: Image | CompressedImage, out: Pixels | None = None) -> Pixels:
    """BGR image (H, W, 3) of a raw or compressed image message.

    Our own decoder comes first. An encoding that it does not know goes to cv_bridge where that is
    installed and works.

    Args:
        message: The image.
        out: (H, W, 3) that gets a raw image, without a copy on the way; None: a place of its own.

    Raises:
        ImageFault: With ``reason`` ``encoding``, ``truncated`` or ``undecodable``.
    """
    if isinstance(message, CompressedImage):
        return decode_compressed(memoryview(message.data).tobytes())
    try:
        return decode_raw(
            message.data,
            int(message.height),
            int(message.width),
            message.encoding,
            int(message.step),
            bool(message.is_bigendian),
            out,
        )
    except ImageFault as fault:
        convert = healthy_cv_bridge() if fault.reason == "encoding" else None
        if convert is None:
            raise
        return convert(message)


def write_pixels(
    message: Image | CompressedImage, place: Callable[[int, int], Pixels]
) -> tuple[int, int]:
    """Write the image of a message where a network takes it.

    Args:
        message: Raw or compressed.
        place: Gives for (width, height) the (H, W, C) place for the pixels; C is 3 (BGR) or 1.

    Returns:
        (width, height).

    Raises:
        ImageFault: As :func:`pixels_of` has it; the place may have been written to.
    """
    if isinstance(message, CompressedImage):
        image = pixels_of(message)
        size = image.shape[1], image.shape[0]
        out = place(*size)
    else:
        size = int(message.width), int(message.height)
        if min(size) < 1 or size[0] * size[1] > len(message.data):  # less than a byte a pixel
            text = f"{len(message.data)} bytes are too few for {size[0]}x{size[1]} pixels"
            raise ImageFault("truncated", text)
        out = place(*size)
        image = pixels_of(message, out if out.shape[2] == 3 else None)
    if image is not out:
        if image.shape[:2] != out.shape[:2]:
            raise ImageFault("undecodable", f"{size} pixels were announced, found {image.shape}")
        np.copyto(out, as_channels(image, out.shape[2]))
    return size


@functools.cache
def healthy_cv_bridge() -> Callable[[Image], Pixels] | None:
    """cv_bridge's conversion to BGR, if it is installed and converts a small image rightly.

    It is compiled against one NumPy and fails, or crashes on import, beside another.
    """
    try:
        from cv_bridge import CvBridge

        bridge = CvBridge()
        probe = image_message(np.arange(12, dtype=np.uint8).reshape(2, 2, 3), 0, "")
        if not np.array_equal(bridge.imgmsg_to_cv2(probe, "bgr8").ravel(), np.arange(12)):
            return None
    except Exception:  # ImportError, AttributeError, RuntimeError: whatever a bad build gives
        return None

    def convert(message: Image) -> Pixels:
        try:
            return np.asarray(bridge.imgmsg_to_cv2(message, "bgr8"), dtype=np.uint8)
        except Exception as error:  # cv_bridge raises its own and OpenCV's
            raise ImageFault("encoding", f"cv_bridge: {error}") from None

    return convert


def image_message(image: Pixels, stamp_ns: int, frame_id: str) -> Image:
    """sensor_msgs/Image, bgr8, of (H, W, 3)."""
    height, width = image.shape[:2]
    message = Image(height=height, width=width, encoding="bgr8", step=3 * width)
    message.header = header_of(stamp_ns, frame_id)
    data = array.array("B")  # anything else is checked or copied value by value: 250 ms and more
    data.frombytes(np.ascontiguousarray(image).data)
    message.data = data
    return message


def compressed_message(encoded: bytes, stamp_ns: int, frame_id: str) -> CompressedImage:
    """sensor_msgs/CompressedImage of a JPEG."""
    data = array.array("B")
    data.frombytes(encoded)
    return CompressedImage(header=header_of(stamp_ns, frame_id), format="jpeg", data=data)
