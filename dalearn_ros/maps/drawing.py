"""A picture of a map from above: landmarks by class, driving directions, a scale bar."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import LandmarkMap

Image = npt.NDArray[np.uint8]
Array = npt.NDArray[np.float64]
COLOURS = (  # BGR, one a class
    (128, 128, 128), (0, 140, 230), (0, 0, 220), (220, 100, 0), (200, 0, 200), (0, 160, 0),
    (180, 160, 0), (0, 90, 200), (90, 140, 60), (200, 90, 160),
)  # fmt: skip
BORDER_PX = 40
ARROW_PX = 16.0
INK = (40, 40, 40)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_map(
    landmarks: LandmarkMap,
    space: LabelSpace | None = None,
    side_px: int = 1400,
    path_m: npt.ArrayLike | None = None,
) -> Image:
    """Draw landmarks from above, north (the map's y) up.

    Args:
        landmarks: What to draw: outlines of markings filled, of what stands as lines, a short
            arrow where a face looks or the traffic drives.
        space: Names of the classes; None takes the shipped ones.
        side_px: The longer side of the drawn area, pixels.
        path_m: (P, 2) or (P, 3) a driven path, drawn in grey; it counts for the extent.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    space = space or LabelSpace.load()
    path = np.zeros((0, 2)) if path_m is None else np.asarray(path_m, dtype=np.float64)[:, :2]
    corners = np.concatenate([landmarks.outlines_m.values[:, :2], path])
    corners = corners[np.isfinite(corners).all(axis=1)]
    low, high = (corners.min(axis=0), corners.max(axis=0)) if len(corners) else (-np.ones(2),) * 2
    extent = np.maximum(high - low, 10.0)
    scale = side_px / float(extent.max())
    size = np.ceil(extent * scale).astype(int) + 2 * BORDER_PX
    legend = _legend(landmarks, space)
    size = np.maximum(size, [420, 60 + 22 * (len(legend) + 1)])
    picture: Image = np.full((int(size[1]), int(size[0]), 3), 255, np.uint8)

    def pixels(points: Array) -> npt.NDArray[np.int32]:
        moved = (points[:, :2] - low) * scale + BORDER_PX
        moved[:, 1] = size[1] - moved[:, 1]
        return np.rint(moved * 8.0).astype(np.int32)

    if len(path):
        cv2.polylines(picture, [pixels(path)], False, (170, 170, 170), 2, cv2.LINE_AA, shift=3)
    for row in range(len(landmarks)):
        class_id = int(landmarks.class_id[row])
        colour = COLOURS[class_id % len(COLOURS)]
        outline = pixels(landmarks.outlines_m[row])
        if space.rule_of(class_id) != "center":
            cv2.fillPoly(picture, [outline], _pale(colour), cv2.LINE_AA, shift=3)
        cv2.polylines(picture, [outline], True, colour, 1, cv2.LINE_AA, shift=3)
        point = pixels(np.asarray(landmarks.point_m[row], np.float64)[None])[0]
        cv2.circle(picture, (int(point[0]), int(point[1])), 20, colour, -1, cv2.LINE_AA, shift=3)
        _arrow(picture, point, landmarks.normal[row], colour)
        _arrow(picture, point, landmarks.direction[row], colour)
    _write_legend(picture, legend)
    _scale_bar(picture, scale)
    return picture


def _arrow(picture: Image, point: Array, vector: Array, colour: tuple[int, int, int]) -> None:
    if not np.isfinite(vector).all():
        return
    tip = point / 8.0 + ARROW_PX * np.array([vector[0], -vector[1]])
    start = (round(point[0] / 8.0), round(point[1] / 8.0))
    cv2.arrowedLine(picture, start, (round(tip[0]), round(tip[1])), colour, 1, cv2.LINE_AA, 0, 0.3)


def _legend(landmarks: LandmarkMap, space: LabelSpace) -> list[tuple[str, tuple[int, int, int]]]:
    ids, counts = np.unique(landmarks.class_id, return_counts=True)
    return [
        (f"{space.names[int(i)]}: {int(count)}", COLOURS[int(i) % len(COLOURS)])
        for i, count in zip(ids, counts, strict=True)
    ]


def _write_legend(picture: Image, legend: list[tuple[str, tuple[int, int, int]]]) -> None:
    for number, (text, colour) in enumerate(legend):
        y = 24 + 22 * number
        cv2.rectangle(picture, (12, y - 11), (24, y + 1), colour, -1)
        for width, ink in ((4, (255, 255, 255)), (1, INK)):
            cv2.putText(picture, text, (32, y), FONT, 0.5, ink, width, cv2.LINE_AA)


def _scale_bar(picture: Image, scale: float) -> None:
    """A bar of 1, 2 or 5 times a power of ten metres, about 150 px long, at the lower left."""
    power = 10.0 ** math.floor(math.log10(150.0 / scale))
    metres = max(m * power for m in (1.0, 2.0, 5.0) if m * power * scale <= 150.0)
    y, end = picture.shape[0] - 16, 16 + round(metres * scale)
    cv2.line(picture, (16, y), (end, y), INK, 2)
    for x in (16, end):
        cv2.line(picture, (x, y - 5), (x, y + 5), INK, 2)
    cv2.putText(picture, f"{metres:g} m", (end + 8, y + 5), FONT, 0.5, INK, 1, cv2.LINE_AA)


def _pale(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    b, g, r = (round(0.4 * part + 0.6 * 255) for part in colour)
    return b, g, r
