"""Pictures of a labelled drive for people to look at."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2

from dalearn_ros.bags.images import ImageFault, decode_compressed
from dalearn_ros.labels.overlay import draw_labels
from dalearn_ros.labels.project import FrameLabels, Labeller
from dalearn_ros.landmarks.types import Frame


class Gallery:
    """Keeps, for each of some equal stretches of the drive, the frame with the most labels.

    Args:
        count: Of stretches, and so of pictures at most.
        frames: Of the whole drive.
    """

    def __init__(self, count: int, frames: int) -> None:
        self.stretch = max(1, -(-frames // count))
        self.kept: dict[int, tuple[int, Frame, FrameLabels]] = {}

    def offer(self, number: int, frame: Frame, result: FrameLabels) -> None:
        """Keep the frame, the ``number``-th of the drive, if it is the best of its stretch."""
        place, good = number // self.stretch, int((~result.labels.ignore).sum())
        if place not in self.kept or good > self.kept[place][0]:
            self.kept[place] = (good, dataclasses.replace(frame, depth_m=None), result)

    def write(self, folder: Path, labeller: Labeller) -> list[str]:
        """Draw the pictures into a new folder; their paths relative to the folder around it."""
        folder.mkdir()
        names = []
        for place, (_, frame, result) in sorted(self.kept.items()):
            try:
                image = frame.image if frame.encoded is None else decode_compressed(frame.encoded)
            except ImageFault:
                continue
            picture = draw_labels(image, result.labels, labeller.label_space)
            name = f"{place:02d}_{frame.name}.jpg"
            _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
            (folder / name).write_bytes(encoded.tobytes())  # imwrite is silent about a full disk
            names.append(f"{folder.name}/{name}")
        return names
