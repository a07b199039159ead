"""What a closer look finds of small landmarks, and what it costs.

Whole images; enlarged windows where landmarks are predicted; and, for comparison, the whole image
enlarged, alone and together with the image as it is. The datasets have no prior pose, so a place
is predicted from the labels (those that are not scored too), all of an image shifted by one draw of
an angle: as a map seen from a pose with that error of heading and pitch.

    python benchmarks/zoom.py --data DATASETS
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import numpy.typing as npt

from benchmarks.figures import record
from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.core.randomness import generator
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.evaluation.detection import scores
from dalearn_ros.evaluation.matching import match
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.zoom import ZoomDetector, ZoomSettings, boxes_of, together
from dalearn_ros.landmarks.types import Labels, Observations

BANDS_PX = ((12, 16), (16, 24), (24, 40), (40, 10_000))
YAW_DEG, PITCH_DEG = 1.0, 0.3
ENLARGED = 1.5
MATCH_PX = 8.0
Image = npt.NDArray[np.uint8]
Look = Callable[[Image, npt.NDArray[np.float64]], Observations]


def looks(model: Path) -> dict[str, Look]:
    """The ways to look, by their names in the table."""
    detector = LandmarkDetector.load(model, threads=1)

    def enlarged(image: Image) -> Observations:
        larger = PixelMap.resize(ENLARGED)
        size = (round(image.shape[1] * ENLARGED), round(image.shape[0] * ENLARGED))
        seen = detector.detect(larger.warp(image, size))
        back = larger.inverse()
        return dataclasses.replace(
            seen,
            point_px=back.apply(seen.point_px),
            covariance_px2=back.apply_covariance(seen.covariance_px2),
        )

    def pyramid(image: Image) -> Observations:
        closer, decoding = enlarged(image), detector.metadata.decoding
        window = np.zeros(len(closer), np.int64)
        radius = decoding.merge_radius_px
        return together(detector.detect(image), closer, window, radius, decoding.max_landmarks)

    def zoom(scale: float, windows: int) -> Look:
        zooming = ZoomDetector(detector, ZoomSettings(scale=scale, windows=windows))
        return lambda image, boxes: zooming.detect(image, 0, boxes)

    return {
        "whole image": lambda image, boxes: detector.detect(image),
        "and 4 windows, 2×": zoom(2.0, 4),
        "and 8 windows, 2×": zoom(2.0, 8),
        "and 8 windows, 1.5×": zoom(1.5, 8),
        "whole image enlarged 1.5×": lambda image, boxes: enlarged(image),
        "both (pyramid)": lambda image, boxes: pyramid(image),
    }


def predicted(labels: Labels, focal_px: float, random: Any) -> npt.NDArray[np.float64]:
    """(N, 4) boxes of the labels, shifted by one draw of heading and pitch."""
    angles = np.radians([YAW_DEG, PITCH_DEG]) * random.standard_normal(2)
    shift = focal_px * np.tan(angles)
    return boxes_of(labels.outlines_px) + np.tile(shift, 2)


def images(data: list[Path], step: int) -> Iterator[tuple[Image, Labels, float]]:
    """Every ``step``-th image of the datasets, its labels and its focal length in pixels."""
    for path in data:
        dataset = Dataset.open(path)
        for index in range(0, len(dataset), step):
            matrix = dataset.meta(index)["camera"]["matrix"]
            yield dataset.image(index), dataset.labels(index), float(matrix[0][0])


class Tally:
    """Hits and misses by the longer side, false alarms, time."""

    def __init__(self) -> None:
        self.sides: list[tuple[float, bool]] = []
        self.false_alarms = 0
        self.spent_ms: list[float] = []

    def add(self, labels: Labels, seen: Observations, spent_ms: float) -> None:
        """One image."""
        found = match(labels, seen, MATCH_PX)
        boxes = boxes_of(labels.outlines_px)
        side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0)
        self.sides += [(float(side[i]), True) for i in found.truth]
        self.sides += [(float(side[i]), False) for i in found.missed]
        self.false_alarms += len(found.false_alarms)
        self.spent_ms.append(spent_ms)

    def row(self, name: str) -> dict[str, Any]:
        """A row of the table."""
        bands = {}
        for low, high in BANDS_PX:
            hits = [hit for side, hit in self.sides if low <= side < high]
            label = f"{low}–{high} px" if high < 1000 else f"{low} px and more"
            bands[f"recall {label}"] = float(np.mean(hits)) if hits else math.nan
        seen = sum(hit for _, hit in self.sides)
        total = scores(seen, self.false_alarms, len(self.sides) - seen)
        return {
            "look": name,
            **bands,
            "recall": total["recall"],
            "precision": total["precision"],
            "F1": total["f1"],
            "ms": float(np.median(self.spent_ms)),
        }


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/landmarks-s.onnx"))
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="datasets")
    parser.add_argument("--step", type=int, default=4, help="every so many images")
    arguments = parser.parse_args()
    ways = looks(arguments.model)
    tallies = {name: Tally() for name in ways}
    random = generator(0, "predicted places")
    count = 0
    for image, labels, focal_px in images(sorted(arguments.data), arguments.step):
        boxes = predicted(labels, focal_px, random)
        count += 1
        for name, look in ways.items():
            started = time.process_time()
            seen = look(image, boxes)
            tallies[name].add(labels, seen, (time.process_time() - started) * 1e3)
    support = [
        sum(low <= s < high for s, _ in tallies["whole image"].sides) for low, high in BANDS_PX
    ]
    note = (
        f"{count} images 1280×720 of {len(arguments.data)} drives that training never saw, "
        f"tolerance {MATCH_PX:g} px; {support[0]}, {support[1]}, {support[2]} and {support[3]} "
        "landmarks in the bands (longer side). Predicted places: the labels, all of an image "
        f"shifted by one draw of σ {YAW_DEG:g}° of heading and {PITCH_DEG:g}° of pitch. "
        "ms: preprocessing, network and decoding, processor time of one thread, median."
    )
    command = f"python benchmarks/zoom.py --data DATASETS --step {arguments.step}"
    record("zoom", command, [tallies[name].row(name) for name in ways], note)


if __name__ == "__main__":
    main()
