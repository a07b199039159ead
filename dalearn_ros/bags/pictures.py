"""Images of a camera's topic, each with the depth image of the same stamp."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.bags.images import (
    ImageFault,
    check_complete,
    coded_size,
    decode_compressed,
    decode_depth,
    decode_raw,
    jpeg_size,
)
from dalearn_ros.bags.poses import stamp_ns
from dalearn_ros.bags.storage import Bag
from dalearn_ros.core.errors import BagError
from dalearn_ros.geometry.camera import Camera

DEPTH_WAIT_FRAMES = 4
DEPTH_TOLERANCE_NS = 5_000_000
OF_DEPTH = "depth"  # reasons that begin so are of depth images alone, not of frames


def picture_of(
    message: Any, compressed: bool, camera: Camera, decode: bool
) -> tuple[npt.NDArray[np.uint8], bytes | None]:
    """The pixels (H, W, 3) BGR of an image message, and its bytes where it is compressed.

    Args:
        message: CompressedImage or Image.
        compressed: Which of the two.
        camera: Whose size it must have.
        decode: If False, a whole JPEG of that size has black pixels that take no memory.

    Raises:
        ImageFault: Truncated, of another size, or of an encoding that is not known.
    """
    encoded: bytes | None = None
    size = (camera.height, camera.width)
    if compressed:
        encoded = message.data.tobytes()
        check_complete(encoded)
        told = coded_size(encoded)
        if told is not None and told[0] * told[1] != camera.width * camera.height:
            raise _wrong_size(told, camera)  # before it fills the memory
        if not decode and jpeg_size(encoded) == (camera.width, camera.height):
            return np.broadcast_to(np.uint8(0), (*size, 3)), encoded
        image = decode_compressed(encoded)
    else:
        m = message
        shape = int(m.height), int(m.width)
        image = decode_raw(m.data, *shape, m.encoding, int(m.step), bool(m.is_bigendian))
    if image.shape[:2] != size:
        raise _wrong_size((image.shape[1], image.shape[0]), camera)
    return image, encoded


def _wrong_size(found: tuple[int, int], camera: Camera) -> ImageFault:
    size = camera.width, camera.height
    return ImageFault("size", f"the image is {found}, its CameraInfo says {size}")


def no_frame_error(
    path: Path, skipped: Mapping[str, int], faults: Mapping[str, str], pose_topic: str
) -> BagError:
    """The error for a drive of which no frame could be used: why, and what to do.

    Args:
        path: The bag.
        skipped: Reason → number of frames.
        faults: Reason → what was wrong with the first of its images.
        pose_topic: Where the poses came from.
    """
    reasons = ", ".join(f"{count} {reason}" for reason, count in skipped.items()) or "no image"
    hint = "; ".join(faults[reason] for reason in skipped if reason in faults)
    hint = f"The first one: {hint}." if hint else ""
    frames = [reason for reason in skipped if not reason.startswith(OF_DEPTH)]
    if frames and all(reason.startswith("pose:") for reason in frames):
        hint = f"Do the poses on {pose_topic} cover the images' time?"
    return BagError.at(path, "", "frames with an image and a pose", reasons, hint)


def with_depth(
    bag: Bag, topic: str, depth_topic: str, skipped: Counter[str]
) -> Iterator[tuple[Any, Any]]:
    """Image messages, each with the depth (H, W) of the same stamp or None.

    Args:
        bag: The bag.
        topic: Of the images.
        depth_topic: Of the depth; empty: none.
        skipped: Gets what cannot be decoded, by reason.
    """
    waiting: deque[Any] = deque()
    depths: dict[int, npt.NDArray[np.float32]] = {}
    for raw in bag.raw([topic, depth_topic]):
        try:
            message = bag.decode(raw)
        except BagError:
            skipped["image:undecodable" if raw.topic == topic else "depth"] += 1
            continue
        if raw.topic == topic:
            waiting.append(message)
        else:
            _keep_depth(message, depths, skipped)
        while waiting and (
            not depth_topic
            or len(waiting) > DEPTH_WAIT_FRAMES
            or _match(waiting[0], depths) is not None
        ):
            yield _take(waiting.popleft(), depths)
    for message in waiting:
        yield _take(message, depths)


def fit_depth(
    depth_m: npt.NDArray[np.float32], width: int, height: int
) -> npt.NDArray[np.float32] | None:
    """A depth image at the size of the camera's image.

    Args:
        depth_m: (h, w) metres, of the same view.
        width: Of the camera's image.
        height: The same.

    Returns:
        (height, width), each pixel that of the nearest one (nothing is mixed); None if its sides
        have another ratio (by more than a pixel): then it is not the same view.
    """
    rows, columns = depth_m.shape
    if (columns, rows) == (width, height):
        return depth_m
    if not rows or abs(columns * height - rows * width) > max(width, height):
        return None
    how = cv2.INTER_NEAREST_EXACT  # keeps pixel centres where they are
    return np.asarray(cv2.resize(depth_m, (width, height), interpolation=how))


def _keep_depth(
    message: Any, depths: dict[int, npt.NDArray[np.float32]], skipped: Counter[str]
) -> None:
    m = message
    shape = int(m.height), int(m.width)
    try:
        image = decode_depth(m.data, *shape, m.encoding, int(m.step), bool(m.is_bigendian))
    except ImageFault:
        skipped["depth"] += 1
        return
    depths[stamp_ns(m.header)] = image
    while len(depths) > 2 * DEPTH_WAIT_FRAMES:
        depths.pop(next(iter(depths)))


def _match(message: Any, depths: dict[int, Any]) -> int | None:
    when = stamp_ns(message.header)
    near = min(depths, key=lambda stamp: abs(stamp - when), default=None)
    return near if near is not None and abs(near - when) <= DEPTH_TOLERANCE_NS else None


def _take(message: Any, depths: dict[int, Any]) -> tuple[Any, Any]:
    near = _match(message, depths)
    return message, None if near is None else depths.pop(near)
