"""The localizer on drives of the world with a simulated detector, whose errors are known.

The detector sees the true landmarks (the map without its noise) with 1.5 px of noise, misses some
and raises false alarms: what remains is the localizer's own share. No picture is drawn. ::

    python benchmarks/localization.py
"""

from __future__ import annotations

import dataclasses
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import record
from dalearn_ros.core.progress import track
from dalearn_ros.core.randomness import generator
from dalearn_ros.evaluation.collector import Collector
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.labels.project import Labeller
from dalearn_ros.landmarks.types import Frame, Labels, LandmarkMap, Observations
from dalearn_ros.localization.localizer import Localizer
from dalearn_ros.maps import load_map
from dalearn_ros.maps.osm import read_osm
from dalearn_ros.world.camera import camera_of, mounting_of
from dalearn_ros.world.city import build_city
from dalearn_ros.world.errors_model import PriorErrors, map_noise, prior_covariance
from dalearn_ros.world.mapping import write_map
from dalearn_ros.world.plan import IMAGE_HZ, POSE_HZ, make_plan
from dalearn_ros.world.style import city_named

SECONDS, SEED = 600, 7
SIGMA_PX = 1.5
DETECTORS = {  # share missed, false alarms an image
    "all seen": (0.0, 0.0),
    "15 % missed, 0.3 false": (0.15, 0.3),
    "50 % missed, 1 false": (0.5, 1.0),
}


def true_landmarks(landmarks: LandmarkMap, map_file: Path, city: str, seed: int) -> LandmarkMap:
    """The map without its noise: elements are the first ways, in the order of the noise."""
    ways = sorted(read_osm(map_file).ways, key=int)
    shifts = map_noise(generator(seed, "map", city), len(ways))
    rank = {name: i for i, name in enumerate(ways)}
    shift = shifts[[rank[str(name).partition(":")[0]] for name in landmarks.ids]]
    outlines = landmarks.outlines_m
    per_vertex = np.repeat(shift, np.diff(outlines.starts), axis=0)
    return dataclasses.replace(
        landmarks,
        point_m=landmarks.point_m - shift,
        outlines_m=dataclasses.replace(outlines, values=outlines.values - per_vertex),
    )


def simulate(truth: Labels, frame: Frame, missed: float, false_alarms: float) -> Observations:
    """What a detector with known errors sees."""
    rng = generator(frame.stamp_ns, "simulated detector")
    seen = truth.select(~truth.ignore)
    seen = seen.select(rng.random(len(seen)) >= missed)
    wrong = int(rng.poisson(false_alarms))
    size = [frame.camera.width, frame.camera.height]
    points = seen.point_px + rng.normal(0.0, SIGMA_PX, (len(seen), 2))
    points = np.concatenate([points, rng.random((wrong, 2)) * size])
    classes = np.concatenate([seen.class_id, rng.integers(1, 10, wrong)])
    return Observations.of_points(classes, points, sigma_px=SIGMA_PX, stamp_ns=frame.stamp_ns)


def run(city_name: str, seed: int, seconds: int) -> dict[str, Collector]:
    """One drive, one frame a second, with each simulated detector."""
    city = city_named(city_name)
    plan = make_plan(city, seconds * IMAGE_HZ, seed)
    scene, _ = build_city(city, "day", seed, plan)
    with tempfile.TemporaryDirectory() as folder:
        file = write_map(scene, plan, seed, Path(folder) / "map")
        landmarks = load_map(file)
        true = true_landmarks(landmarks, file, city_name, seed)
    camera, mounting = camera_of(city), mounting_of(city)
    localizer = Localizer(landmarks, camera, mounting)
    from_map, from_truth = Labeller(landmarks), Labeller(true)
    found = {name: Collector(landmarks=landmarks) for name in DETECTORS}
    errors = PriorErrors.draw(generator(seed, "errors"), len(plan.times_s), 1.0 / POSE_HZ)
    image = np.broadcast_to(np.uint8(0), (camera.height, camera.width, 3))
    samples = range(POSE_HZ, len(plan.times_s), POSE_HZ)
    for i in track(samples, label=city_name):
        stamp = round(i * 1e9 / POSE_HZ)
        truth = Pose(stamp, plan.pose(float(plan.times_s[i])))
        prior = errors.apply(truth.map_from_base, i)
        given = Pose(stamp, prior, prior_covariance(prior.yaw_rad))
        frame = Frame(image, stamp, camera, mounting, truth)
        labels, true_labels = from_map.label(frame).labels, from_truth.label(frame).labels
        for name, quality in DETECTORS.items():
            seen = simulate(true_labels, frame, *quality)
            result = localizer.update(seen, given)
            found[name].add(labels, seen, (camera.width, camera.height))
            found[name].add_pose(result.pose, truth, given, result.reason)
    return found


def main() -> None:
    """Run all drives and record the figures."""
    rows: list[dict[str, Any]] = []
    for city in ("north", "south", "east"):
        for name, collected in run(city, SEED, SECONDS).items():
            rows.append(row(city, name, collected.metrics()))
            print(rows[-1], dict(collected.no_pose), flush=True)
    note = (
        f"Drives of {SECONDS} s with seed {SEED}, one image a second, 1280x720. Median (95 %) of "
        f"the errors. The simulated detector has {SIGMA_PX} px of noise and sees the landmarks "
        "where they are; truth is the map, which errs by 0.05 m: the F1 of `all seen` is what the "
        "map's noise leaves of a detector without fault."
    )
    record("localization_simulated", "python benchmarks/localization.py", rows, note)


def row(city: str, detector: str, metrics: dict[str, Any]) -> dict[str, Any]:
    """One line of the table."""
    located, prior = metrics["localization"], metrics["prior"]
    return {
        "city": city,
        "detector": detector,
        "lateral m": pair(located["lateral_m"]),
        "prior": pair(prior["lateral_m"]),
        "longitudinal m": pair(located["longitudinal_m"]),
        "prior ": pair(prior["longitudinal_m"]),
        "heading °": pair(located["heading_deg"]),
        "prior  ": pair(prior["heading_deg"]),
        **consistency(located),
        "confirmed wrong": located["confirmed_wrong"],
        "F1 at 8 px": f"{metrics['f1']:.3f}",
    }


def consistency(located: dict[str, Any]) -> dict[str, Any]:
    """Columns: how often there is a pose, and whether it errs as it says."""
    judged = located["nees_samples"] > 0
    return {
        "available": f"{100 * located['availability']:.1f} %",
        "NEES per axis": f"{located['nees']:.2f}" if judged else None,
        "in the 95 % ellipsoid": f"{100 * located['ellipse_95']:.0f} %" if judged else None,
        "samples": located["nees_samples"],
    }


def pair(value: dict[str, float]) -> str | None:
    """Median and 95th percentile; None if there is no pose."""
    if math.isnan(value["median"]):
        return None
    return f"{value['median']:.3f} ({value['p95']:.2f})"


if __name__ == "__main__":
    main()
