"""Where a map has road and where footways and verges: strips of lanes, cut into small pieces."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.geodesy import read_projector
from dalearn_ros.maps.lanelet2 import Lanelet2Loader
from dalearn_ros.maps.lanes import resample
from dalearn_ros.maps.load import INFO_NAME, LISTS, OPENDRIVE, find_map, kind_of
from dalearn_ros.maps.opendrive.file import parse
from dalearn_ros.maps.opendrive.georeference import read_georeference
from dalearn_ros.maps.opendrive.road import Road
from dalearn_ros.maps.tags import TagClasses

Array = npt.NDArray[np.float64]
STEP_M = 3.0
PATH_HALF_M = 3.5  # a driven path stands for a road with a lane on each side of its middle
FOOTWAYS = ("walkway", "stairs", "pedestrian_lane")
NO_SURFACE = ("crosswalk",)  # lies on the road
NO_LANES = "The map has no lanes: road is a strip of {:g} m about the driven path, all else verge."


@dataclass(frozen=True)
class Surfaces:
    """Pieces of ground.

    Attributes:
        road_m: (N, 4, 3) quadrangles of lanes for vehicles and bicycles, metres.
        beside_m: (M, 4, 3) quadrangles of footways and, in OpenDRIVE, all other lanes.
        flat: The heights mean nothing.
        notes: Sentences on what they came from.
    """

    road_m: Array
    beside_m: Array
    flat: bool = False
    notes: tuple[str, ...] = ()


def read_surfaces(path: Path | str) -> Surfaces:
    """Lanes of a map as pieces; without any for a list of landmarks, or a map without lanes.

    Raises:
        MapError: There is no map, or it cannot be read.
    """
    file = find_map(Path(path))
    if kind_of(file) in LISTS:
        return Surfaces(_joined([]), _joined([]), True)
    places = (file / INFO_NAME, file.with_name(INFO_NAME))
    projector = next((read_projector(info) for info in places if info.is_file()), None)
    if kind_of(file) in OPENDRIVE:
        road, beside = _of_opendrive(file)
        reference = read_georeference(parse(file).header)
        if projector is not None and projector.kind != "Local" and reference is not None:
            road, beside = (
                reference.into(projector, part.reshape(-1, 3)).reshape(-1, 4, 3)
                for part in (road, beside)
            )
        return Surfaces(road, beside)
    loader = Lanelet2Loader(file, projector, TagClasses(None))
    parts: dict[bool, list[Array]] = {True: [], False: []}
    for relation in loader.osm.relations.values():
        kind = relation.tags.get("subtype", "road")
        if relation.tags.get("type") != "lanelet" or kind in NO_SURFACE:
            continue
        bounds = loader.bounds_of(relation)
        if bounds is not None:
            parts[kind not in FOOTWAYS].append(_strip(*bounds))
    return Surfaces(_joined(parts[True]), _joined(parts[False]), loader.placed.flat)


def path_surfaces(positions_m: npt.ArrayLike, half_m: float = PATH_HALF_M) -> Surfaces:
    """A strip of road about a driven path, for maps without lanes.

    Args:
        positions_m: (P, 3) along the drive, in its order, metres.
        half_m: Half of the strip's width.
    """
    path = np.asarray(positions_m, np.float64).reshape(-1, 3)
    path = path[np.isfinite(path).all(axis=1)]
    if len(path):
        moved = np.linalg.norm(np.diff(path, axis=0), axis=1) > 1e-3
        path = path[np.concatenate([[True], moved])]
    note = (NO_LANES.format(2.0 * half_m),)
    if len(path) < 2:
        return Surfaces(_joined([]), _joined([]), True, note)
    along = np.asarray(np.gradient(path, axis=0))
    side = np.stack([-along[:, 1], along[:, 0], np.zeros(len(path))], axis=1)
    side *= half_m / np.maximum(np.linalg.norm(side, axis=1), 1e-9)[:, None]
    return Surfaces(_pieces(path + side, path - side), _joined([]), True, note)


def _of_opendrive(file: Path) -> tuple[Array, Array]:
    parts: dict[bool, list[Array]] = {True: [], False: []}
    for road in parse(file).roads.values():
        for vehicles, piece in _road_pieces(road):
            parts[vehicles].append(piece)
    return _joined(parts[True]), _joined(parts[False])


def _road_pieces(road: Road) -> Iterator[tuple[bool, Array]]:
    """(for vehicles, (1, 4, 3) piece) of every lane of a road between neighbouring stations."""
    stations = np.linspace(0.0, road.length, max(2, int(road.length / STEP_M) + 1)).tolist()
    for here, after in itertools.pairwise(stations):
        section = road.section(0.5 * (here + after))
        if section is None:
            continue
        ends = [section.spans(s, road.lane_offset.at(s)[0]) for s in (here, after)]
        for lane, (inner, outer) in ends[0].items():
            far = ends[1][lane]
            if abs(outer - inner) + abs(far[1] - far[0]) < 0.1:
                continue
            corners = [(here, inner), (after, far[0]), (after, far[1]), (here, outer)]
            piece = np.stack([road.point(s, t) for s, t in corners])
            yield lane in section.vehicles, piece[None]


def _strip(left: Array, right: Array) -> Array:
    """Pieces (n, 4, 3) between two bounds (k, 3), of which one may run the other way."""
    same = np.linalg.norm(left[0] - right[0]) + np.linalg.norm(left[-1] - right[-1])
    other = np.linalg.norm(left[0] - right[-1]) + np.linalg.norm(left[-1] - right[0])
    if other < same:
        right = right[::-1]
    length = float(np.linalg.norm(np.diff(left, axis=0), axis=1).sum())
    count = max(2, int(length / STEP_M) + 1)
    return _pieces(resample(left, count), resample(right, count))


def _pieces(left: Array, right: Array) -> Array:
    return np.stack([left[:-1], left[1:], right[1:], right[:-1]], axis=1)


def _joined(parts: list[Array]) -> Array:
    return np.concatenate(parts) if parts else np.zeros((0, 4, 3))
