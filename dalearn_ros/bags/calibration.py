"""The calibrations that a camera has over a drive, out of its CameraInfo topic."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dalearn_ros.bags.poses import stamp_ns
from dalearn_ros.bags.storage import Bag
from dalearn_ros.bags.topics import find_info_topic
from dalearn_ros.core.errors import BagError, InputError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.camera_info import camera_from_info, rectified_from_optical
from dalearn_ros.geometry.transforms import Transform

STAMP_END = 12  # bytes of a CDR message before what follows the header's stamp: 4 + sec, nanosec


@dataclass(frozen=True)
class Calibration:
    """A calibration and from when on it holds.

    Attributes:
        since_ns: Stamp of the first CameraInfo with it, nanoseconds.
        camera: Of the images, raw or rectified.
        optical_from_camera: The frame of the header from the camera's axes; identity if raw.
    """

    since_ns: int
    camera: Camera
    optical_from_camera: Transform

    def same(self, other: Calibration) -> bool:
        """Whether both project alike."""
        a, b = self.camera, other.camera
        return (
            (a.width, a.height, a.model) == (b.width, b.height, b.model)
            and np.array_equal(a.matrix, b.matrix)
            and np.array_equal(a.distortion, b.distortion)
            and np.array_equal(self.optical_from_camera.matrix, other.optical_from_camera.matrix)
        )


def read_calibrations(bag: Bag, image_topic: str, rectified: bool) -> list[Calibration]:
    """What the CameraInfo of an image topic says over the drive, each change once, by time.

    Messages that are not usable (a driver that has not loaded its calibration yet) and those of
    another frame than the first usable one are passed over.

    Args:
        bag: The bag.
        image_topic: Of the images.
        rectified: The images are rectified: P and R; else K and D.

    Raises:
        BagError: No CameraInfo for it, or none of them is usable; says why the first is not.
    """
    topic = find_info_topic(bag, image_topic)
    found: list[Calibration] = []
    fault = ""
    last = b""
    for raw in bag.raw([topic]):
        rest = bytes(raw.cdr[STAMP_END:])
        if rest == last:
            continue
        last = rest
        try:
            message = bag.decode(raw)
            camera = camera_from_info(message, rectified)
            turned = rectified_from_optical(message) if rectified else Transform.identity()
        except InputError as error:
            fault = fault or str(error)
            continue
        new = Calibration(stamp_ns(message.header) or raw.log_ns, camera, turned.inverse())
        if not found or (camera.name == found[0].camera.name and not new.same(found[-1])):
            found.append(new)
    if not found:
        raise BagError(f"{bag.path}, {topic}: {fault}")
    return sorted(found, key=lambda item: item.since_ns)


def calibration_at(calibrations: Sequence[Calibration], when_ns: int) -> Calibration:
    """The latest calibration at or before a time; before all of them the first."""
    after = bisect_right(calibrations, when_ns, key=lambda item: item.since_ns)
    return calibrations[max(0, after - 1)]
