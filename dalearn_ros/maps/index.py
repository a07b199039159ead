"""A landmark map that finds what is near or in view, and says what it could not read."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import LandmarkMap
from dalearn_ros.maps.frustum import Frustum
from dalearn_ros.maps.grid import SortedGrid
from dalearn_ros.maps.regulatory import LaneLinks


@dataclass(frozen=True)
class MapReport:
    """What a loader met.

    Attributes:
        source: The map's file.
        by_tag: Kind of element → how many the file has, whether they have a class or not.
        unknown: ``kind:code`` without a class in the catalogue → how many.
        problems: One sentence for every element that could not be read.
        notes: Sentences about assumptions that the loader made for this map.
        flat: The map has no heights: every z is 0 (see ``maps/ground.py``).
        projector: How latitude and longitude become the map's metres; None if that is not known.
    """

    source: str = ""
    by_tag: Mapping[str, int] = field(default_factory=Counter)
    unknown: Mapping[str, int] = field(default_factory=Counter)
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    flat: bool = False
    projector: Projector | None = None


@dataclass(frozen=True)
class IndexedMap(LandmarkMap):
    """A :class:`LandmarkMap` with a spatial index and its loader's report.

    Attributes:
        report: What the loader met.
        links: Which lights and signs are meant for which lanes.
    """

    report: MapReport = field(default_factory=MapReport)
    links: LaneLinks = field(default_factory=LaneLinks.empty)

    def near(self, position_m: npt.ArrayLike, radius_m: float) -> npt.NDArray[np.int64]:
        """Rows whose reference point lies within a radius.

        Args:
            position_m: (3,) or (2,) map frame; the height plays no part.
            radius_m: Horizontal distance in metres.

        Returns:
            (K,) row numbers, ascending.
        """
        centre = np.asarray(position_m, dtype=np.float64).ravel()[:2]
        rows = self.grid.near(centre, radius_m)
        away = self.point_m[rows, :2] - centre
        found: npt.NDArray[np.int64] = rows[np.einsum("ij,ij->i", away, away) <= radius_m**2]
        return np.sort(found)

    def in_view(
        self, frustum: Frustum, map_from_camera: Transform
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Rows whose reference point a camera may see, and where; its cost is that of the view.

        Exactly those rows that :meth:`Frustum.project` calls seen: the grid only leaves out what
        cannot be. Whether something stands before them, or they face the other way, is not asked.

        Args:
            frustum: The camera's view; made once a camera.
            map_from_camera: Pose of the optical frame in the map.

        Returns:
            (K,) row numbers, ascending, and (K, 2) pixels of the raw image.
        """
        plan, eye = frustum.plan(map_from_camera), map_from_camera.translation
        if len(plan):
            rows = self.grid.in_hull(plan, eye, frustum.far_m)
        else:
            rows = self.grid.near(eye, frustum.far_m)
        rows.sort()
        pixels, seen = frustum.project(self.point_m[rows], map_from_camera)
        return rows[seen], pixels[seen]

    @functools.cached_property
    def grid(self) -> SortedGrid:
        """The spatial index, built when it is first asked for."""
        return SortedGrid.of(self.point_m)


def indexed(landmarks: LandmarkMap) -> IndexedMap:
    """The same landmarks with an index; one that has it already is returned as it is."""
    if isinstance(landmarks, IndexedMap):
        return landmarks
    columns = {name: getattr(landmarks, name) for name in LandmarkMap.__dataclass_fields__}
    return IndexedMap(**columns)
