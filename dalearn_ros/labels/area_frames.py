"""Index images of the frames of a drive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from dalearn_ros.labels.area_settings import AreaSettings
from dalearn_ros.labels.areas import AreaIndexer
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Frame, Labels
from dalearn_ros.maps.surfaces import path_surfaces, read_surfaces


def indexer_of(
    map_path: Path | str,
    positions_m: npt.ArrayLike,
    label_space: LabelSpace | None = None,
    settings: AreaSettings | None = None,
) -> AreaIndexer:
    """What makes the index images of a drive.

    Args:
        map_path: Its map.
        positions_m: (P, 3) driven positions in their order, metres; of a map without lanes, road
            is a strip about them.
        label_space: Classes of the labels; None takes the shipped ones.
        settings: What is assumed where the map does not say it.

    Raises:
        MapError: There is no map, or it cannot be read.
    """
    surfaces = read_surfaces(map_path)
    if not len(surfaces.road_m):
        surfaces = path_surfaces(positions_m)
    return AreaIndexer(surfaces, label_space, settings)


def index_frame(indexer: AreaIndexer, frame: Frame, labels: Labels) -> npt.NDArray[np.uint8]:
    """(H, W) uint8 index image of a frame with a pose and a decoded image; depth helps."""
    map_from_camera = frame.camera_from_map.inverse()
    return indexer.index(labels, frame.camera, map_from_camera, frame.depth_m, frame.image)
