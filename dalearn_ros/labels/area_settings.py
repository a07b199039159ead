"""The areas of an index image, and what is assumed where no map says it."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.core.settings import field

# The place in the list is the label. `sidewalk`: or verge; `building`: or vegetation, vehicles, all
# that stands; `marking`: landmarks on the road; `other`: unknown.
AREAS = ("other", "road", "sidewalk", "sign", "signal", "marking", "building", "sky")
OTHER, ROAD, SIDEWALK, SIGN, SIGNAL, MARKING, BUILDING, SKY = range(len(AREAS))


@dataclass(frozen=True)
class AreaSettings:
    """A street as it is taken to be where neither map nor depth says it."""

    beside_m: float = field(
        6.0, "How far beside the lanes buildings and trees begin.", unit="m", minimum=0.0,
        maximum=100.0,
    )  # fmt: skip
    height_m: float = field(
        8.0,
        "How high they are, where the image does not say it.",
        unit="m",
        minimum=0.0,
        maximum=200.0,
    )
    open_m: float = field(
        40.0, "Nothing is so high: what is seen over it is surely sky.", unit="m", minimum=0.0,
        maximum=500.0,
    )  # fmt: skip
    sky_step: float = field(
        5.0, "Sky goes on from there while neighbours differ by no more; 0: only by height_m.",
        unit="levels", minimum=0.0, maximum=50.0,
    )  # fmt: skip
    reach_m: float = field(
        120.0, "Nothing is told apart beyond this distance.", unit="m", minimum=10.0, maximum=1000.0
    )
    camera_height_m: float = field(
        1.5, "Of the camera over the road, for maps without heights or lanes.", unit="m",
        minimum=0.1, maximum=10.0,
    )  # fmt: skip
    stands_m: float = field(
        0.4, "Depth: what is higher over the ground stands.", unit="m", minimum=0.05, maximum=5.0
    )
    min_visible: float = field(
        0.3, "Landmarks of which less is seen make no area.", minimum=0.0, maximum=1.0
    )
