"""The first frame of a drive with its landmarks drawn in: does everything fit together?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.bags.images import ImageFault, decode_compressed
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.core.checks import FAIL, NOTE, OK, Check
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.labels.heights import grounded
from dalearn_ros.labels.overlay import draw_labels
from dalearn_ros.labels.project import Labeller
from dalearn_ros.landmarks.types import Frame, Labels
from dalearn_ros.maps.index import IndexedMap
from dalearn_ros.maps.overlap import REACH_M, overlap

Image = npt.NDArray[np.uint8]
FRAMES = 400  # that are asked at most: 40 s at 10 Hz
ENOUGH = 6  # labels in one frame
HIGH_M = 5.0  # base_link this far over or under the road is a frame or height error


@dataclass(frozen=True)
class FirstLook:
    """A frame with the landmarks that should be seen in it.

    Attributes:
        picture: (H, W, 3) uint8 BGR, labels drawn.
        frame: Its name.
        labels: Number of labels, `ignore` included.
    """

    picture: Image
    frame: str
    labels: int


def overlap_checks(landmarks: IndexedMap, poses: Trajectory) -> list[Check]:
    """Whether drive and map are in one place, and at one height."""
    found = overlap(landmarks, poses.positions)
    if not found.share:
        text = f"the drive is {_metres(found.nearest_m)} from the nearest landmark"
        return [Check("overlap", FAIL, text, found.reason)]
    text = (
        f"{100.0 * found.share:.0f} % of the drive has a landmark within {REACH_M:g} m; "
        f"{found.landmarks} landmarks are that near, the nearest at {found.nearest_m:.1f} m"
    )
    checks = [Check("overlap", OK if found.share > 0.1 else NOTE, text)]
    if landmarks.report.flat:
        mend = "labels stand on the heights of the drive; see --ground in dalearn label --help"
        checks.append(Check("heights", NOTE, "the map is flat", mend))
    elif abs(found.height_m) > HIGH_M:
        text = f"base_link is {found.height_m:+.1f} m over the map's nearest landmarks"
        mend = "are both heights of one datum (ellipsoid or geoid)? Correct ele or the poses"
        checks.append(Check("heights", FAIL if abs(found.height_m) > 15.0 else NOTE, text, mend))
    return checks


def first_look(
    reader: BagReader, landmarks: IndexedMap, camera_topic: str, pose_topic: str, poses: Trajectory
) -> FirstLook | None:
    """The first frame with enough labels, else the best of the first ones; None if none has any.

    Raises:
        BagError: The camera has no calibration or mounting, or the bag is damaged.
    """
    landmarks, _ = grounded(landmarks, poses, "trajectory")
    labeller = Labeller(landmarks)
    best: tuple[int, Frame, Labels] | None = None
    for number, frame in enumerate(reader.frames(camera_topic, pose_topic, decode=False)):
        if frame.pose is not None:
            labels = labeller.label(frame).labels
            count = int((~labels.ignore).sum())
            if len(labels) and (best is None or count > best[0]):
                best = count, frame, labels
            if count >= ENOUGH:
                break
        if number + 1 >= FRAMES:
            break
    if best is None:
        return None
    _, frame, labels = best
    try:
        image = frame.image if frame.encoded is None else decode_compressed(frame.encoded)
    except ImageFault:
        image = np.zeros((frame.camera.height, frame.camera.width, 3), np.uint8)
    return FirstLook(draw_labels(image, labels, labeller.label_space), frame.name, len(labels))


def _metres(distance: float) -> str:
    return f"{distance / 1e3:.1f} km" if distance >= 10_000.0 else f"{distance:.0f} m"
