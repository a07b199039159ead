"""What every conversion of images looks like to the search, whatever it changes (H9).

A *parameter* has a vector for each part of an image that it changes: areas for colours, landmarks
for changes of shape, the whole image for filters. The axes of the vector and a distance between
two of them are the conversion's own, so that neighbours can be sought for each part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dalearn_ros.hard_examples.neighbours import Bounds, distances
from dalearn_ros.labels.area_settings import AREAS
from dalearn_ros.landmarks.types import Labels

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Parameters = Mapping[str, Floats]  # part → its vector


@dataclass(frozen=True)
class Axis:
    """One number of a parameter.

    Attributes:
        name: What it is, with its unit.
        low: Smallest value.
        high: Largest value.
        step: A difference that counts as 1 in distances.
        still: The value that changes nothing, or least; None: there is no such value.
    """

    name: str
    low: float
    high: float
    step: float = 1.0
    still: float | None = None


@dataclass(frozen=True)
class Sample:
    """An image with all that must move along with it (H10).

    Attributes:
        image: (H, W, 3) uint8 BGR.
        labels: Landmarks in it.
        index: (H, W) uint8 index image.
        areas: Names of its areas.
    """

    image: Image
    labels: Labels
    index: Image
    areas: tuple[str, ...] = AREAS


@dataclass(frozen=True)
class Outcome:
    """A converted sample.

    Attributes:
        sample: The new one; its labels and index image are moved where the geometry changed.
        parts: Parts that were changed.
        notes: What was met: ``empty``, ``flat``, ``clipped``, ...; plain values.
    """

    sample: Sample
    parts: tuple[str, ...]
    notes: Mapping[str, Any] = field(default_factory=dict)


class Prepared(Protocol):
    """One sample, ready to be converted many times, each time from the original."""

    @property
    def sample(self) -> Sample:
        """The original."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of this sample that can be changed."""

    def convert(self, parameters: Parameters) -> Outcome:
        """The sample with some of its parts changed.

        Raises:
            InputError: A part that the sample does not have, or a vector out of the axes' ranges.
        """


class Conversion(Protocol):
    """A way to change images.

    Attributes:
        name: For logs and provenance.
        axes: What a vector holds.
        moves: Whether landmarks and areas move along; else they stay as they are.
    """

    @property
    def name(self) -> str:
        """For logs and provenance."""

    @property
    def moves(self) -> bool:
        """Whether landmarks and areas move along; else they stay as they are."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What a vector holds, in its order."""

    def prepare(self, sample: Sample) -> Prepared:
        """Make a sample ready."""

    def possible(self, vectors: npt.ArrayLike) -> Mask:
        """(N,) which vectors (N, k) can be used."""


def narrowed(axes: Sequence[Axis], share: float) -> tuple[Axis, ...]:
    """Axes with a share (0 to 1) of their ranges, on both sides of what changes nothing."""
    return tuple(
        axis
        if axis.still is None
        else replace(
            axis,
            low=axis.still + share * (axis.low - axis.still),
            high=axis.still + share * (axis.high - axis.still),
        )
        for axis in axes
    )


def distance(axes: Sequence[Axis], one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Distance of two vectors (k,) in steps of their axes."""
    return float(distances(one, other, bounds_of(axes, 1.0))[0])


def bounds_of(axes: Sequence[Axis], steps: float, round_: bool = True) -> Bounds:
    """Bounds at so many steps along every axis, for the functions of ``neighbours``."""
    return Bounds(tuple(steps * axis.step for axis in axes), round_)


def in_range(axes: Sequence[Axis], vectors: npt.ArrayLike) -> Mask:
    """(N,) which vectors (N, k) lie in the ranges of their axes."""
    found = np.atleast_2d(np.asarray(vectors, np.float64))
    low, high = np.array([[axis.low, axis.high] for axis in axes]).T
    return np.asarray(((found >= low) & (found <= high)).all(axis=1), np.bool_)
