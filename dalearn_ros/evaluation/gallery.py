"""The best and the worst frames of a run, and one of each kind of error, kept in little memory."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.matching import Matching
from dalearn_ros.inference.attention import AttentionMap
from dalearn_ros.landmarks.types import Labels, Observations

Image = npt.NDArray[np.uint8]
APART_NS = 3_000_000_000  # two chosen frames of a drive show different places
KEPT = 4
MISSED, FALSE = "missed", "false"
Error = tuple[str, int]  # kind and class


@dataclass(frozen=True)
class Snapshot:
    """One frame with what was true and what was seen.

    Attributes:
        name: For people.
        stamp_ns: Of the image.
        size: Width and height, pixels.
        truth: Ground truth.
        seen: Observations.
        found: Their matching.
        encoded: The image as JPEG or PNG bytes; None if there is none.
        attention: Where the network looked; None if it does not say.
    """

    name: str
    stamp_ns: int
    size: tuple[int, int]
    truth: Labels
    seen: Observations
    found: Matching
    encoded: bytes | None
    attention: AttentionMap | None = None

    @property
    def errors(self) -> int:
        """Missed truth and false alarms."""
        return len(self.found.missed) + len(self.found.false_alarms)

    def kinds(self) -> Counter[Error]:
        """Its errors by kind and class: (``missed`` or ``false``, class id) → how many."""
        found = Counter((MISSED, int(self.truth.class_id[row])) for row in self.found.missed)
        found.update((FALSE, int(self.seen.class_id[row])) for row in self.found.false_alarms)
        return found

    def image(self) -> Image:
        """(H, W, 3) BGR, grey where there is no picture."""
        if self.encoded is not None:
            decoded = cv2.imdecode(np.frombuffer(self.encoded, np.uint8), cv2.IMREAD_COLOR)
            if decoded is not None:
                return np.asarray(decoded, np.uint8)
        return np.full((self.size[1], self.size[0], 3), 90, np.uint8)


class Gallery:
    """Keeps the few worst and best frames, each from another place of the drive.

    For each kind of error and class it also keeps the frame that has most of it.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.kept = kept
        self._worst: dict[int, tuple[float, Snapshot]] = {}
        self._best: dict[int, tuple[float, Snapshot]] = {}
        self._examples: dict[Error, tuple[float, Snapshot]] = {}
        self._order = 0

    def offer(self, snapshot: Snapshot, image: bytes | Image | Callable[[], bytes] | None) -> None:
        """Look at one frame; its image is kept (encoded) only if the frame is.

        Args:
            snapshot: Without its image.
            image: JPEG or PNG bytes, a picture (H, W, 3) BGR, or a function that gives the bytes.
        """
        place = snapshot.stamp_ns // APART_NS if snapshot.stamp_ns > 0 else -1 - self._order
        self._order += 1
        mean_px = float(np.mean(snapshot.found.distance_px)) if len(snapshot.found.truth) else 0.0
        kept: Snapshot | None = None  # its image is encoded once, and only if it is wanted
        ranks = []
        if snapshot.errors:
            ranks.append((self._worst, snapshot.errors + 0.01 * mean_px))
        elif len(snapshot.found.truth):
            ranks.append((self._best, len(snapshot.found.truth) - 0.1 * mean_px))
        for shelf, rank in ranks:
            if self._earns_a_place(shelf, place, rank):
                kept = kept or dataclasses.replace(snapshot, encoded=_encoded(image))
                shelf[place] = rank, kept
                while len(shelf) > self.kept:
                    del shelf[min(shelf, key=lambda key: shelf[key][0])]
        for error, count in snapshot.kinds().items():
            rank = count + 0.01 * snapshot.errors
            if error not in self._examples or rank > self._examples[error][0]:
                kept = kept or dataclasses.replace(snapshot, encoded=_encoded(image))
                self._examples[error] = rank, kept

    def worst(self) -> list[Snapshot]:
        """Most errors first."""
        return _ranked(self._worst)

    def examples(self) -> list[Snapshot]:
        """The frames with most errors of a kind and class that are not among the worst, by time."""
        worst = {id(item) for item in self.worst()}
        found = {id(item): item for _, item in self._examples.values() if id(item) not in worst}
        return sorted(found.values(), key=lambda item: item.stamp_ns)

    def best(self) -> list[Snapshot]:
        """Most hits without an error first."""
        return _ranked(self._best)

    def _earns_a_place(
        self, shelf: dict[int, tuple[float, Snapshot]], place: int, rank: float
    ) -> bool:
        if place in shelf:
            return rank > shelf[place][0]
        return len(shelf) < self.kept or rank > min(value for value, _ in shelf.values())


def _ranked(shelf: dict[int, tuple[float, Snapshot]]) -> list[Snapshot]:
    return [item for _, item in sorted(shelf.values(), key=lambda pair: -pair[0])]


def _encoded(image: bytes | Image | Callable[[], bytes] | None) -> bytes | None:
    if image is None or isinstance(image, bytes):
        return image
    if callable(image):
        return image()
    done, buffer = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return buffer.tobytes() if done else None
