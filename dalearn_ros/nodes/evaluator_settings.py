"""Parameters of the evaluator's node."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.core.settings import field
from dalearn_ros.labels.settings import LabelSettings
from dalearn_ros.nodes.map_settings import MapNodeSettings
from dalearn_ros.nodes.vehicle import POSE_TYPES


@dataclass(frozen=True)
class EvaluatorNodeSettings(MapNodeSettings):
    """Parameters of the node ``evaluator``."""

    out: str = field("evaluation", "Folder for the results.")
    map_frame: str = field(
        "map", "Name of the map's frame; poses in another are refused. Empty: any."
    )
    pose_type: str = field(
        "pose", "Type of ~/input/pose, the true pose.", choices=tuple(POSE_TYPES)
    )
    prior_type: str = field(
        "pose_with_covariance", "Type of ~/input/prior.", choices=tuple(POSE_TYPES)
    )
    match_px: float = field(8.0, "Tolerance of a hit.", unit="px", minimum=0.1, maximum=1000.0)
    detector: str = field("/landmark_detector", "Node whose counters are taken from /diagnostics.")
    manifest: str = field(
        "", "Manifest that the bag player will write: finish when it is there; empty: do not wait."
    )
    quiet_s: float = field(
        3.0, "After the manifest: finish when nothing came for so long.", unit="s", minimum=0.5,
        maximum=600.0,
    )  # fmt: skip
    pictures: bool = field(
        True, "Keep compressed images for the report: 1 GB of them, evenly over the drive."
    )
    labels: LabelSettings = field(LabelSettings, "What counts as truth.")
