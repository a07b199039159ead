"""Maps on disk become one :class:`LandmarkMap` with a spatial index."""

from dalearn_ros.maps.index import IndexedMap, MapReport, indexed
from dalearn_ros.maps.load import load_map

__all__ = ["IndexedMap", "MapReport", "indexed", "load_map"]
