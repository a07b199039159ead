"""Health of map and camera as figures of ``metrics.json``."""

from __future__ import annotations

from typing import Any

from dalearn_ros.labels.offsets import QUANTITIES
from dalearn_ros.localization.drive_health import DriveHealth
from dalearn_ros.localization.health_report import KINDS

FATES = ("counted", "no pose", "standing", "too little seen")  # of a frame
MAP_NAMES = (
    "landmarks",
    *(f"frames.{fate}" for fate in FATES),
    *(f"{group}.{kind}" for group in ("counts", "confirmed") for kind in KINDS),
)
CAMERA_NAMES = (
    *("tracks", "windows", "turned_deg"),
    *(
        f"drifts.{quantity.name}.{value}"
        for quantity in QUANTITIES
        for value in ("value", "sigma", "progress", "excitation")
    ),
)
MOST_ROWS = 20  # of the landmarks that differ from the map, the surest


def health_result(health: DriveHealth | None) -> dict[str, Any]:
    """The keys ``map_health`` and ``camera_health``; None for what nobody looked at.

    Camera health needs odometry. Both are as ``landmark_localizer`` publishes them, with no more
    than :data:`MOST_ROWS` landmarks.
    """
    if health is None:
        return {"map_health": None, "camera_health": None}
    report = health.map.report().to_dict()
    report["rows"] = report["rows"][:MOST_ROWS]
    report["frames"] = dict.fromkeys(FATES, 0) | report["frames"]
    cameras = [camera.report().to_dict() for camera in health.cameras.values()]
    return {"map_health": report, "camera_health": cameras[0] if cameras else None}
