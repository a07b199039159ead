"""A landmark map that finds what is near, and says what it could not read."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from dalearn_ros.landmarks.types import LandmarkMap


@dataclass(frozen=True)
class MapReport:
    """What a loader met.

    Attributes:
        source: The map's file.
        by_tag: Kind of element → how many the file has, whether they have a class or not.
        unknown: ``kind:code`` without a class in the catalogue → how many.
        problems: One sentence for every element that could not be read.
        notes: Sentences about assumptions that the loader made for this map.
    """

    source: str = ""
    by_tag: Mapping[str, int] = field(default_factory=Counter)
    unknown: Mapping[str, int] = field(default_factory=Counter)
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class IndexedMap(LandmarkMap):
    """A :class:`LandmarkMap` with a spatial index and its loader's report.

    Attributes:
        report: What the loader met.
    """

    report: MapReport = field(default_factory=MapReport)

    def near(self, position_m: npt.ArrayLike, radius_m: float) -> npt.NDArray[np.int64]:
        """Rows whose reference point lies within a radius.

        Args:
            position_m: (3,) or (2,) map frame; the height plays no part.
            radius_m: Horizontal distance in metres.

        Returns:
            (K,) row numbers, ascending.
        """
        if len(self) == 0:
            return np.zeros(0, np.int64)
        centre = np.asarray(position_m, dtype=np.float64).ravel()[:2]
        rows = self._tree.query_ball_point(centre, radius_m, return_sorted=True)
        return np.asarray(rows, dtype=np.int64)

    @functools.cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.point_m[:, :2], balanced_tree=False)


def indexed(landmarks: LandmarkMap) -> IndexedMap:
    """The same landmarks with an index; one that has it already is returned as it is."""
    if isinstance(landmarks, IndexedMap):
        return landmarks
    columns = {name: getattr(landmarks, name) for name in LandmarkMap.__dataclass_fields__}
    return IndexedMap(**columns)
