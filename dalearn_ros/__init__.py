"""Landmark perception for autonomous driving: class and reference point from camera and HD map."""

__version__ = "0.1.0"
