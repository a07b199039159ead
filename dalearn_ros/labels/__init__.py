"""From map, pose and camera to ground truth in images (D2 to D5)."""

from dalearn_ros.labels.project import FrameLabels, Labeller, project_labels
from dalearn_ros.labels.settings import LabelSettings

__all__ = ["FrameLabels", "LabelSettings", "Labeller", "project_labels"]
