"""Scores on labelled target images, after the choice was made without them.

Nothing else opens labels of the new city: a run learns, chooses and writes ``adaptation.json``
first. Every network along the way is scored with the score threshold and the calibration that it
found on source images, as it would be used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.adaptation.selection import Candidate, of_source, state_of
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.regime import build_network, metadata_of
from dalearn_ros.detector.samples import check_label_spaces
from dalearn_ros.detector.validation import TorchBackend
from dalearn_ros.evaluation.calibration import labels_with_map_noise
from dalearn_ros.evaluation.detection import DetectionScore
from dalearn_ros.evaluation.intervals import draw_images, drawn_f1, drawn_median, interval
from dalearn_ros.evaluation.matching import Matching
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels, Observations
from dalearn_ros.training.checkpoint import load_weights

Ints = npt.NDArray[np.int64]


def detector_of(
    candidate: Candidate, settings: AdaptSettings, label_space: LabelSpace
) -> LandmarkDetector:
    """A network along the way as it would be used: thresholds and calibration are its own.

    Raises:
        ModelError: Its file is damaged or of another network.
    """
    network = build_network(settings, label_space, 0)
    load_weights(network, state_of(candidate), candidate.path)
    metadata = metadata_of(settings, label_space, of_source(candidate.figures), {})
    return LandmarkDetector(TorchBackend(network, metadata))


def score_target(
    found: Sequence[Candidate],
    chosen_step: int,
    settings: AdaptSettings,
    data: Sequence[Dataset],
) -> dict[str, Any]:
    """Score all networks along the way on the same labelled target images.

    Args:
        found: The networks, the start (step 0) first.
        chosen_step: Steps of the one that was taken.
        settings: Of the run; hits lie within its ``validation.match_px``.
        data: Labelled target images.

    Returns:
        ``match_px``, ``images``, ``unreadable`` (names), ``chosen_step``; ``networks``: of each
        network ``step``, ``score_threshold``, ``f1``, ``precision``, ``recall``,
        ``reference_point_px`` (``median``, ``p95``), ``f1_interval``, ``point_interval`` (of the
        median) and ``per_class`` with the same keys and ``support``; ``oracle_step``, the one
        with the best F1; and ``gain`` and ``oracle_gain``, F1 of the chosen and of that one less
        that of the start, each with its interval. Intervals are 95 % over images.

    Raises:
        DatasetError: Datasets of different classes, or no image that can be read.
        ModelError: A network's file is damaged.
    """
    check_label_spaces(data)
    space = data[0].label_space
    detectors = [detector_of(candidate, settings, space) for candidate in found]
    tallies = [_Tally(space, settings.validation.match_px) for _ in found]
    frames = [(dataset, index) for dataset in data for index in range(len(dataset))]
    unreadable: list[str] = []
    for dataset, index in track(frames, len(frames), "score"):
        try:
            image = dataset.image(index)
        except DatasetError:
            unreadable.append(str(dataset.image_path(index)))
            continue
        truth, rough = labels_with_map_noise(dataset, index), dataset.approximate(index)
        size = (image.shape[1], image.shape[0])
        for detector, tally in zip(detectors, tallies, strict=True):
            tally.add(truth, detector.detect(image), size, rough)
    images = len(frames) - len(unreadable)
    if not images:
        raise DatasetError.at(
            data[0].path, "", "images that can be read", f"{len(frames)} that cannot"
        )
    drawn = draw_images(images)
    networks = [
        {
            "step": candidate.step,
            "score_threshold": detector.metadata.decoding.score_threshold,
            **tally.result(drawn),
        }
        for candidate, detector, tally in zip(found, detectors, tallies, strict=True)
    ]
    f1 = [drawn_f1(tally.counts().sum(axis=1), drawn) for tally in tallies]
    chosen = next(i for i, candidate in enumerate(found) if candidate.step == chosen_step)
    best = int(np.argmax([network["f1"] for network in networks]))

    def gain(i: int) -> dict[str, Any]:
        return {"f1": networks[i]["f1"] - networks[0]["f1"], "interval": interval(f1[i] - f1[0])}

    return {
        "match_px": settings.validation.match_px,
        "images": images,
        "unreadable": unreadable,
        "networks": networks,
        "chosen_step": chosen_step,
        "oracle_step": found[best].step,
        "gain": gain(chosen),
        "oracle_gain": gain(best),
    }


class _Tally:
    """What one network hit and missed, image by image."""

    def __init__(self, space: LabelSpace, match_px: float) -> None:
        self.space = space
        self.score = DetectionScore(space, match_px)
        self._counts: list[Ints] = []
        self._hits: list[tuple[int, int, float]] = []  # image, class, px

    def add(
        self,
        truth: Labels,
        seen: Observations,
        size: tuple[int, int],
        rough: npt.NDArray[np.bool_],
    ) -> None:
        """One image; see :meth:`DetectionScore.add`."""
        found = self.score.add(truth, seen, size, rough)
        image = len(self._counts)
        self._counts.append(_by_class(truth, seen, found, len(self.space)))
        for row, away in zip(found.truth, found.distance_px, strict=True):
            if not rough[row]:
                self._hits.append((image, int(truth.class_id[row]), float(away)))

    def counts(self) -> Ints:
        """(N, classes, 3) hits, false alarms and misses of each image."""
        return np.stack(self._counts)

    def result(self, drawn: Ints) -> dict[str, Any]:
        """Figures with intervals; see :func:`score_target`."""
        found, counts = self.score.result(), self.counts()
        hits = np.array(self._hits, np.float64).reshape(-1, 3)
        of_class = drawn_f1(counts, drawn)
        per_class = {
            name: {
                "support": found["per_class"][name]["support"],
                **_figures(found["per_class"][name]),
                "f1_interval": interval(of_class[:, i]),
                "point_interval": _point_interval(hits[hits[:, 1] == i], drawn),
            }
            for i, name in enumerate(self.space.names)
            if i and counts[:, i].any()
        }
        return {
            "support": found["support"],
            **_figures(found),
            "f1_interval": interval(drawn_f1(counts.sum(axis=1), drawn)),
            "point_interval": _point_interval(hits, drawn),
            "per_class": per_class,
        }


def _by_class(truth: Labels, seen: Observations, found: Matching, classes: int) -> Ints:
    ids = (
        truth.class_id[found.truth],
        seen.class_id[found.false_alarms],
        truth.class_id[found.missed],
    )
    columns = [np.bincount(which.astype(np.int64), minlength=classes)[:classes] for which in ids]
    return np.stack(columns, axis=1).astype(np.int64)


def _figures(found: dict[str, Any]) -> dict[str, Any]:
    keys = ("f1", "precision", "recall", "reference_point_px")
    return {key: found[key] for key in keys}


def _point_interval(hits: npt.NDArray[np.float64], drawn: Ints) -> tuple[float, float]:
    return interval(drawn_median(hits[:, 2], hits[:, 0].astype(np.int64), drawn))
