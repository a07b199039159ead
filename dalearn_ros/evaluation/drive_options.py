"""What an evaluation takes from a bag, and what it is told about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dalearn_ros.evaluation.detection import MATCH_PX
from dalearn_ros.evaluation.outputs import OutputPaths
from dalearn_ros.labels.settings import LabelSettings
from dalearn_ros.localization.settings import LocalizerSettings

NAMES = (
    *("truth_topic", "prior_topic", "odometry_topic", "camera_topic"),
    *("map_frame", "base_frame"),
)


@dataclass(frozen=True)
class DriveOptions:
    """What to take from a bag.

    Attributes:
        truth_topic: True poses. None takes ``/ground_truth/pose``; a bag without it is labelled
            with the pose that ``label`` would take, and localization is not scored.
        prior_topic: Poses that the localizer is given; None takes ``/localization/prior``.
        odometry_topic: Odometry between the images; None takes ``/odometry``. A bag without it is
            localized image by image.
        camera_topic: Images; None takes the only camera.
        match_px: Tolerance of the main figures, pixels.
        time_offset_ns: How much later than their stamps the images were taken.
        labels: What counts as truth.
        localizer: How observations become a pose.
        map_frame: Name of the map's frame in the bag.
        base_frame: Name of the vehicle's frame in the bag.
        outputs: What is written beside the figures.
    """

    truth_topic: str | None = None
    prior_topic: str | None = None
    odometry_topic: str | None = None
    camera_topic: str | None = None
    match_px: float = MATCH_PX
    time_offset_ns: int = 0
    labels: LabelSettings = LabelSettings()  # noqa: RUF009  it is frozen
    localizer: LocalizerSettings = LocalizerSettings()  # noqa: RUF009  it is frozen
    map_frame: str = "map"
    base_frame: str = "base_link"
    outputs: OutputPaths = OutputPaths()  # noqa: RUF009  it is frozen

    @classmethod
    def of(cls, given: Any, match_px: float, localizer: LocalizerSettings) -> DriveOptions:
        """The options of a drive as a file or the command line names it.

        Args:
            given: Has :data:`NAMES` as attributes, and ``time_offset_s``, seconds.
            match_px: Tolerance of the main figures, pixels.
            localizer: How observations become a pose.
        """
        return cls(
            match_px=match_px,
            time_offset_ns=round(given.time_offset_s * 1e9),
            localizer=localizer,
            **{name: getattr(given, name) for name in NAMES},
        )
