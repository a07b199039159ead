"""What the shipped model reaches on drives whose seeds training never saw.

Drives of all three cities by day and in one harder condition each, seeds of the range that
``world.lock`` keeps for evaluation, rendered with depth so that truth knows what is hidden. The
detector is judged by the exact map and by the map with its noise; localization uses the latter,
as a vehicle does. A faultless detector, which sees what the exact map says, is judged beside it:
what it reaches by the noisy map is the most that can be measured by that map.

    python benchmarks/shipped_model.py
    python benchmarks/shipped_model.py --cities east --model OTHERS.onnx --name unseen_city
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import numpy.typing as npt

from benchmarks.figures import record
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.evaluation.drive import Detector
from dalearn_ros.evaluation.replay import TRUTH_TOPIC, evaluate_bag
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.labels.project import Labeller
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels, Observations
from dalearn_ros.maps import load_map
from dalearn_ros.world.drive import write_drive

DRIVES = (
    ("north", "day", 91001),
    ("south", "day", 91002),
    ("east", "day", 91003),
    ("north", "rain", 91004),
    ("south", "night", 91005),
    ("east", "fog", 91006),
)
NAME = "shipped_model"
NOTE = (
    "Unseen seeds, 1280×720, tolerance 8 px; detections are judged by the exact map. Lateral: "
    "median error of the estimated and of the prior pose, with the noisy map."
)
NOTE_TRUTH = (
    "The same drives, judged by the map without noise and by the map with it (σ 0.05 m, each "
    "axis). Faultless: the points of the exact map as if they had been detected; by the noisy map "
    "they are the ceiling of what can be measured."
)
FAULTLESS_SIGMA_PX = 0.1


class Remembered:
    """A detector that looks at each image once, however often it is asked."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._seen: dict[int, Observations] = {}
        self.last_timing_ms: dict[str, float] = {}

    @property
    def label_space(self) -> LabelSpace:
        """The classes it knows."""
        return self._detector.label_space

    def detect(self, image_bgr: npt.NDArray[Any], stamp_ns: int = 0) -> Observations:
        """Observations of the image with this stamp."""
        if stamp_ns not in self._seen:
            self._seen[stamp_ns] = self._detector.detect(image_bgr, stamp_ns)
            self.last_timing_ms = dict(self._detector.last_timing_ms)
        return self._seen[stamp_ns]


class Faultless:
    """A detector that sees exactly what a map says, for the ceiling of what can be measured."""

    def __init__(self, bag: Path, map_path: Path) -> None:
        labeller = Labeller(load_map(map_path))
        self.label_space = labeller.label_space
        self.last_timing_ms: dict[str, float] = {}
        with BagReader(bag) as reader:
            frames = reader.frames(reader.camera_topic(None), TRUTH_TOPIC)
            self._seen = {
                frame.stamp_ns: seen_as(labeller.label(frame).labels, frame.stamp_ns)
                for frame in frames
                if frame.pose is not None
            }

    def detect(self, image_bgr: npt.NDArray[Any], stamp_ns: int = 0) -> Observations:
        """What the map says of the image with this stamp."""
        return self._seen[stamp_ns]


def seen_as(labels: Labels, stamp_ns: int) -> Observations:
    """Scored labels as observations of score 1."""
    kept = labels.select(~labels.ignore)
    count = len(kept)
    return Observations(
        stamp_ns=stamp_ns,
        class_id=kept.class_id,
        point_px=kept.point_px,
        score=np.ones(count),
        covariance_px2=np.tile(FAULTLESS_SIGMA_PX**2 * np.eye(2), (count, 1, 1)),
        range_m=kept.range_m,
        sigma_range_m=0.01 * kept.range_m,
        track_id=np.full(count, -1, dtype=np.int64),
    )


def score(
    model: Path, city: str, condition: str, seed: int, frames: int
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """Of one drive: the main table's row, the rows by truth, and the metrics by the exact map."""
    source = {"city": city, "condition": condition, "seed": seed}
    with tempfile.TemporaryDirectory() as folder:
        drive = write_drive(Path(folder) / "drive", city, condition, frames, seed, True)
        detectors: dict[str, Detector] = {
            "model": Remembered(LandmarkDetector.load(model)),
            "faultless": Faultless(drive / "bag", drive / "exact_map"),
        }
        found = {
            (name, truth): evaluate_bag(drive / "bag", drive / truth, detector, None, source).write(
                Path(folder) / f"{name}-{truth}"
            )
            for name, detector in detectors.items()
            for truth in ("exact_map", "map")
        }
    exact, noisy = found["model", "exact_map"], found["model", "map"]
    row = {
        "city": city,
        "condition": condition,
        "F1": exact["f1"],
        "precision": exact["precision"],
        "recall": exact["recall"],
        "point, median px": exact["reference_point_px"]["median"],
        "lateral m": noisy["localization"]["lateral_m"]["median"],
        "prior m": noisy["prior"]["lateral_m"]["median"],
        "poses": noisy["localization"]["availability"],
    }
    return row, [by_truth(city, condition, name, found) for name in detectors], exact


def by_truth(
    city: str, condition: str, name: str, found: dict[tuple[str, str], dict[str, Any]]
) -> dict[str, Any]:
    """One detector's figures by both maps."""
    exact, noisy = found[name, "exact_map"], found[name, "map"]
    return {
        "city": city,
        "condition": condition,
        "detector": name,
        "F1, exact map": exact["f1"],
        "F1, noisy map": noisy["f1"],
        "F1 at 4 px, exact map": exact["f1_at"]["4"],
        "F1 at 4 px, noisy map": noisy["f1_at"]["4"],
        "median px, exact map": exact["reference_point_px"]["median"],
        "median px, noisy map": noisy["reference_point_px"]["median"],
    }


def classes(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows by class over all drives, weighted by support."""
    names = sorted(found[0]["per_class"])
    rows = []
    for name in names:
        parts = [m["per_class"][name] for m in found if m["per_class"][name]["support"]]
        support = sum(part["support"] for part in parts)
        if support:
            recall = sum(part["recall"] * part["support"] for part in parts) / support
            rows.append({"class": name, "support": support, "recall": recall})
    return rows


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/landmarks-s.onnx"))
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--cities", nargs="+", default=sorted({city for city, *_ in DRIVES}))
    parser.add_argument("--name", default=NAME, help=f"of the results (default: {NAME})")
    arguments = parser.parse_args()
    drives = [drive for drive in DRIVES if drive[0] in arguments.cities]
    if not drives:
        parser.error("--cities: north, south or east")
    if arguments.name == NAME and len(drives) < len(DRIVES):
        parser.error("--cities: some of the cities need a --name of their own")
    scored = [score(arguments.model, *drive, arguments.frames) for drive in drives]
    command = "python benchmarks/shipped_model.py"
    if arguments.name != NAME:
        cities = " ".join(arguments.cities)
        command += f" --cities {cities} --model {arguments.model.name} --name {arguments.name}"
    record(arguments.name, command, [row for row, _, _ in scored], NOTE)
    truths = [row for _, rows, _ in scored for row in rows]
    record(f"{arguments.name}_truth", command, truths, NOTE_TRUTH)
    record(f"{arguments.name}_classes", command, classes([found for *_, found in scored]))


if __name__ == "__main__":
    main()
