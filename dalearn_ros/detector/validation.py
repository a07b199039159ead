"""How good is a network on whole images, and which thresholds suit it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from dalearn_ros.coding.decode import (
    MAX_CANDIDATES,
    Candidates,
    DecodeSettings,
    inside_image,
    merge_votes,
)
from dalearn_ros.coding.metadata import ModelMetadata
from dalearn_ros.coding.votes import RawOutputs, gather_votes
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.calibrate import (
    Found,
    Seen,
    calibration_figures,
    covariance_figures,
    raw_observations,
    score_hits,
)
from dalearn_ros.detector.settings import ValidationSettings
from dalearn_ros.evaluation.calibration import labels_with_map_noise
from dalearn_ros.evaluation.matching import Matching, match
from dalearn_ros.inference.preprocess import to_input
from dalearn_ros.inference.protocol import (
    Backend,
    BackendInfo,
    Images,
    Location,
    no_location,
    split_outputs,
)

LOWEST_SCORE = 0.1
THRESHOLDS = tuple(round(0.1 + 0.025 * i, 3) for i in range(36))


class TorchBackend:
    """Runs the network as it is in training; see :class:`inference.backend.Backend`.

    Args:
        network: With ``heads`` as :class:`detector.network.LandmarkNetwork` has it; where the
            metadata have depth, with ``maps_and_depth`` of image and location: the same four maps,
            log_depth and log_depth_variance (N, h, w); where they have attention, with
            ``maps_and_attention`` of the image: the four maps and the attention map (N, h, w);
            where they have both, with ``maps_depth_and_attention``.
        metadata: What would stand in the model file.
    """

    def __init__(self, network: nn.Module, metadata: ModelMetadata) -> None:
        self.metadata = metadata
        self._network = network.eval()
        device = str(next(network.parameters()).device)
        self.info = BackendInfo("torch", torch.__version__, device, "fp32")

    def run(
        self, image: Images, location: Location | None = None, attention: bool = False
    ) -> RawOutputs:
        """Input (1, H, W, C) uint8, sides multiples of 32."""
        return self.run_batch(image, location, attention)[0]

    def run_batch(
        self, images: Images, location: Location | None = None, attention: bool = False
    ) -> list[RawOutputs]:
        """Input (N, H, W, C) uint8, sides multiples of 32; the others as in the protocol."""
        network, depth = cast(Any, self._network), self.metadata.depth
        names = self.metadata.asked(location is not None, attention)
        with torch.inference_mode():
            device = next(self._network.parameters()).device
            pixels = torch.from_numpy(images).to(device)
            if depth is not None:
                place = no_location(images, depth) if location is None else location
                both = self.metadata.attention is not None
                ask = network.maps_depth_and_attention if both else network.maps_and_depth
                found = ask(pixels, torch.from_numpy(place).to(device))
            elif self.metadata.attention is not None:
                found = network.maps_and_attention(pixels)
            else:
                found = network.heads(pixels)
        given = dict(zip(self.metadata.outputs, found, strict=True))
        return split_outputs([given[name].cpu().numpy() for name in names], names)


def claimed(
    backend: Backend, image: npt.NDArray[np.uint8], decoding: DecodeSettings, least: float
) -> Candidates:
    """Possible landmarks of one network input.

    Args:
        backend: The network.
        image: (1, H, W, C) uint8, sides multiples of 32.
        decoding: How votes are merged; its thresholds on scores are not used.
        least: Probability that a landmark's best vote must reach.
    """
    votes = gather_votes(
        backend.run(image), backend.metadata.grid, min(decoding.vote_threshold, least)
    )
    return merge_votes(votes, decoding, least, MAX_CANDIDATES)


def observe(
    backend: Backend,
    decoding: DecodeSettings,
    data: Sequence[Dataset],
    settings: ValidationSettings,
) -> list[Found]:
    """Possible landmarks of evenly spaced images of datasets.

    Args:
        backend: The network.
        decoding: How votes are merged; its thresholds on scores are not used.
        data: Datasets of the network's label space.
        settings: How many images, and the noise of their maps.
    """
    frames = [(drive, index) for drive, dataset in enumerate(data) for index in range(len(dataset))]
    count = min(settings.images, len(frames))
    chosen = np.linspace(0, len(frames) - 1, count).round().astype(int) if count else []
    found = []
    takes = backend.metadata.input
    for drive, index in track((frames[i] for i in chosen), total=count, label="validate"):
        try:
            image, _ = data[drive].image(index), data[drive].labels(index)
        except DatasetError as error:
            logging.getLogger(__name__).warning("skipped in validation: %s", error)
            continue
        ready = to_input(image, takes.channels, takes.multiple)
        candidates = claimed(backend, ready, decoding, LOWEST_SCORE)
        inside = inside_image(candidates.point_px, image.shape[1], image.shape[0])
        truth = labels_with_map_noise(data[drive], index, settings.map_sigma_m)
        exact = ~data[drive].approximate(index)
        found.append(Found(truth, candidates.select(inside), exact, drive))
    return found


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


def summarise(
    found: Sequence[Found], match_px: float, candidate_threshold: float, classes: int
) -> dict[str, float]:
    """Fit the calibration, and judge at the score threshold with the best F1.

    Scores and covariances that are judged come from models that were fitted on other drives; the
    models that are returned are fitted on all.

    Args:
        found: Of :func:`observe`.
        match_px: Largest distance of a hit.
        candidate_threshold: Of the calibrated decoder; see :class:`DecodeSettings`.
        classes: Number of classes, background left out.

    Returns:
        ``f1``, ``precision``, ``recall``, ``score_threshold``, ``ece`` (of all scores above
        ``candidate_threshold``), ``reference_point_px`` (median), ``range_sigma`` (the relative
        error of the distance, median-based), those of :func:`detector.calibrate.covariance_figures`
        and :func:`detector.calibrate.calibration_figures`, and ``f1/CLASS_ID`` for every class
        that occurs. Empty if nothing was seen or is true.
    """
    if not found:
        return {}
    likely = [_at_least(entry, candidate_threshold) for entry in found]
    calibration, scores, ece = score_hits(likely, match_px, classes)
    if calibration is None:
        likely, scores = list(found), [f.candidates.best for f in found]
    pairs = list(zip(likely, scores, strict=True))
    seen = [Seen(f.truth, raw_observations(f, score)) for f, score in pairs]
    by_threshold = {t: f1_at(seen, t, match_px) for t in THRESHOLDS}
    best = max(THRESHOLDS, key=lambda t: (by_threshold[t]["f1"], -t))
    figures: dict[str, float] = {**by_threshold[best], "score_threshold": best}
    kept = [Seen(s.truth, s.observations.select(s.observations.score >= best)) for s in seen]
    matches = [match(s.truth, s.observations, match_px) for s in kept]
    figures.update(_point_figures(kept, matches))
    figures.update(covariance_figures(likely, scores, best, match_px))
    figures.update(_class_figures(kept, matches))
    if calibration is not None:
        figures.update({"ece": ece, **calibration_figures(calibration)})
    return figures


def _at_least(found: Found, threshold: float) -> Found:
    chosen = found.candidates.best >= threshold
    return dataclasses.replace(found, candidates=found.candidates.select(chosen))


def _point_figures(seen: Sequence[Seen], matches: Sequence[Matching]) -> dict[str, float]:
    distances = np.concatenate([result.distance_px for result in matches])
    if not len(distances):
        return {}
    figures = {"reference_point_px": float(np.median(distances))}
    pairs = list(zip(seen, matches, strict=True))
    true = np.concatenate([s.truth.range_m[m.truth] for s, m in pairs])
    claimed = np.concatenate([s.observations.range_m[m.seen] for s, m in pairs])
    off = np.abs(np.log(claimed / true))
    off = off[np.isfinite(off)]
    if len(off):
        figures["range_sigma"] = float(np.clip(1.4826 * np.median(off), 1e-2, 2.0))
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
