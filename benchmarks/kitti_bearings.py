"""A vehicle's place from two bearings to mapped signs, its heading given, in all KITTI drives.

In each frame the two signs whose bearings cross nearest to a right angle, and by more than 20
degrees, give a place in the plane; it is compared with that of the GPS/IMU. ::

    python benchmarks/kitti_bearings.py --real-data ../shared/data
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import record
from benchmarks.kitti_signs import Boxes, read_boxes, seen_rad
from dalearn_ros.datasets.kitti import LEVER_M
from dalearn_ros.geometry.geodesy import Projector

Array = npt.NDArray[np.float64]
LEAST_DEG = 20.0
COMMAND = "python benchmarks/kitti_bearings.py --real-data ../shared/data"


@dataclass(frozen=True)
class Fixes:
    """Frames in which two bearings cross well enough.

    Attributes:
        frame: (N,) names.
        crossing_deg: (N,) angle between the two bearings, 20 to 90.
        error_m: (N,) distance of the place that they give from the GPS/IMU point.
        one_sign: Frames with boxes of fewer than two signs.
        narrow: Frames with two signs or more, none of which cross by more than 20 degrees.
        behind: Frames in which the bearings meet behind the vehicle.
    """

    frame: npt.NDArray[np.str_]
    crossing_deg: Array
    error_m: Array
    one_sign: int
    narrow: int
    behind: int


def crossing(sign_m: Array, bearing_rad: Array) -> tuple[Array, Array]:
    """Where one sees two points under two bearings.

    p + r1 (cos b1, sin b1) = s1 and p + r2 (cos b2, sin b2) = s2; their difference has no p.

    Args:
        sign_m: (2, 2) the points, metres.
        bearing_rad: (2,) from the x axis, counter-clockwise; not parallel.

    Returns:
        The place (2,), and the distances (2,) to the points; a negative one is behind.
    """
    ray = np.stack([np.cos(bearing_rad), np.sin(bearing_rad)], axis=1)
    range_m = np.linalg.solve(np.stack([ray[0], -ray[1]], axis=1), sign_m[0] - sign_m[1])
    return sign_m[0] - range_m[0] * ray[0], range_m


def fixes(boxes: Boxes, lever_m: float) -> Fixes:
    """All frames with two bearings that cross by more than 20 degrees.

    Args:
        boxes: Of all drives.
        lever_m: The camera's distance ahead of the GPS/IMU point.
    """
    bearings = seen_rad(boxes) + boxes.yaw_rad
    found: list[tuple[str, float, float]] = []
    one_sign = narrow = behind = 0
    for frame in np.unique(boxes.frame):
        rows = np.flatnonzero(boxes.frame == frame)
        rows = rows[np.unique(boxes.sign[rows], return_index=True)[1]]
        if len(rows) < 2:
            one_sign += 1
            continue
        pair, angle = widest(bearings[rows])
        if angle <= LEAST_DEG:
            narrow += 1
            continue
        chosen = rows[list(pair)]
        first = int(chosen[0])
        latitude, longitude = (float(value) for value in boxes.vehicle_deg[first])
        metres = Projector("LocalCartesian", latitude, longitude)
        place, range_m = crossing(
            metres.forward(*boxes.sign_deg[chosen].T)[:, :2], bearings[chosen]
        )
        if (range_m <= 0.0).any():
            behind += 1
            continue
        yaw = boxes.yaw_rad[first]
        vehicle = place - lever_m * np.array([np.cos(yaw), np.sin(yaw)])
        found.append((str(frame), angle, float(np.linalg.norm(vehicle))))
    names, angles, errors = zip(*found, strict=True) if found else ((), (), ())
    return Fixes(
        np.array(names, dtype=np.str_),
        np.array(angles, dtype=np.float64),
        np.array(errors, dtype=np.float64),
        one_sign,
        narrow,
        behind,
    )


def widest(bearing_rad: Array) -> tuple[tuple[int, int], float]:
    """The two of N bearings that cross nearest to a right angle, and the angle, 0 to 90 degrees."""
    apart = bearing_rad[:, None] - bearing_rad[None]
    sine = np.abs(np.sin(apart))
    first, second = np.unravel_index(int(np.argmax(sine)), sine.shape)
    angle = float(np.degrees(np.arcsin(min(1.0, sine[first, second]))))
    return (int(first), int(second)), angle


def row(case: str, found: Fixes, chosen: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """One line of the table; the percentiles of the errors in metres."""
    errors = found.error_m[chosen]
    drives = {str(name)[:21] for name in found.frame[chosen]}
    low, middle, high = np.percentile(errors, [25, 50, 90]) if len(errors) else (np.nan,) * 3
    return {
        "camera": case,
        "frames": len(errors),
        "drives": len(drives),
        "median error m": f"{middle:.2f}",
        "best quarter under m": f"{low:.2f}",
        "90 % under m": f"{high:.2f}",
        "under 1 m": f"{(errors < 1.0).mean():.0%}" if len(errors) else "–",
    }


def main() -> int:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--real-data", type=Path, required=True, help="folder with kitti_signs/")
    parser.add_argument("--no-record", action="store_true", help="print only")
    arguments = parser.parse_args()
    boxes = read_boxes(arguments.real_data / "kitti_signs" / "train_sign_id_GT.json")
    rows = []
    for case, lever_m in (("at the GPS point", 0.0), (f"{LEVER_M} m ahead of it", LEVER_M)):
        found = fixes(boxes, lever_m)
        rows.append(row(case, found, np.ones(len(found.frame), dtype=bool)))
        wide = found.crossing_deg > 40.0
        rows.append(row(f"{case}, crossing by more than 40°", found, wide))
    note = (
        f"Signs and boxes share that GPS: the signs were placed from the same GPS/IMU points that "
        f"the places are compared with, so this is agreement, not accuracy. The heading is given. "
        f"{found.one_sign} frames see one sign only, in {found.narrow} no two bearings cross by "
        f"more than {LEAST_DEG:.0f}°, in {found.behind} they meet behind the vehicle; "
        f"{boxes.without_vehicle} boxes have no position of the vehicle."
    )
    for one in rows:
        print(one)
    print(note)
    if not arguments.no_record:
        record("kitti_bearings", COMMAND, rows, note)
    return 0


if __name__ == "__main__":
    sys.exit(main())
