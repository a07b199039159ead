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
    window_s: float = field(
        3.0, "Observations of so many seconds make a pose, with odometry between; 0: one image.",
        unit="s", minimum=0.0, maximum=30.0,
    )  # fmt: skip
    spacing_s: float = field(
        0.5, "Of the older images of a camera, one in so many seconds stays in the window.",
        unit="s", minimum=0.0, maximum=10.0,
    )  # fmt: skip
    max_gap_s: float = field(
        1.0, "A longer time between two images, or without odometry, ends the window.",
        unit="s", minimum=0.05, maximum=60.0,
    )  # fmt: skip
    odometry_scale: float = field(
        0.01, "Scale error of the odometry, standard deviation, the same all along the window.",
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
    odometry_drift_radps: float = field(
        0.00087, "Drift of the odometry's heading, the same all along the window.",
        unit="rad/s", minimum=0.0, maximum=1.0,
    )  # fmt: skip
    odometry_lasting_s: float = field(
        60.0, "How long scale and drift of the odometry stay about the same.",
        unit="s", minimum=1.0, maximum=1e6,
    )  # fmt: skip
    odometry_noise_m: float = field(
        0.01, "Random error of the odometry's place, each axis, after one metre.",
        unit="m", minimum=0.0, maximum=1.0,
    )  # fmt: skip
    odometry_noise_rad: float = field(
        0.0005, "Random error of the odometry's heading after one second.",
        unit="rad", minimum=0.0, maximum=1.0,
    )  # fmt: skip
    odometry_tilt_rad: float = field(
        0.001, "Roll and pitch between two images that the odometry does not show.",
        unit="rad", minimum=0.0, maximum=1.0,
    )  # fmt: skip
    minimum_explained: float = field(
        0.5, "Share of the window's observations that must be landmarks of the map.",
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
    maximum_sigma_m: float = field(
        0.3, "No pose is given whose place is less certain, standard deviation, worst direction.",
        unit="m", minimum=0.01, maximum=100.0,
    )  # fmt: skip
    moved_share: float = field(
        0.02, "Share of the map's landmarks that have moved, at least; where more of what is seen "
        "is not explained by the map, that counts.", minimum=0.0001, maximum=0.5,
    )  # fmt: skip
    moved_sigma_m: float = field(
        1.5, "How far a landmark that has moved is away, standard deviation, each axis; over "
        "map_sigma_m.", unit="m", minimum=0.01, maximum=100.0,
    )  # fmt: skip
    lost_sigma_m: float = field(
        2.0, "How far off a wrong prior is (another lane), standard deviation, each axis.",
        unit="m", minimum=0.1, maximum=100.0,
    )  # fmt: skip
    lost_odds: float = field(
        9.0, "Log-likelihood by which a wrong prior must explain an image better to be believed.",
        minimum=0.0, maximum=100.0,
    )  # fmt: skip
    contradiction_gate: float = field(
        16.3, "Squared Mahalanobis distance, 3 degrees, from which landmarks contradict the prior.",
        minimum=1.0, maximum=1000.0,
    )  # fmt: skip
    agreement_gate: float = field(
        8.0, "The same, below which they agree: needed at the start and after a contradiction.",
        minimum=1.0, maximum=1000.0,
    )  # fmt: skip
    recover_s: float = field(
        10.0, "How long they must agree after a contradiction before a pose is given again.",
        unit="s", minimum=0.0, maximum=600.0,
    )  # fmt: skip
    weak_m: float = field(
        0.5, "A direction is weakly determined if the landmarks alone give it no better than this.",
        unit="m", minimum=0.01, maximum=100.0,
    )  # fmt: skip
    weak_rad: float = field(
        0.0175, "The same for the heading.", unit="rad", minimum=0.0001, maximum=3.2
    )
