"""Nodes of an OSM file become points in the map frame; what is wrong with them is said."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from dalearn_ros.core.errors import MapError
from dalearn_ros.geometry.geodesy import SQUARE_M, Projector, mgrs_square
from dalearn_ros.maps.osm import LIMIT_M, OsmFile

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FAR_M = 500e3  # a node further than this from the map's middle belongs to no map of a drive
DISAGREE_M = 0.1  # local_x/local_y and latitudes that differ by more are two maps


@dataclass
class Positions:
    """Where the nodes are.

    Attributes:
        points_m: (N, 3) metres, map frame; NaN for nodes without a usable position.
        flat: The map has no heights: every z is 0.
        notes: Sentences about assumptions.
        problems: Sentences about nodes.
        projector: What placed them, or would have; None if there is none.
    """

    points_m: Array
    flat: bool = False
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    projector: Projector | None = None


def place_nodes(osm: OsmFile, projector: Projector | None) -> Positions:
    """Map coordinates of all nodes.

    ``local_x``/``local_y`` are taken where a node has them, latitude and longitude elsewhere. Nodes
    without a height in a map with heights take that of the nearest node; a map in which less than
    half of the nodes have one is flat.

    Args:
        osm: The file.
        projector: From ``map_projector_info.yaml``; None takes UTM about the map's middle where a
            map has no ``local_x``/``local_y``.

    Raises:
        MapError: No node has coordinates, or only some have local ones and there is no projector.
    """
    placed = Positions(np.full((len(osm.height), 3), np.nan))
    known = np.isfinite(osm.height)
    placed.flat = bool(len(known)) and float(known.mean()) < 0.5
    height = np.zeros(len(known)) if placed.flat else np.where(known, osm.height, 0.0)
    local = np.isfinite(osm.local[:, 0]) & np.isfinite(osm.local[:, 1])
    placed.points_m[local] = np.column_stack([osm.local, height])[local]
    if not local.all():
        projector = projector or _without_info(osm, bool(local.any()), placed.notes)
        if projector.kind == "Local":
            _tell(placed, osm, ~local, "no local_x and local_y, which projector Local needs")
        else:
            geographic = osm.geographic[~local]
            points = projector.forward(geographic[:, 0], geographic[:, 1], height[~local])
            placed.points_m[~local] = points
    placed.projector = projector
    _drop_absurd(placed, osm)
    if projector is not None and projector.kind != "Local":
        _check_projector(placed, osm, projector, local)
    _settle_heights(placed, osm, known)
    _check_tiles(placed, osm)
    return placed


def _without_info(osm: OsmFile, mixed: bool, notes: list[str]) -> Projector:
    """The projector of a map without ``map_projector_info.yaml``: UTM about its middle."""
    if mixed:
        found = "none, and only some nodes have local_x and local_y"
        raise MapError.at(osm.path, "", "a map_projector_info.yaml beside it", found)
    lat, lon = (float(value) for value in np.round(np.median(osm.geographic, axis=0), 3))
    notes.append(
        f"There is no map_projector_info.yaml: UTM metres about latitude {lat}, "
        f"longitude {lon} (the map's middle) are assumed."
    )
    return Projector("LocalCartesianUTM", lat, lon)


def _drop_absurd(placed: Positions, osm: OsmFile) -> None:
    """Nodes that no projection places, or far from all others, become NaN and are told."""
    points = placed.points_m
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(points) < LIMIT_M).all(axis=1) & ~np.isnan(points).all(axis=1)
    points[bad] = np.nan
    finite = np.isfinite(points).all(axis=1)
    if finite.any():
        middle = np.median(points[finite, :2], axis=0)
        far = finite.copy()
        far[finite] = np.linalg.norm(points[finite, :2] - middle, axis=1) > FAR_M
        points[far] = np.nan
        bad |= far
    names = osm.node_names
    for row in np.flatnonzero(bad):
        place = {
            "latitude and longitude": osm.geographic[row],
            "local_x and local_y": osm.local[row],
        }
        given = ", ".join(f"{k} {v.tolist()}" for k, v in place.items() if np.isfinite(v).all())
        placed.problems.append(
            f"node {names[row]}: its {given} lie over {FAR_M / 1e3:g} km from the middle of the "
            "map; it is left out. Correct its coordinates."
        )


def _check_projector(placed: Positions, osm: OsmFile, projector: Projector, local: Mask) -> None:
    """Says where the map and ``map_projector_info.yaml`` contradict each other."""
    # Latitude 0, longitude 0 stands beside local coordinates to satisfy other readers.
    earth = np.isfinite(osm.geographic).all(axis=1) & (osm.geographic != 0.0).any(axis=1)
    earth &= np.isfinite(placed.points_m).all(axis=1)
    rows = np.flatnonzero(earth)
    if not len(rows):
        return
    height = np.nan_to_num(osm.height[rows])
    lat, lon = osm.geographic[rows, 0], osm.geographic[rows, 1]
    by_latitude = projector.forward(lat, lon, height)[:, :2]
    names = osm.node_names
    if projector.kind == "MGRS":
        outside = rows[((by_latitude < 0.0) | (by_latitude >= SQUARE_M)).any(axis=1)]
        if len(outside):
            actual = mgrs_square(*osm.geographic[outside[0]])
            placed.problems.append(
                f"node {names[outside[0]]}: lies in the MGRS square {actual}, and "
                f"{len(outside)} of {len(rows)} nodes lie outside {projector.mgrs_grid}, which "
                "map_projector_info.yaml says. Correct mgrs_grid there, or the poses of a drive "
                "will lie elsewhere than the map."
            )
            if 2 * len(outside) > len(rows):
                return
    away = np.linalg.norm(by_latitude - placed.points_m[rows, :2], axis=1) * local[rows]
    if float(away.max()) > DISAGREE_M:
        worst = int(np.argmax(away))
        placed.problems.append(
            f"node {names[rows[worst]]}: local_x and local_y lie {away[worst]:.1f} m from its "
            f"latitude and longitude by projector {projector.kind}, and "
            f"{int((away > DISAGREE_M).sum())} of {int(local[rows].sum())} nodes differ by more "
            f"than {DISAGREE_M} m. local_x and local_y are used; is the projector the map's?"
        )


def _settle_heights(placed: Positions, osm: OsmFile, known: Mask) -> None:
    """A flat map is told; single nodes without a height take that of the nearest node."""
    points, missing = placed.points_m, ~known
    if placed.flat:
        points[np.isfinite(points[:, 2]), 2] = 0.0
        placed.notes.append(
            f"The map is flat: {int(missing.sum())} of {len(known)} nodes have no height (ele), so "
            "every z is 0. Signs and lights need a ground model, see docs/maps.md."
        )
        return
    finite = np.isfinite(points).all(axis=1)
    if not (missing & finite).any() or not (known & finite).any():
        return
    _, nearest = cKDTree(points[known & finite, :2]).query(points[missing & finite, :2])
    points[missing & finite, 2] = points[known & finite][nearest, 2]
    _tell(placed, osm, missing, "no height (ele): that of the nearest node is taken")


def _check_tiles(placed: Positions, osm: OsmFile) -> None:
    """Tiles of which no node lies in the square that the metadata say."""
    for name, (nodes, square) in osm.tiles.items():
        if not square:
            continue
        points = placed.points_m[[osm.node_ids[node] for node in nodes], :2]
        low, size = np.array(square[:2]), np.array(square[2:])
        if len(points) and not ((points >= low) & (points < low + size)).all(axis=1).any():
            placed.problems.append(
                f"{name}: none of its {len(points)} nodes lies in its square of {size[0]:g} m by "
                f"{size[1]:g} m from ({low[0]:g}, {low[1]:g}), as lanelet2_map_metadata.yaml "
                "says. Is map_projector_info.yaml that of the map?"
            )


def _tell(placed: Positions, osm: OsmFile, rows: Mask, what: str) -> None:
    """One problem for all nodes of a mask: the first by name, and how many they are."""
    first = osm.node_names[int(np.argmax(rows))]
    count = int(rows.sum())
    more = f", and so have {count - 1} more" if count > 1 else ""
    placed.problems.append(f"node {first}: has {what}{more}.")
