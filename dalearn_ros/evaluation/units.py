"""What is drawn as one when figures are resampled: a drive, a stretch of one, or an image.

Frames that follow each other show the same landmarks, and a localizer's errors last for some ten
seconds, so frames are no independent samples. A unit is a whole drive; with fewer than
:data:`LEAST_UNITS` drives, a stretch of 20 s of a drive; an image that has neither drive nor stamp
is one by itself.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.frames import Frame

Ints = npt.NDArray[np.int64]

BLOCK_NS = 20_000_000_000
LEAST_UNITS = 6  # with fewer, no test of two models can say anything with 95 %
MOST_UNITS = 1000  # more are joined, neighbours with neighbours
DRIVES, BLOCKS, IMAGES = "drive", "20 s of a drive", "image"
UNIT_WORDS = {
    DRIVES: ("drive", "drives"),
    BLOCKS: ("stretch of 20 s", "stretches of 20 s"),
    IMAGES: ("image", "images"),
}


@dataclass(frozen=True)
class Units:
    """What is drawn.

    Attributes:
        kind: ``drive``, ``20 s of a drive`` or ``image``.
        of_frame: (N,) number of each frame's unit.
        count: How many there are.
    """

    kind: str
    of_frame: Ints
    count: int

    @property
    def enough(self) -> bool:
        """Whether intervals can be given."""
        return self.count >= LEAST_UNITS


def units_of(frames: list[Frame]) -> Units:
    """The units of a run's frames, numbered as they come.

    A frame of a drive belongs to it even if its stamp is 0, and so takes no other frame along.
    """
    drives = {frame.drive for frame in frames if frame.drive}
    keys: list[tuple[str, int]]
    if len(drives) >= LEAST_UNITS and all(frame.drive for frame in frames):
        kind, keys = DRIVES, [(frame.drive, 0) for frame in frames]
    else:
        placed = [frame for frame in frames if frame.drive or frame.stamp_ns > 0]
        first: dict[str, int] = {}
        for frame in placed:
            first[frame.drive] = min(frame.stamp_ns, first.get(frame.drive, frame.stamp_ns))
        kind = BLOCKS if placed else IMAGES
        keys = [
            (frame.drive, (frame.stamp_ns - first[frame.drive]) // BLOCK_NS)
            if frame.drive or frame.stamp_ns > 0
            else ("", -1 - number)
            for number, frame in enumerate(frames)
        ]
    numbers: defaultdict[tuple[str, int], int] = defaultdict(lambda: len(numbers))
    of_frame = np.array([numbers[key] for key in keys], np.int64)
    count = len(numbers)
    if count > MOST_UNITS:
        of_frame, count = of_frame * MOST_UNITS // count, MOST_UNITS
    return Units(kind, of_frame, count)


def unit_text(count: int, kind: str) -> str:
    """Such as ``1 stretch of 20 s`` or ``12 drives``."""
    one, many = UNIT_WORDS[kind]
    return f"{count} {one if count == 1 else many}"
