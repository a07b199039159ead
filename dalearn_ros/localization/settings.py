"""Settings of the localizer: the same for files and for ROS parameters."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.core.settings import field


@dataclass(frozen=True)
class LocalizerSettings:
    """How observations become a pose (D18)."""

    minimum_matches: int = field(2, "Fewest matched landmarks for a pose.", minimum=1, maximum=100)
    map_sigma_m: float = field(
        0.05,
        "Standard deviation of a landmark's place in the map, each axis.",
        unit="m",
        minimum=0.0,
        maximum=10.0,
    )
    minimum_sigma_px: float = field(
        1.0,
        "An observation that claims to be more exact is read as this.",
        unit="px",
        minimum=0.01,
        maximum=100.0,
    )
    false_alarms_per_image: float = field(
        0.3, "How many wrong observations an image has on average.", minimum=1e-6, maximum=100.0
    )
    gate: float = field(
        13.82,
        "Largest squared Mahalanobis distance of a match; 13.82 loses 1 of 1000.",
        minimum=1.0,
        maximum=1000.0,
    )
    ambiguity: float = field(
        3.0,
        "Log-likelihood by which a match must beat a false alarm, and the best reading of the "
        "image another one; matches in which the two differ are doubtful.",
        minimum=0.0,
        maximum=100.0,
    )
    prior_gate: float = field(
        27.9,
        "Largest squared Mahalanobis distance of the pose from the prior, 6 degrees.",
        minimum=1.0,
        maximum=10000.0,
    )
    prior_sigma: tuple[float, float, float, float, float, float] = field(
        (1.0, 1.0, 0.3, 0.01, 0.01, 0.02),
        "Standard deviations x y z roll pitch yaw of a prior that comes without a covariance, "
        "metres and radians.",
    )
    planar: bool = field(False, "Estimate x, y and heading only; the rest stays at the prior.")
