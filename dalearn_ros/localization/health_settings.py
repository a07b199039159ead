"""Settings of map health: the same for files and for ROS parameters."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.core.settings import field


@dataclass(frozen=True)
class MapHealthSettings:
    """When map and observations differ enough to be reported."""

    spacing_m: float = field(
        5.0, "Images over less than this distance count as one view.", unit="m", minimum=0.1,
        maximum=100.0,
    )  # fmt: skip
    witnesses: int = field(
        2, "Landmarks that must be seen in an image before it says that others are not.",
        minimum=1, maximum=20,
    )  # fmt: skip
    search_m: float = field(
        2.5, "How far from its place a moved landmark is looked for.", unit="m", minimum=0.1,
        maximum=20.0,
    )  # fmt: skip
    map_sigma_m: float = field(
        0.05, "Standard deviation of a landmark's place in the map, each axis.", unit="m",
        minimum=0.0, maximum=10.0,
    )  # fmt: skip
    moved_m: float = field(
        0.3, "A landmark that has moved by less is not reported.", unit="m", minimum=0.0,
        maximum=10.0,
    )  # fmt: skip
    suspect_log_odds: float = field(
        0.0, "Log-odds from which a finding is reported.", minimum=-5.0, maximum=20.0
    )
    confirm_log_odds: float = field(
        3.0, "Log-odds from which a finding of two passes is confirmed.", minimum=0.0, maximum=20.0
    )
    gap_s: float = field(
        20.0, "A pass has ended when a landmark was not due for this long.", unit="s", minimum=1.0,
        maximum=3600.0,
    )  # fmt: skip
