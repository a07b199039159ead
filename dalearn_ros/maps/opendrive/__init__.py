"""Landmarks of ASAM OpenDRIVE maps, versions 1.4 to 1.8."""

from dalearn_ros.maps.opendrive.reader import read_opendrive

__all__ = ["read_opendrive"]
