"""What counts as a label: the limits of size, visibility, range and direction (D2 to D4)."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.core.settings import field


@dataclass(frozen=True)
class LabelSettings:
    """What counts as a label, what is kept as `ignore`, and what is dropped."""

    min_side_px: float = field(
        12.0, "Truth whose longer side is smaller is ignored.", unit="px", minimum=0.0
    )
    drop_side_px: float = field(
        4.0, "Truth whose longer side is smaller is dropped.", unit="px", minimum=0.0
    )
    min_visible: float = field(
        0.5, "Truth of which less is seen is ignored.", minimum=0.0, maximum=1.0
    )
    drop_visible: float = field(
        0.05, "Truth of which less is seen is dropped.", minimum=0.0, maximum=1.0
    )
    range_factor: float = field(
        1.5, "Truth beyond its class's range is ignored, beyond this many times it dropped.",
        minimum=1.0, maximum=10.0,
    )  # fmt: skip
    max_facing_deg: float = field(
        80.0, "Signs and signals turned away by more are dropped.", unit="deg", minimum=0.0,
        maximum=180.0,
    )  # fmt: skip
    max_direction_deg: float = field(
        60.0, "Markings whose driving direction differs from the camera's by more are ignored.",
        unit="deg", minimum=0.0, maximum=180.0,
    )  # fmt: skip
    near_m: float = field(
        0.2, "What is nearer to the camera's plane is cut off.", unit="m", minimum=0.06
    )
    depth_tolerance_m: float = field(
        0.4, "Slack before a depth image or LiDAR hides something.", unit="m", minimum=0.0
    )
    depth_tolerance_share: float = field(
        0.02, "The same, as a share of the depth.", minimum=0.0, maximum=1.0
    )
    cloud_cell_deg: float = field(
        0.4, "LiDAR returns this far apart in the image are taken as one surface.", unit="deg",
        minimum=0.05, maximum=5.0,
    )  # fmt: skip
