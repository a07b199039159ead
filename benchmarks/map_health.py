"""Map health on drives of the world with a simulated detector.

The map of a drive is made wrong on purpose: 20 landmarks that are in it are gone, 20
stand 1 m away, 20 are not in it. The detector sees 97 % of what is near and less of what is far,
has heavy-tailed noise and raises false alarms; something hides 2 % of the landmarks all the way of
a pass, and 8 % for two seconds. No picture is drawn. ::

    python benchmarks/map_health.py
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import record
from benchmarks.localization import true_landmarks
from dalearn_ros.core.progress import track
from dalearn_ros.core.randomness import generator
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels.project import Labeller
from dalearn_ros.landmarks.types import Frame, Labels, LandmarkMap, Observations
from dalearn_ros.localization.health_report import KINDS, HealthRow, MapHealthReport
from dalearn_ros.localization.localizer import Localizer
from dalearn_ros.localization.map_health import HealthFrame, MapHealth
from dalearn_ros.maps import load_map
from dalearn_ros.world.camera import camera_of, mounting_of
from dalearn_ros.world.city import build_city
from dalearn_ros.world.errors_model import PriorErrors, prior_covariance
from dalearn_ros.world.mapping import write_map
from dalearn_ros.world.plan import IMAGE_HZ, POSE_HZ, START_M, Plan, make_plan
from dalearn_ros.world.roads import STEP_M
from dalearn_ros.world.style import city_named

Array = npt.NDArray[np.float64]
SECONDS, SEED, PASSES, HEALTH_HZ = 600, 7, 3, 2
CHANGED, MOVED_M, FOUND_M = 20, 1.0, 1.5
STEADY_MPS = 10.0
LEAST_SEEN = 4  # images (2 a second) in which a landmark must be in view to be one of the changed
SIGMA_PX, TAIL, FALSE_ALARMS = 1.5, 3.0, 0.3
NEAR_RECALL, LOST_FAR = 0.97, 0.4  # at no distance, and how much less at the end of the range
HIDDEN_PASS, HIDDEN_MOMENT, MOMENT_S = 0.02, 0.08, 2.0


@dataclass(frozen=True)
class Drive:
    """A drive with its map and the landmarks as they are."""

    plan: Plan
    camera: Camera
    mounting: Transform
    landmarks: LandmarkMap
    true: LandmarkMap
    seed: int

    @classmethod
    def of(cls, city_name: str, seed: int, seconds: int, steady: bool = False) -> Drive:
        """Build a city, without pictures; ``steady``: along a straight road at 10 m/s."""
        city = city_named(city_name)
        plan = make_plan(city, seconds * IMAGE_HZ, seed)
        plan = straightened(plan) if steady else plan
        scene, _ = build_city(city, "day", seed, plan, pictures=False)
        with tempfile.TemporaryDirectory() as folder:
            file = write_map(scene, plan, seed, Path(folder) / "map")
            landmarks = load_map(file)
            true = true_landmarks(landmarks, file, city_name, seed)
        return cls(plan, camera_of(city), mounting_of(city), landmarks, true, seed)

    def frames(self, number: int, label: str) -> Iterator[tuple[Frame, Pose]]:
        """Images of one pass with the true pose, and the prior, which errs otherwise each time."""
        times = self.plan.times_s
        errors = PriorErrors.draw(generator(self.seed, "errors", number), len(times), 1 / POSE_HZ)
        blank = np.broadcast_to(np.uint8(0), (self.camera.height, self.camera.width, 3))
        for i in track(range(POSE_HZ, len(times), POSE_HZ // HEALTH_HZ), label=label):
            stamp = number * 10**13 + round(i * 1e9 / POSE_HZ)
            truth = Pose(stamp, self.plan.pose(float(times[i])))
            given = errors.apply(truth.map_from_base, i)
            prior = Pose(stamp, given, prior_covariance(given.yaw_rad))
            yield Frame(blank, stamp, self.camera, self.mounting, truth), prior


def straightened(plan: Plan) -> Plan:
    """The same drive along a straight, level road at 10 m/s: no turns, no braking."""
    along = np.arange(len(plan.road.xyz)) * STEP_M
    flat = np.zeros_like(along)
    road = dataclasses.replace(
        plan.road, xyz=np.stack([along, flat, flat], axis=1), heading=flat.copy()
    )
    stations = START_M + STEADY_MPS * (plan.times_s - plan.times_s[0])
    speeds = np.full(len(stations), STEADY_MPS)
    return dataclasses.replace(plan, road=road, stations=stations, speeds=speeds)


@dataclass(frozen=True)
class Changes:
    """What is wrong with the map: ids of its landmarks; those added are not in ``given``."""

    given: LandmarkMap
    reality: LandmarkMap
    missing: frozenset[str]
    moved: frozenset[str]
    added: LandmarkMap


def change(drive: Drive) -> Changes:
    """Draw the landmarks that are gone, moved and added among those that the drive passes."""
    due = Counter[str]()
    labeller = Labeller(drive.true)
    for frame, _ in drive.frames(0, "what is in view"):
        labels = labeller.label(frame).labels
        due.update(str(name) for name in labels.map_id[~labels.ignore])
    passed = sorted(name for name, count in due.items() if count >= LEAST_SEEN)
    rng = generator(drive.seed, "changes")
    count = min(CHANGED, len(passed) // 15)
    drawn = rng.permutation(passed)[: 3 * count].tolist()
    gone, moved, added = (drawn[i * count : (i + 1) * count] for i in range(3))
    angle = rng.uniform(0, 2 * np.pi, count)
    shift = np.zeros((len(drive.true), 3))
    rows = [int(np.flatnonzero(drive.true.ids == name)[0]) for name in moved]
    shift[rows, :2] = MOVED_M * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    outlines = drive.true.outlines_m
    values = outlines.values + np.repeat(shift, np.diff(outlines.starts), axis=0)
    reality = dataclasses.replace(
        drive.true,
        point_m=drive.true.point_m + shift,
        outlines_m=dataclasses.replace(outlines, values=values),
    ).select(~np.isin(drive.true.ids, gone))
    is_added = np.isin(drive.landmarks.ids, added)
    return Changes(
        drive.landmarks.select(~is_added),
        reality,
        frozenset(gone),
        frozenset(moved),
        drive.true.select(is_added),
    )


def simulate(truth: Labels, frame: Frame, range_m: Array) -> Observations:
    """What a detector with recall by distance, heavy tails and false alarms sees.

    Args:
        truth: Labels of what is there.
        frame: The image.
        range_m: Range of each class.
    """
    rng = generator(frame.stamp_ns, "simulated detector")
    seen = truth.select(~truth.ignore)
    share = seen.range_m / range_m[seen.class_id]
    recall = NEAR_RECALL - LOST_FAR * share**2
    hidden = np.array([is_hidden(str(name), frame.stamp_ns) for name in seen.map_id], dtype=bool)
    seen = seen.select((rng.random(len(seen)) < recall) & ~hidden)
    wrong = int(rng.poisson(FALSE_ALARMS))
    noise = rng.standard_t(TAIL, (len(seen), 2)) / np.sqrt(TAIL / (TAIL - 2.0))
    size = [frame.camera.width, frame.camera.height]
    points = np.concatenate([seen.point_px + SIGMA_PX * noise, rng.random((wrong, 2)) * size])
    classes = np.concatenate([seen.class_id, rng.integers(1, 10, wrong)])
    return Observations.of_points(classes, points, sigma_px=SIGMA_PX, stamp_ns=frame.stamp_ns)


def is_hidden(name: str, stamp_ns: int) -> bool:
    """Whether something stands before a landmark: all the way of a pass, or for two seconds."""
    number, moment = stamp_ns // 10**13, stamp_ns // round(MOMENT_S * 1e9)
    return (
        chance(f"pass {number} {name}") < HIDDEN_PASS
        or chance(f"moment {moment} {name}") < HIDDEN_MOMENT
    )


def chance(text: str) -> float:
    """A number from 0 to 1 that depends on the text only."""
    return zlib.crc32(text.encode()) / 2.0**32


def watch(drive: Drive, changes: Changes, passes: int) -> list[MapHealthReport]:
    """What map health says after each pass."""
    localizer = Localizer(changes.given, drive.camera, drive.mounting)
    health = MapHealth(changes.given)
    expect, see = Labeller(changes.given), Labeller(changes.reality)
    range_m = np.array(health.label_space.range_m)
    reports = []
    for number in range(passes):
        for frame, prior in drive.frames(number, f"pass {number + 1}"):
            seen = simulate(see.label(frame).labels, frame, range_m)
            result = localizer.update(seen, prior)
            expected = Labels.empty()
            if result.pose is not None:
                expected = expect.label(dataclasses.replace(frame, pose=result.pose)).labels
            view = drive.camera, drive.mounting, result.pose
            health.add(HealthFrame(*view, expected, seen, result.matches))
        reports.append(health.report())
    return reports


def judge(rows: list[HealthRow], kind: str, changes: Changes) -> tuple[int, int, list[float]]:
    """Findings that are right, how many there are to find, and the errors of places in metres."""
    if kind == "missing":
        return sum(row.id in changes.missing for row in rows), len(changes.missing), []
    if kind == "moved":
        right = [row for row in rows if row.id in changes.moved]
        place = {
            str(name): changes.reality.point_m[i] for i, name in enumerate(changes.reality.ids)
        }
        errors = [float(np.linalg.norm(row.position_m - place[row.id])) for row in right]
        return len(right), len(changes.moved), errors
    errors, taken = [], set()
    for row in rows:
        apart = np.linalg.norm(changes.added.point_m - row.position_m, axis=1)
        nearest = int(np.argmin(apart))
        if apart[nearest] <= FOUND_M and nearest not in taken:
            taken.add(nearest)
            errors.append(float(apart[nearest]))
    return len(errors), len(changes.added), errors


def line(
    city: str, when: str, kind: str, rows: list[HealthRow], changes: Changes
) -> dict[str, Any]:
    """One line of the table."""
    right, there, errors = judge(rows, kind, changes)
    return {
        "city": city,
        "reported": when,
        "kind": kind,
        "there": there,
        "found": right,
        "false": len(rows) - right,
        "precision": f"{right / len(rows):.2f}" if rows else "–",
        "recall": f"{right / there:.2f}" if there else "–",
        "place, median error m": f"{np.median(errors):.2f}" if errors else "–",
    }


def main() -> int:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of each drive")
    parser.add_argument("--cities", nargs="+", default=["north", "south", "east"])
    parser.add_argument("--passes", type=int, default=PASSES)
    parser.add_argument("--no-record", action="store_true", help="print only")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for city in arguments.cities:
        drive = Drive.of(city, SEED, arguments.seconds)
        changes = change(drive)
        reports = watch(drive, changes, arguments.passes)
        for kind in KINDS:
            first, last = reports[0].of(kind), reports[-1].of(kind, confirmed=True)
            rows.append(line(city, "after one pass: suspected", kind, first, changes))
            text = f"after {arguments.passes} passes: confirmed"
            rows.append(line(city, text, kind, last, changes))
            print(*rows[-2:], sep="\n", flush=True)
        print(reports[-1].frames, reports[-1].landmarks)
    if not arguments.no_record:
        command = " ".join(["python benchmarks/map_health.py", *sys.argv[1:]])
        record("map_health", command, rows, note(arguments.seconds, arguments.passes))
    return 0


def note(seconds: int, passes: int) -> str:
    """The sentence under the table."""
    return (
        f"Drives of {seconds} s with seed {SEED}, {HEALTH_HZ} images a second, each driven "
        f"{passes} times with other errors of the prior. Of the landmarks passed, at most "
        f"{CHANGED} each are gone, moved by {MOVED_M:.0f} m and missing from the map. Recall "
        f"{NEAR_RECALL} near, {NEAR_RECALL - LOST_FAR:.2f} at the end of the class's range; "
        f"Student's t noise with {TAIL:.0f} degrees of freedom and a standard deviation of "
        f"{SIGMA_PX} px; {FALSE_ALARMS} false alarms an image; {HIDDEN_PASS:.0%} hidden in a "
        f"whole pass, {HIDDEN_MOMENT:.0%} for {MOMENT_S:.0f} s. "
        f"A new one is found within {FOUND_M} m."
    )


if __name__ == "__main__":
    sys.exit(main())
