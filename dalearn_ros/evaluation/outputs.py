"""What a replay can write beside its figures: a result bag, a picture of every frame, a film."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.bags.result_bag import ResultBag, result_bag
from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import atomic_directory, refuse_existing
from dalearn_ros.evaluation.drawing import draw_matching, draw_observations
from dalearn_ros.evaluation.film import Film, film
from dalearn_ros.evaluation.matching import Matching
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.inference.tracking import Tracker
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Frame, Labels, Observations

Image = npt.NDArray[np.uint8]
JPEG_QUALITY = 92


@dataclass(frozen=True)
class Outcome:
    """What became of one image of a drive.

    Attributes:
        frame: The image.
        seen: What the detector saw.
        truth: What should have been seen; None if the frame has no pose to project the map with.
        found: The matching of both; None likewise.
        pose: Of the localizer; None if it gave none.
    """

    frame: Frame
    seen: Observations
    truth: Labels | None = None
    found: Matching | None = None
    pose: Pose | None = None


class Sink(Protocol):
    """Takes what became of each image, in the order of the bag."""

    def add(self, outcome: Outcome) -> None:
        """Take the next one."""
        ...


@dataclass(frozen=True)
class OutputPaths:
    """Where a replay writes what it can write beside its figures; None: not at all.

    Attributes:
        bag: New folder for a bag with the drive and the results.
        overlays: New folder for a JPEG of every frame.
        video: File (``.mp4``) for a film of all frames.
    """

    bag: Path | None = None
    overlays: Path | None = None
    video: Path | None = None

    def check(self) -> None:
        """Raise InputError if something is in the way, before any work is done."""
        for folder in (self.bag, self.overlays):
            if folder is not None:
                refuse_existing(folder)
        if self.video is not None and self.video.suffix.lower() != ".mp4":
            raise InputError.at(self.video, "", "a file name that ends in .mp4", self.video.name)


@contextlib.contextmanager
def open_outputs(
    paths: OutputPaths,
    source: Path,
    camera_topic: str,
    space: LabelSpace,
    *,
    rate_hz: float,
    threshold: float = 0.0,
    map_frame: str = "map",
) -> Iterator[list[Sink]]:
    """The wanted outputs of a drive; each is whole when the block ends well, else absent.

    Args:
        paths: Where they go.
        source: The bag that is replayed.
        camera_topic: Of its images.
        space: Names of the classes.
        rate_hz: Images a second, for the film.
        threshold: Score below which the detector says nothing.
        map_frame: Frame of the poses.

    Raises:
        InputError: A place is taken or not writable, or there is no encoder for the film.
    """
    paths.check()
    with contextlib.ExitStack() as stack:
        sinks: list[Sink] = []
        if paths.bag is not None:
            bag = result_bag(source, camera_topic, paths.bag, space, threshold, map_frame)
            sinks.append(_BagSink(stack.enter_context(bag)))
        if paths.overlays is not None:
            folder = stack.enter_context(atomic_directory(paths.overlays))
            sinks.append(_PictureSink(folder, space))
        if paths.video is not None:
            sinks.append(_FilmSink(stack.enter_context(film(paths.video, rate_hz)), space))
        yield sinks


class _BagSink:
    """Numbers the observations as the node does, and writes them."""

    def __init__(self, bag: ResultBag) -> None:
        self._bag, self._tracker = bag, Tracker()

    def add(self, outcome: Outcome) -> None:
        camera = outcome.frame.camera
        source = (camera.width, camera.height), camera.name
        seen = self._tracker.update(outcome.seen, source)
        self._bag.add(outcome.frame, seen, outcome.truth, outcome.pose)


class _PictureSink:
    """A JPEG of each frame, named as the frame is."""

    def __init__(self, folder: Path, space: LabelSpace) -> None:
        self._folder, self._space = folder, space

    def add(self, outcome: Outcome) -> None:
        drawn = drawing_of(outcome, self._space)
        done, encoded = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        assert done  # 8 bit and three channels: there is no image that JPEG could not hold
        (self._folder / f"{outcome.frame.name}.jpg").write_bytes(encoded.tobytes())


class _FilmSink:
    """Each frame as a picture of a film."""

    def __init__(self, written: Film, space: LabelSpace) -> None:
        self._film, self._space = written, space

    def add(self, outcome: Outcome) -> None:
        self._film.add(drawing_of(outcome, self._space))


def drawing_of(outcome: Outcome, space: LabelSpace) -> Image:
    """A copy of the image with hits, misses and false alarms; without truth, what was seen."""
    frame = outcome.frame
    if outcome.truth is None or outcome.found is None:
        return draw_observations(frame.image, outcome.seen, space)
    return draw_matching(frame.image, outcome.truth, outcome.seen, outcome.found, space)
