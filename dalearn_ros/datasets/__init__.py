"""Labelled frames on disk in COCO-keypoints form, and what is done with them."""

from dalearn_ros.datasets.store import Dataset, DatasetWriter

__all__ = ["Dataset", "DatasetWriter"]
