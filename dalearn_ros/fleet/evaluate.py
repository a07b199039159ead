"""Evaluate one bag of a fleet: counts and errors as rows that add up over bags."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.settings import dump_settings
from dalearn_ros.evaluation.collector import Collector
from dalearn_ros.evaluation.drive_options import DriveOptions
from dalearn_ros.evaluation.poses import PoseScore
from dalearn_ros.evaluation.replay import evaluate_bag
from dalearn_ros.fleet.bag_list import FleetBag
from dalearn_ros.fleet.parts import Columns, Processed
from dalearn_ros.inference.detector import RUN_MODEL, LandmarkDetector
from dalearn_ros.inference.zoom import ZoomDetector

COUNTS, ERRORS = "counts", "errors"
POINT = "reference_point_px"
POSE_SOURCES = ("localization", "prior")
POSE_ERRORS = ("longitudinal_m", "lateral_m", "heading_deg")


@dataclass(frozen=True)
class EvaluateBag:
    """Evaluates a bag as ``dalearn evaluate`` does; see :class:`fleet.parts.Process`.

    Tables: ``counts`` (tolerance, class, hits, false_alarms, missed) and ``errors`` (quantity,
    value): ``reference_point_px`` of every hit, and ``localization/...`` and ``prior/...``, signed,
    of every frame with a pose: ``longitudinal_m``, ``lateral_m``, ``heading_deg``.

    Attributes:
        model: ONNX file or run folder.
        threads: Of the network.
        zoom: Look closer where the prior pose predicts small landmarks.
        options: Topics and settings.
    """

    model: Path
    threads: int
    zoom: bool
    options: DriveOptions
    digest: str = field(init=False)  # of the model as the driver found it; workers get it along

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", model_digest(self.model))

    def __call__(self, bag: FleetBag, folder: Path) -> Processed:
        """The bag's rows; nothing is written to ``folder``."""
        cv2.setNumThreads(self.threads)
        detector = loaded(self.model, self.threads, self.digest)
        looking = ZoomDetector(detector) if self.zoom else detector
        started = time.perf_counter()
        collected = evaluate_bag(bag.bag, bag.map, looking, self.options)
        return processed(collected, time.perf_counter() - started)

    def depends(self) -> dict[str, Any]:
        """What the results depend on, JSON values.

        Raises:
            ModelError: There is no such model, or it cannot be used.
        """
        space = loaded(self.model, self.threads, self.digest).label_space
        return {
            "model_sha256": self.digest,
            "classes": list(space.names[1:]),
            "zoom": self.zoom,
            "options": dump_settings(self.options),
        }


def model_digest(model: Path) -> str:
    """SHA-256 (hexadecimal) of an ONNX file, or of that of a run folder; empty: there is none."""
    path = model / RUN_MODEL if model.is_dir() else model
    return sha256_of(path) if path.is_file() else ""


@functools.lru_cache(maxsize=1)
def loaded(model: Path, threads: int, digest: str = "") -> LandmarkDetector:
    """The detector, loaded once in a process.

    Args:
        model: ONNX file or run folder.
        threads: Of the network.
        digest: As the file was when the fleet began; empty: whatever is there.

    Raises:
        ModelError: There is no such model, it cannot be used, or it is another one by now.
    """
    if digest and model_digest(model) != digest:
        hint = "Results of two models would be mixed; give the fleet a copy of its own."
        raise ModelError.at(model, "", "the model that the fleet began with", "another", hint)
    return LandmarkDetector.load(model, threads)


def processed(collected: Collector, seconds: float) -> Processed:
    """An evaluation as rows and facts.

    Args:
        collected: What was gathered over the bag.
        seconds: What it took.
    """
    metrics = collected.metrics()
    facts = {
        "f1": metrics["f1"],
        "seconds": seconds,
        "drive_s": collected.clock.drive_s,
        "pose_frames": collected.localization.frames,
        "poses": len(collected.localization.errors),
    }
    names = collected.label_space.names
    tables = {COUNTS: _counts(collected.detection.counts, names), ERRORS: _errors(collected)}
    return Processed(metrics["frames"], metrics["frames_skipped"], facts, tables)


def _counts(counts: dict[str, npt.NDArray[np.int64]], names: tuple[str, ...]) -> Columns:
    rows = [
        (tolerance, name, *found[:, number].tolist())
        for tolerance, found in counts.items()
        for number, name in enumerate(names)
        if number > 0
    ]
    tolerance, kind, *sums = (list(column) for column in zip(*rows, strict=True))
    numbers = dict(zip(("hits", "false_alarms", "missed"), map(np.array, sums), strict=True))
    return {"tolerance": tolerance, "class": kind, **numbers}


def _errors(collected: Collector) -> Columns:
    scores: dict[str, PoseScore] = {
        "localization": collected.localization,
        "prior": collected.prior,
    }
    pixels = collected.detection.hits["px"]
    values = {POINT: pixels[np.isfinite(pixels)]}
    for source in POSE_SOURCES:
        errors = scores[source].errors
        values |= {f"{source}/{name}": errors[:, i] for i, name in enumerate(POSE_ERRORS)}
    quantity = [name for name, found in values.items() for _ in range(len(found))]
    return {"quantity": quantity, "value": np.concatenate(list(values.values()))}
