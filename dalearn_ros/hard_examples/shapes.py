"""One landmark made larger, smaller or tilted in its image, its point and outline with it (H9).

The landmark is turned and scaled about the middle of its outline and put back; what it no longer
covers is filled in from around it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.hard_examples.conversion import Axis, Outcome, Parameters, Sample, in_range
from dalearn_ros.hard_examples.filters import check
from dalearn_ros.labels.outlines import longer_sides
from dalearn_ros.labels.settings import LabelSettings
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
SHAPES, PREFIX = "shapes", "landmark "
AXES = (
    Axis("log scale", -0.7, 0.7, 0.1, still=0.0),
    Axis("tilt, deg", -45.0, 45.0, 5.0, still=0.0),
)
LIMITS = LabelSettings()  # what is too small or too hidden to count
FEATHER_PX = 1.0
INPAINT_PX = 3.0


@dataclass(frozen=True)
class ShapeConversion:
    """Signs and signals change their size and tilt; a part is ``landmark ROW`` of the labels.

    Road markings are no parts: they lie in the road's plane, and which of their ends is the
    reference point depends on how they lie.

    Attributes:
        label_space: Rules of the classes.
        axes: Natural logarithm of the scale, and the turn in degrees, clockwise in the image.
        name: For logs and provenance.
        moves: Always.
    """

    label_space: LabelSpace
    axes: tuple[Axis, ...] = AXES
    name: str = field(default=SHAPES, init=False)
    moves: bool = field(default=True, init=False)

    def prepare(self, sample: Sample) -> PreparedShapes:
        """Find the landmarks that can be changed."""
        return PreparedShapes(self, sample)

    def possible(self, vectors: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """(N,) which vectors (N, 2) lie in the axes' ranges."""
        return in_range(self.axes, vectors)

    def suited(
        self, labels: Labels, size: tuple[int, int], vector: Floats | None = None
    ) -> tuple[str, ...]:
        """Signs and signals that count and lie wholly in the image.

        Args:
            labels: Of the image.
            size: (width, height) of the image, px.
            vector: (2,) which those that are named can take: they still lie wholly in the image,
                and are large enough to count; None: as they are.
        """
        rules = np.array(self.label_space.rules)[labels.class_id]
        found = []
        for row in np.flatnonzero((rules == "center") & ~labels.ignore).tolist():
            outline = labels.outlines_px[row]
            if len(outline) < 3 or not _inside(outline, size):
                continue
            if vector is not None:
                outline = mapping_of(outline, vector).apply(outline)
                side = float(longer_sides(Ragged.of([outline], 2))[0])
                if side < LIMITS.min_side_px or not _inside(outline, size):
                    continue
            found.append(f"{PREFIX}{row}")
        return tuple(found)


@dataclass(frozen=True)
class PreparedShapes:
    """A sample whose landmarks can be changed."""

    conversion: ShapeConversion
    sample: Sample

    @property
    def parts(self) -> tuple[str, ...]:
        """Signs and signals that count and lie wholly in the image."""
        height, width = self.sample.image.shape[:2]
        return self.conversion.suited(self.sample.labels, (width, height))

    def convert(self, parameters: Parameters) -> Outcome:
        """The sample with changed landmarks; the nearest is put back last.

        Raises:
            InputError: A landmark that is no part, or a vector out of range.
        """
        check(self.conversion.name, self.conversion.axes, self.parts, parameters)
        rows = {int(part.removeprefix(PREFIX)): vector for part, vector in parameters.items()}
        labels = self.sample.labels
        order = sorted(rows, key=lambda row: -np.nan_to_num(labels.range_m[row], nan=1e9))
        image, index = self._emptied(order)
        for row in order:
            mapping = mapping_of(labels.outlines_px[row], np.asarray(rows[row], np.float64))
            self._put_back(image, index, row, mapping)
            labels = moved_row(labels, row, mapping)
        labels = self._hidden(labels, order)
        sample = dataclasses.replace(self.sample, image=image, index=index, labels=labels)
        return Outcome(sample, tuple(parameters))

    def _emptied(self, rows: list[int]) -> tuple[Image, Image]:
        """Image and index image without the landmarks, filled in from around them."""
        image, index = self.sample.image, self.sample.index.copy()
        holes = np.zeros(image.shape[:2], np.uint8)
        for row in rows:
            hole = _mask(self.sample.labels.outlines_px[row], holes.shape)
            holes[cv2.dilate(hole, np.ones((5, 5), np.uint8)) > 0] = 255
            around = cv2.dilate(hole, np.ones((9, 9), np.uint8)).astype(bool) & (hole == 0)
            beside = self.sample.index[around]
            if len(beside):
                index[hole > 0] = int(np.bincount(beside).argmax())
        return np.asarray(cv2.inpaint(image, holes, INPAINT_PX, cv2.INPAINT_TELEA), np.uint8), index

    def _hidden(self, labels: Labels, order: Sequence[int]) -> Labels:
        """Labels with what changed landmarks cover, or took with them, seen less or ignored.

        Args:
            labels: The moved ones.
            order: Rows that changed, the one on top last.
        """
        shape = self.sample.image.shape
        visible, ignore = labels.visible.copy(), labels.ignore.copy()
        over = np.zeros(shape[:2], np.bool_)

        def lose(row: int) -> None:
            own = _mask(labels.outlines_px[row], shape) > 0
            if over[own].any():
                left = 1.0 - float(over[own].mean())
                visible[row] *= left
                ignore[row] |= min(left, visible[row]) < LIMITS.min_visible  # NaN: not known

        for row in reversed(order):
            lose(row)
            over |= _mask(labels.outlines_px[row], shape) > 0
        for row in order:
            over |= _mask(self.sample.labels.outlines_px[row], shape) > 0
        for row in sorted({*range(len(labels))} - {*order}):
            lose(row)
        return dataclasses.replace(labels, visible=visible, ignore=ignore)

    def _put_back(self, image: Image, index: Image, row: int, mapping: PixelMap) -> None:
        size = image.shape[1], image.shape[0]
        outline = self.sample.labels.outlines_px[row]
        moved = mapping.warp(self.sample.image, size)
        mask = _mask(mapping.apply(outline), image.shape[:2])
        soft = cv2.GaussianBlur(mask.astype(np.float32) / 255.0, (0, 0), FEATHER_PX)[..., None]
        image[:] = np.rint(image * (1.0 - soft) + moved * soft).astype(np.uint8)
        middle = np.rint(outline.mean(axis=0)).astype(int)
        index[mask > 0] = self.sample.index[middle[1], middle[0]]


def mapping_of(outline_px: Floats, vector: Floats) -> PixelMap:
    """Scale and turn about the middle of an outline (k, 2), as a map of pixels.

    Args:
        outline_px: Of the landmark.
        vector: (2,) natural logarithm of the scale, degrees.
    """
    u, v = ((outline_px.min(axis=0) + outline_px.max(axis=0)) / 2.0).tolist()
    scale, angle = float(np.exp(vector[0])), float(np.deg2rad(vector[1]))
    grown = PixelMap(np.array([[scale, 0.0, u - scale * u], [0.0, scale, v - scale * v]]))
    return PixelMap.turn(angle, (u, v)) @ grown


def moved_row(labels: Labels, row: int, mapping: PixelMap) -> Labels:
    """Labels with the point, outline and covariance of one row moved.

    Its distance is no longer known: a landmark twice as large looks as one half as far away.
    """
    point, covariance = labels.point_px.copy(), labels.covariance_px2.copy()
    range_m = labels.range_m.copy()
    point[row] = mapping.apply(point[row])
    covariance[row] = mapping.apply_covariance(covariance[row])
    range_m[row] = np.nan
    outlines = [mapping.apply(o) if i == row else o for i, o in enumerate(labels.outlines_px)]
    return dataclasses.replace(
        labels, point_px=point, covariance_px2=covariance, range_m=range_m,
        outlines_px=Ragged.of(outlines, 2),
    )  # fmt: skip


def _inside(outline_px: Floats, size: tuple[int, int]) -> bool:
    limit = size[0] - 1.0, size[1] - 1.0
    return bool((outline_px >= 0.0).all() and (outline_px <= limit).all())


def _mask(outline_px: Floats, shape: tuple[int, ...]) -> Image:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.rint(outline_px * 16.0).astype(np.int32)], 255, shift=4)
    return mask
