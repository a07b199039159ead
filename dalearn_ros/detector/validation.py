"""How good is a network on whole images, and which thresholds suit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from dalearn_ros.coding.decode import RawOutputs
from dalearn_ros.coding.metadata import ModelMetadata
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.network import LandmarkNetwork
from dalearn_ros.detector.settings import ValidationSettings
from dalearn_ros.evaluation.matching import Matching, match
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.landmarks.types import Labels, Observations

LOWEST_SCORE = 0.1
THRESHOLDS = tuple(round(0.1 + 0.025 * i, 3) for i in range(36))


class TorchBackend:
    """Runs the network as it is in training; see :class:`inference.backend.Backend`."""

    def __init__(self, network: LandmarkNetwork, metadata: ModelMetadata) -> None:
        self.metadata = metadata
        self._network = network.eval()

    def run(self, image: npt.NDArray[np.uint8]) -> RawOutputs:
        """Input (1, H, W, C) uint8, sides multiples of 32."""
        with torch.inference_mode():
            found = self._network.heads(torch.from_numpy(image))
        return RawOutputs(*(output[0].numpy() for output in found))


@dataclass(frozen=True)
class Seen:
    """Truth and observations of one image, at the lowest threshold."""

    truth: Labels
    observations: Observations


def observe(
    detector: LandmarkDetector, data: Sequence[Dataset], settings: ValidationSettings
) -> list[Seen]:
    """Run a detector over evenly spaced images of datasets.

    Args:
        detector: With a low score threshold, so that thresholds can be chosen afterwards.
        data: Datasets of the detector's label space.
        settings: How many images.
    """
    frames = [(dataset, index) for dataset in data for index in range(len(dataset))]
    count = min(settings.images, len(frames))
    chosen = np.linspace(0, len(frames) - 1, count).round().astype(int) if count else []
    seen = []
    for dataset, index in track((frames[i] for i in chosen), total=count, label="validate"):
        observations = detector.detect(dataset.image(index))
        seen.append(Seen(dataset.labels(index), observations))
    return seen


def f1_at(seen: Sequence[Seen], threshold: float, match_px: float) -> dict[str, float]:
    """Micro precision, recall and F1 at one score threshold."""
    hits = missed = false_alarms = 0
    for entry in seen:
        found = entry.observations
        result = match(entry.truth, found.select(found.score >= threshold), match_px)
        hits += len(result.truth)
        missed += len(result.missed)
        false_alarms += len(result.false_alarms)
    return {
        "precision": hits / max(1, hits + false_alarms),
        "recall": hits / max(1, hits + missed),
        "f1": 2 * hits / max(1, 2 * hits + missed + false_alarms),
    }


def summarise(seen: Sequence[Seen], match_px: float) -> dict[str, float]:
    """Figures at the score threshold with the best F1.

    Returns:
        ``f1``, ``precision``, ``recall``, ``score_threshold``, ``reference_point_px`` (median),
        ``variance_scale`` and ``range_sigma`` (the factors that make covariance and distance
        error true here: median-based, so that gross errors do not swell them), and
        ``f1/CLASS_ID`` for every class that occurs. Empty if nothing was seen or is true.
    """
    if not seen:
        return {}
    by_threshold = {t: f1_at(seen, t, match_px) for t in THRESHOLDS}
    best = max(THRESHOLDS, key=lambda t: (by_threshold[t]["f1"], -t))
    figures: dict[str, float] = {**by_threshold[best], "score_threshold": best}
    kept = [Seen(s.truth, s.observations.select(s.observations.score >= best)) for s in seen]
    matches = [match(s.truth, s.observations, match_px) for s in kept]
    figures.update(_point_figures(kept, matches))
    figures.update(_class_figures(kept, matches))
    return figures


def _point_figures(seen: Sequence[Seen], matches: Sequence[Matching]) -> dict[str, float]:
    squared: list[float] = []
    distances: list[float] = []
    ranges: list[float] = []
    for entry, result in zip(seen, matches, strict=True):
        truth, found = entry.truth.select(result.truth), entry.observations.select(result.seen)
        error = found.point_px - truth.point_px
        if not len(error):
            continue
        inverse = np.linalg.inv(found.covariance_px2)
        squared += np.einsum("ni,nij,nj->n", error, inverse, error).tolist()
        distances += result.distance_px.tolist()
        ranges += np.abs(np.log(found.range_m / truth.range_m)).tolist()
    if not distances:
        return {}
    figures = {
        "reference_point_px": float(np.median(distances)),
        "variance_scale": float(np.clip(np.median(squared) / (2 * np.log(2)), 1e-2, 1e2)),
    }
    known = np.array(ranges)[np.isfinite(ranges)]
    if len(known):
        figures["range_sigma"] = float(np.clip(1.4826 * np.median(known), 1e-2, 2.0))
    return figures


def _class_figures(seen: Sequence[Seen], matches: Sequence[Matching]) -> dict[str, float]:
    hits: dict[int, int] = {}
    wrong: dict[int, int] = {}
    for entry, result in zip(seen, matches, strict=True):
        for class_id in entry.truth.class_id[result.truth].tolist():
            hits[class_id] = hits.get(class_id, 0) + 1
        others: list[Any] = entry.truth.class_id[result.missed].tolist()
        others += entry.observations.class_id[result.false_alarms].tolist()
        for class_id in others:
            wrong[class_id] = wrong.get(class_id, 0) + 1
    classes = sorted({*hits, *wrong})
    return {
        f"f1/{c}": 2 * hits.get(c, 0) / max(1, 2 * hits.get(c, 0) + wrong.get(c, 0))
        for c in classes
    }
