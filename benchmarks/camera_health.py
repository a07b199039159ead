"""Camera health on drives of the world with a simulated detector: turned, late, or sound.

The detector is that of ``benchmarks/map_health.py``; the map errs by 0.05 m, prior and odometry as
the protocol says. One thing is wrong with the camera at a time. The last drives go straight at a
constant speed, where a late camera looks like one that sits further back. ::

    python benchmarks/camera_health.py
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import record
from benchmarks.map_health import HEALTH_HZ, SEED, STEADY_MPS, Drive, simulate
from dalearn_ros.core.randomness import generator
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels.project import Labeller
from dalearn_ros.localization.camera_health import CameraHealth
from dalearn_ros.localization.camera_report import DRIFTED, CameraHealthReport
from dalearn_ros.localization.localizer import Localizer
from dalearn_ros.world.errors_model import odometry
from dalearn_ros.world.plan import POSE_HZ

SECONDS = 600
COMMAND = "python benchmarks/camera_health.py"


@dataclass(frozen=True)
class Fault:
    """What is wrong with the camera.

    Attributes:
        text: For people.
        name: The number that should show it; empty if nothing is wrong.
        yaw_deg: Turned to the left of its mounting.
        late_ms: Images exposed later than their stamps.
    """

    text: str
    name: str = ""
    yaw_deg: float = 0.0
    late_ms: float = 0.0


FAULTS = (
    Fault("nothing"),
    Fault("turned 0.3° left", "yaw_deg", yaw_deg=0.3),
    Fault("30 ms late", "time_ms", late_ms=30.0),
)


def watch(drive: Drive, fault: Fault) -> tuple[CameraHealthReport, float | None]:
    """What is known after the drive, and after how many seconds the fault was first called one."""
    turn = Transform.from_euler(0.0, 0.0, np.radians(fault.yaw_deg))
    real = Transform(turn.rotation @ drive.mounting.rotation, drive.mounting.translation)
    localizer = Localizer(drive.landmarks, drive.camera, drive.mounting)
    health = CameraHealth(drive.landmarks, drive.camera, drive.mounting)
    see, range_m = Labeller(drive.true), np.array(localizer.label_space.range_m)
    times = drive.plan.times_s
    truth = [drive.plan.pose(float(t)) for t in times]
    odom, _, _ = odometry(generator(drive.seed, "odometry"), truth, 1.0 / POSE_HZ)
    told: float | None = None
    windows = 0
    for frame, prior in drive.frames(0, fault.text):
        i = round(frame.stamp_ns * 1e-9 * POSE_HZ)
        there = drive.plan.pose(float(times[i]) + 1e-3 * fault.late_ms)
        pose = Pose(frame.stamp_ns, there)
        exposed = dataclasses.replace(frame, base_from_camera=real, pose=pose)
        seen = simulate(see.label(exposed).labels, exposed, range_m)
        result = localizer.update(seen, prior)
        health.add(seen, result.matches, result.pose, prior, odom[i])
        if told is None and fault.name and health.windows > windows:
            windows = health.windows
            told = _told(health.report(), fault, float(times[i]))
    return health.report(), told


def _told(report: CameraHealthReport, fault: Fault, seconds: float) -> float | None:
    return seconds if report.of(fault.name).state == DRIFTED else None


def line(
    where: str, fault: Fault, report: CameraHealthReport, told: float | None
) -> dict[str, Any]:
    """One line of the table."""
    return {
        "drive": where,
        "wrong": fault.text,
        "yaw °": text_of(report, "yaw_deg"),
        "time ms": text_of(report, "time_ms"),
        "pitch °": text_of(report, "pitch_deg"),
        "forward m": text_of(report, "forward_m"),
        "told after s": None if told is None else f"{told:.0f}",
        "tracks": report.tracks,
        "turned °": f"{report.turned_deg:.0f}",
        "speed m/s": f"{report.speed_mps[0]:.0f}–{report.speed_mps[1]:.0f}",
    }


def text_of(report: CameraHealthReport, name: str) -> str:
    """Estimate, 95 % interval and what is said of it; only the state if there is no estimate."""
    found = report.of(name).to_dict()
    if found["value"] is None:
        return str(found["state"])
    low, high = found["interval_95"]
    return f"{found['value']:+.2f} ({low:+.2f} to {high:+.2f}) {found['state']}"


def main() -> int:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of each drive")
    parser.add_argument("--cities", nargs="+", default=["north", "south", "east"])
    parser.add_argument("--no-record", action="store_true", help="print only")
    arguments = parser.parse_args()
    drives = [(city, Drive.of(city, SEED, arguments.seconds)) for city in arguments.cities]
    steady = Drive.of(arguments.cities[-1], SEED, arguments.seconds, steady=True)
    drives.append((f"straight, {STEADY_MPS:.0f} m/s", steady))
    rows = []
    for where, drive in drives:
        for fault in FAULTS:
            rows.append(line(where, fault, *watch(drive, fault)))
            print(rows[-1], flush=True)
    if not arguments.no_record:
        note = (
            f"Drives of {arguments.seconds} s with seed {SEED}, {HEALTH_HZ} images a second. "
            "Estimate (95 % interval) and what is said of it; `drifted` is what a person is told."
        )
        record("camera_health", " ".join([COMMAND, *sys.argv[1:]]), rows, note)
    return 0


if __name__ == "__main__":
    sys.exit(main())
