"""A detector scored on whole images of a list of drives: what several benchmarks record."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dalearn_ros.datasets.store import Dataset
from dalearn_ros.evaluation.detection import DetectionScore
from dalearn_ros.evaluation.drive import Detector
from dalearn_ros.export.run import export_run
from dalearn_ros.inference.detector import LandmarkDetector


@dataclass(frozen=True)
class Scored:
    """How well a detector does.

    Attributes:
        figures: See :meth:`dalearn_ros.evaluation.detection.DetectionScore.result`.
        counts: Hits, false alarms and misses of each image.
    """

    figures: Mapping[str, Any]
    counts: list[list[int]]


def scored(detector: Detector, drives: Sequence[Dataset]) -> Scored:
    """Score a detector on all images of drives of the same classes."""
    tally = DetectionScore(drives[0].label_space)
    counts = []
    for data in drives:
        for index in range(len(data)):
            image, truth = data.image(index), data.labels(index)
            size = (image.shape[1], image.shape[0])
            match = tally.add(truth, detector.detect(image), size, data.approximate(index))
            counts.append([len(match.truth), len(match.false_alarms), len(match.missed)])
    return Scored(tally.result(), counts)


def exported(run: Path, validation: Sequence[Dataset] = ()) -> LandmarkDetector:
    """The detector of a run folder as it is shipped, on one thread.

    Args:
        run: The folder.
        validation: Drives on which thresholds are chosen anew; empty keeps the run's.
    """
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        export_run(run, model, validation)
        return LandmarkDetector.load(model, 1)
