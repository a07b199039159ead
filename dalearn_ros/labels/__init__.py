"""From map, pose and camera to ground truth in images (D2 to D5)."""

from dalearn_ros.labels.project import FrameLabels, Labeller, LabelSettings, project_labels

__all__ = ["FrameLabels", "LabelSettings", "Labeller", "project_labels"]
