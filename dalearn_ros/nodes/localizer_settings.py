"""Parameters of the localizer's node."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.core.settings import field
from dalearn_ros.nodes.camera_names import ALONE
from dalearn_ros.nodes.health_watch import HealthSettings
from dalearn_ros.nodes.map_settings import MapNodeSettings
from dalearn_ros.nodes.vehicle import POSE_TYPES


@dataclass(frozen=True)
class LocalizerNodeSettings(MapNodeSettings):
    """Parameters of the node ``landmark_localizer``, beside those of ``LocalizerSettings``."""

    cameras: tuple[str, ...] = field(
        ALONE, "Names of the cameras; each has ~/input/NAME/landmarks and camera_info. Empty: one "
        "camera, ~/input/landmarks.",
    )  # fmt: skip
    pose_type: str = field(
        "pose_with_covariance", "Type of ~/input/pose, the prior.", choices=tuple(POSE_TYPES)
    )
    output_period_s: float = field(
        0.0, "Shortest time between two published poses; window_s gives a filter poses that share "
        "no observation. 0: one for each image.", unit="s", minimum=0.0, maximum=60.0,
    )  # fmt: skip
    publish_tf: bool = field(
        False, "Publish map -> odometry's frame on /tf (without odometry: map -> base_frame)."
    )
    health: HealthSettings = field(HealthSettings, "Map health and camera health.")
