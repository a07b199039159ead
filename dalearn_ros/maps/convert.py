"""One map format into another: landmarks as Lanelet2, GeoJSON or CSV."""

from __future__ import annotations

from pathlib import Path

from dalearn_ros.core.errors import MapError
from dalearn_ros.core.files import atomic_file
from dalearn_ros.geometry.geodesy import Projector, read_projector
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import LandmarkMap
from dalearn_ros.maps.landmark_osm import write_osm
from dalearn_ros.maps.lists import write_list
from dalearn_ros.maps.load import INFO_NAME

FORMATS = (".osm", ".geojson", ".csv")


def write_map(
    landmarks: LandmarkMap,
    path: Path,
    projector: Projector | None = None,
    space: LabelSpace | None = None,
) -> Path | None:
    """Write the landmarks of a map; lanes and everything else of the source stay behind.

    Args:
        landmarks: What to write.
        path: The new file; its suffix, one of :data:`FORMATS`, says the format.
        projector: Of the map frame; None if it has no relation to the globe.
        space: Names of the classes; None takes the shipped ones.

    Returns:
        The ``map_projector_info.yaml`` that was written beside it, without which latitude and
        longitude would be read into another frame; None if none was needed.

    Raises:
        MapError: An unknown suffix, another map's ``map_projector_info.yaml`` beside the new file,
            or GeoJSON of a map without a relation to the globe.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise MapError.at(path, "", "a name in " + ", ".join(FORMATS), f"'{path.suffix}'")
    info = path.with_name(INFO_NAME)
    there = read_projector(info) if info.is_file() else None
    if there is not None and projector is not None and there != projector:
        hint = "Write into another folder."
        raise MapError.at(info, "", f"the same projector ({projector.kind})", there.kind, hint)
    if suffix == ".osm":
        write_osm(landmarks, path, projector, space or LabelSpace.load())
    else:
        write_list(landmarks, path, projector, space)
    if projector is None or there is not None:
        return None
    with atomic_file(info) as temporary:
        temporary.write_text(projector_text(projector), encoding="utf-8")
    return info


def projector_text(projector: Projector) -> str:
    """Content of ``map_projector_info.yaml`` (Autoware); the inverse of ``read_projector``."""
    lines = [f"projector_type: {projector.kind}", "vertical_datum: WGS84"]
    if projector.kind == "MGRS":
        lines.append(f"mgrs_grid: {projector.mgrs_grid}")
    elif projector.kind != "Local":
        lines += [
            "map_origin:",
            f"  latitude: {projector.latitude!r}",
            f"  longitude: {projector.longitude!r}",
            f"  altitude: {projector.altitude!r}",
        ]
        if projector.kind == "TransverseMercator":
            lines.append(f"scale_factor: {projector.scale_factor!r}")
    return "\n".join(lines) + "\n"
