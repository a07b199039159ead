"""Truth, observations and attention drawn on their image (D19, A9)."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.matching import Matching
from dalearn_ros.inference.attention import AttentionMap
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels, Observations

Image = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

HIT: Colour = (80, 220, 60)  # BGR
MISSED: Colour = (0, 165, 255)
FALSE_ALARM: Colour = (60, 60, 255)
IGNORED: Colour = (170, 170, 170)
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
HEAT, HEAT_SHARE = cv2.COLORMAP_INFERNO, 0.7  # brighter is more, in grey print too


def draw_observations(image: Image, seen: Observations, space: LabelSpace) -> Image:
    """A copy of the image with a cross, the class, the score and the distance of each observation.

    Args:
        image: (H, W, 3) uint8 BGR.
        seen: Observations in its pixels.
        space: Names of the classes.
    """
    picture = _canvas(image)
    scale = _scale(picture)
    for i in range(len(seen)):
        text = f"{space.names[int(seen.class_id[i])]} {seen.score[i]:.2f}"
        if np.isfinite(seen.range_m[i]):
            text += f" {seen.range_m[i]:.0f} m"
        _cross(picture, seen.point_px[i], HIT, scale)
        _write(picture, text, seen.point_px[i], HIT, scale)
    return picture


def draw_matching(
    image: Image, truth: Labels, seen: Observations, found: Matching, space: LabelSpace
) -> Image:
    """A copy of the image with what was hit, missed and falsely seen.

    Green: outline, true point (ring) and observation (cross) of a hit. Orange: missed truth. Red: a
    false alarm. Grey: truth and observations that are not scored.
    """
    picture = _canvas(image)
    scale = _scale(picture)
    for row in np.flatnonzero(truth.ignore):
        _outline(picture, truth.outlines_px[int(row)], IGNORED, scale)
    for row in found.set_aside:
        _cross(picture, seen.point_px[row], IGNORED, scale)
    for row, column in zip(found.truth, found.seen, strict=True):
        _outline(picture, truth.outlines_px[int(row)], HIT, scale)
        _ring(picture, truth.point_px[row], HIT, scale)
        _cross(picture, seen.point_px[column], HIT, scale)
        _write(picture, space.names[int(truth.class_id[row])], truth.point_px[row], HIT, scale)
    for row in found.missed:
        _outline(picture, truth.outlines_px[int(row)], MISSED, scale)
        _ring(picture, truth.point_px[row], MISSED, scale)
        name = space.names[int(truth.class_id[row])]
        _write(picture, f"missed {name}", truth.point_px[row], MISSED, scale)
    for row in found.false_alarms:
        _cross(picture, seen.point_px[row], FALSE_ALARM, scale)
        text = f"false {space.names[int(seen.class_id[row])]} {seen.score[row]:.2f}"
        _write(picture, text, seen.point_px[row], FALSE_ALARM, scale)
    return picture


def draw_attention(image: Image, attention: AttentionMap, truth: Labels | None = None) -> Image:
    """The image in dim grey under the attention map as transparent heat, and a legend below it.

    Black to yellow is 0 to 1, whatever the map's least and greatest value are; scored truth has a
    white outline.

    Args:
        image: (H, W, 3) uint8 BGR.
        attention: Of the image.
        truth: In its pixels; None: it is not known.

    Returns:
        (H + legend, W, 3) uint8 BGR.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    picture = _heated(np.asarray(grey, np.uint8), attention.image())
    scale = _scale(picture)
    if truth is not None:
        for row in np.flatnonzero(~truth.ignore):
            _outline(picture, truth.outlines_px[int(row)], WHITE, scale)
    return np.vstack([picture, _legend(picture.shape[1], scale)])


def _heated(grey: Image, level: Image) -> Image:
    """(H, W) grey under (H, W) levels, both 0 to 255, as (H, W, 3)."""
    share = HEAT_SHARE * (level[..., None] / np.float32(255.0))
    heat = np.asarray(cv2.applyColorMap(level, HEAT), np.float32)
    dim = 0.6 * grey[..., None].astype(np.float32)
    blended = dim * (1.0 - share) + heat * share
    return np.asarray(np.rint(blended), np.uint8)


def _legend(width: int, scale: float) -> Image:
    """(rows, width, 3) a bar from 0 to 1 on white, as it looks on middle grey."""
    rows = round(28 * scale)
    legend = np.full((rows, width, 3), 255, np.uint8)
    left, right = round(0.3 * width), round(0.9 * width)
    level = np.linspace(0, 255, right - left).round().astype(np.uint8)
    bar = np.tile(level, (rows - 2 * (rows // 4), 1))
    legend[rows // 4 : rows // 4 + len(bar), left:right] = _heated(np.full_like(bar, 128), bar)
    for text, at in (("attention   0", left), ("1", right + round(30 * scale))):
        size = 0.55 * scale
        (wide, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
        place = (max(0, at - wide - round(8 * scale)), rows - rows // 3)
        cv2.putText(legend, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, BLACK, 1, cv2.LINE_AA)
    return legend


def _canvas(image: Image) -> Image:
    return np.array(image, dtype=np.uint8, copy=True, order="C")


def _scale(picture: Image) -> float:
    return max(float(picture.shape[1]) / 1280.0, 0.5)


def _pixel(point: npt.NDArray[np.float64]) -> tuple[int, int] | None:
    if not (np.isfinite(point).all() and np.abs(point).max() < 30000.0):
        return None
    return round(float(point[0])), round(float(point[1]))


def _outline(
    picture: Image, polygon: npt.NDArray[np.float64], colour: Colour, scale: float
) -> None:
    if len(polygon) >= 2 and np.isfinite(polygon).all() and np.abs(polygon).max() < 30000.0:
        points = np.rint(polygon * 8.0).astype(np.int32)
        cv2.polylines(picture, [points], True, colour, max(1, round(scale)), cv2.LINE_AA, shift=3)


def _cross(picture: Image, point: npt.NDArray[np.float64], colour: Colour, scale: float) -> None:
    at = _pixel(point)
    if at is not None:
        size = max(7, round(13 * scale))
        cv2.drawMarker(picture, at, BLACK, cv2.MARKER_TILTED_CROSS, size + 2, 3)
        cv2.drawMarker(picture, at, colour, cv2.MARKER_TILTED_CROSS, size, max(1, round(scale)))


def _ring(picture: Image, point: npt.NDArray[np.float64], colour: Colour, scale: float) -> None:
    at = _pixel(point)
    if at is not None:
        radius = max(4, round(7 * scale))
        cv2.circle(picture, at, radius, BLACK, 3, cv2.LINE_AA)
        cv2.circle(picture, at, radius, colour, max(1, round(1.5 * scale)), cv2.LINE_AA)


def _write(
    picture: Image, text: str, point: npt.NDArray[np.float64], colour: Colour, scale: float
) -> None:
    at = _pixel(point)
    if at is None:
        return
    size = 0.5 * scale
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    x = min(max(2, at[0] + round(9 * scale)), max(2, picture.shape[1] - width - 2))
    y = min(max(height + 2, at[1] - round(7 * scale)), picture.shape[0] - 4)
    for thickness, ink in ((3, BLACK), (1, colour)):
        cv2.putText(
            picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, ink, thickness, cv2.LINE_AA
        )
