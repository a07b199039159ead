"""Bearings to mapped signs in all KITTI drives: map, vehicle and camera agree by how many degrees?

For each box of a sign, the bearing of the box's centre in the camera is compared with the bearing
of the mapped sign from the vehicle (GPS/IMU) and its heading: once as if the camera were at the GPS
point, once with the camera 1.08 m ahead of it. A third row uses UTM's grid as if its north were
true north, to see that the figure can fail. ::

    python benchmarks/kitti_signs.py --real-data ../shared/data
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import record
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.kitti import LEVER_M
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.geodesy import Projector

Array = npt.NDArray[np.float64]
FOCAL_AND_CENTRE = {  # fx and cx of the rectified colour camera by day, px
    "2011_09_26": (721.5377, 609.5593),
    "2011_09_28": (707.0493, 604.0814),
    "2011_09_29": (718.3351, 600.3891),
    "2011_09_30": (707.0912, 601.8873),
    "2011_10_03": (718.856, 607.1928),
}
WIDTH_PX, HEIGHT_PX = 1242, 375
CLOSE_DEG = 3.0
DAY, DRIVE = slice(0, 10), slice(0, 21)  # of a frame's name, 2011_09_26_drive_0005_0000000008


@dataclass(frozen=True)
class Boxes:
    """Boxes of mapped signs whose frame has a GPS position; one row a box.

    Attributes:
        sign: (N,) name of the sign.
        frame: (N,) name of the frame.
        u_px: (N,) column of the box's centre.
        sign_deg: (N, 2) latitude and longitude of the sign.
        vehicle_deg: (N, 2) latitude and longitude of the GPS/IMU point.
        yaw_rad: (N,) heading from east, counter-clockwise.
        without_vehicle: Boxes left out, since their frame has no position.
    """

    sign: npt.NDArray[np.str_]
    frame: npt.NDArray[np.str_]
    u_px: Array
    sign_deg: Array
    vehicle_deg: Array
    yaw_rad: Array
    without_vehicle: int

    @property
    def drive(self) -> npt.NDArray[np.str_]:
        """(N,) name of the drive."""
        return np.array([name[DRIVE] for name in self.frame])


def read_boxes(path: Path) -> Boxes:
    """Read ``train_sign_id_GT.json``.

    Raises:
        DatasetError: Not readable, or not of that form.
    """
    rows, left_out = [], 0
    try:
        for sign, entry in json.loads(path.read_text(encoding="utf-8")).items():
            for frame, (x0, _, x1, _) in entry["images"].items():
                if frame not in entry["image_geolocations"] or frame not in entry["image_yaws"]:
                    left_out += 1
                    continue
                vehicle, yaw = entry["image_geolocations"][frame], entry["image_yaws"][frame]
                centre = 0.5 * (x0 + x1)
                rows.append((sign, frame, centre, entry["Geolocation"], vehicle, yaw))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        found = f"{type(error).__name__}: {error}"
        raise DatasetError(f"{path}: cannot be read as KITTI signs ({found}).") from None
    sign, frame, u, place, vehicle, yaw = zip(*rows, strict=True)
    return Boxes(
        np.array(sign),
        np.array(frame),
        np.array(u),
        np.array(place, dtype=np.float64),
        np.array(vehicle, dtype=np.float64),
        np.array(yaw, dtype=np.float64),
        left_out,
    )


def seen_rad(boxes: Boxes) -> Array:
    """(N,) bearing of the box's centre from the optical axis, positive to the left."""
    bearing = np.empty(len(boxes.u_px))
    days = np.array([name[DAY] for name in boxes.frame])
    for day, (focal, centre) in FOCAL_AND_CENTRE.items():
        rows = np.flatnonzero(days == day)
        middle = 0.5 * (HEIGHT_PX - 1)
        matrix = np.array([[focal, 0.0, centre], [0.0, focal, middle], [0.0, 0.0, 1.0]])
        camera = Camera(WIDTH_PX, HEIGHT_PX, matrix)
        rays = camera.unproject(np.column_stack([boxes.u_px[rows], np.full(len(rows), middle)]))
        bearing[rows] = -np.arctan2(rays[:, 0], rays[:, 2])
    return bearing


def residual_deg(boxes: Boxes, lever_m: float, projector: str = "LocalCartesian") -> Array:
    """(N,) mapped minus seen bearing, degrees in [-180, 180), positive to the left.

    Args:
        boxes: N boxes.
        lever_m: The camera's distance ahead of the GPS/IMU point.
        projector: Kind of :class:`Projector`; each drive has its own origin, its first position.
    """
    away = np.empty((len(boxes.u_px), 2))
    for drive in np.unique(boxes.drive):
        rows = np.flatnonzero(boxes.drive == drive)
        latitude, longitude = boxes.vehicle_deg[rows[0]]
        metres = Projector(projector, float(latitude), float(longitude))
        signs = metres.forward(*boxes.sign_deg[rows].T)[:, :2]
        away[rows] = signs - metres.forward(*boxes.vehicle_deg[rows].T)[:, :2]
    heading = np.column_stack([np.cos(boxes.yaw_rad), np.sin(boxes.yaw_rad)])
    away -= lever_m * heading
    mapped = np.arctan2(away[:, 1], away[:, 0]) - boxes.yaw_rad
    difference: Array = np.degrees(mapped - seen_rad(boxes))
    return (difference + 180.0) % 360.0 - 180.0


def summary(residuals: Array) -> tuple[float, float]:
    """Median of the absolute residuals in degrees, and the share of them under 3 degrees."""
    size = np.abs(residuals)
    return float(np.median(size)), float((size < CLOSE_DEG).mean())


def main() -> int:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--real-data", type=Path, required=True, help="folder with kitti_signs/")
    folder: Path = parser.parse_args().real_data
    boxes = read_boxes(folder / "kitti_signs" / "train_sign_id_GT.json")
    point, ahead = residual_deg(boxes, 0.0), residual_deg(boxes, LEVER_M)
    grid = residual_deg(boxes, 0.0, "LocalCartesianUTM")
    cases = {
        "camera at the GPS point": point,
        f"camera {LEVER_M} m ahead of it": ahead,
        "at the GPS point, UTM's north for true north": grid,
    }
    overall: list[dict[str, Any]] = []
    for name, residuals in cases.items():
        median, close = summary(residuals)
        row = {"case": name, "boxes": len(residuals), "median (°)": f"{median:.2f}"}
        overall.append({**row, f"under {CLOSE_DEG:.0f}°": f"{close:.1%}"})
    drives: list[dict[str, Any]] = []
    for drive in np.unique(boxes.drive):
        here = boxes.drive == drive
        median, close = summary(point[here])
        drives.append(
            {
                "drive": str(drive),
                "signs": len(np.unique(boxes.sign[here])),
                "boxes": int(here.sum()),
                "median (°)": f"{median:.2f}",
                "under 3°": f"{close:.0%}",
                "signed median (°)": f"{np.median(point[here]):+.2f}",
                "median, camera ahead (°)": f"{summary(ahead[here])[0]:.2f}",
            }
        )
    command = "python benchmarks/kitti_signs.py --real-data ../shared/data"
    note = f"{boxes.without_vehicle} boxes have no position of the vehicle and are left out."
    record("kitti_signs", command, overall, note)
    record("kitti_signs_drives", command, drives)
    for line in overall + drives:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
