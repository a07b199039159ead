"""Judges a short run for the ablation: by voting, and by plain suppression of the same votes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from dalearn_ros.coding.decode import Candidates, DecodeSettings
from dalearn_ros.coding.votes import Votes
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.regime import metadata_of, validate
from dalearn_ros.detector.run import open_run
from dalearn_ros.detector.validation import TorchBackend
from dalearn_ros.evaluation.calibration import labels_with_map_noise
from dalearn_ros.evaluation.detection import DetectionScore
from dalearn_ros.inference.detector import LandmarkDetector


def suppress(votes: Votes, settings: DecodeSettings, least: float, limit: int) -> Candidates:
    """Plain suppression in the place of :func:`coding.decode.merge_votes`.

    The best vote of a class that is left is a landmark as it stands; the votes of its class within
    ``merge_radius_px`` are dropped.
    """
    free = np.ones(len(votes.score), dtype=bool)
    kept: list[int] = []
    for row in range(int(np.count_nonzero(votes.score >= least))):
        if free[row]:
            kept.append(row)
            away = np.hypot(*(votes.point_px - votes.point_px[row]).T)
            same = votes.class_id == votes.class_id[row]
            free &= ~(same & (away <= settings.merge_radius_px))
    rows = np.array(kept[:limit], dtype=np.int64)
    return Candidates(
        class_id=votes.class_id[rows],
        best=votes.score[rows],
        support=votes.score[rows],
        point_px=votes.point_px[rows],
        covariance_px2=votes.variance_px2[rows][:, :, None] * np.eye(2),
        log_range=votes.log_range[rows],
        range_spread=np.zeros(len(rows)),
    )


@contextlib.contextmanager
def _decoding(plain: bool) -> Iterator[None]:
    """Everything inside decodes by voting or by plain suppression."""
    with contextlib.ExitStack() as stack:
        if plain:
            for module in ("dalearn_ros.coding.decode", "dalearn_ros.detector.validation"):
                stack.enter_context(mock.patch(f"{module}.merge_votes", suppress))
        yield


def judge(run: Path, val: Dataset, test: Dataset, plain: bool) -> dict[str, Any]:
    """Figures of a finished run on the judging images.

    Args:
        run: Its folder.
        val: Images that thresholds and calibration are chosen on, for each decoding its own.
        test: Images to judge on.
        plain: Also by plain suppression.

    Returns:
        ``voting`` and, if asked for, ``plain``, each with ``f1_8``, ``f1_4``, ``median_px`` and
        ``p95_px``; pixels are None where nothing was found.
    """
    return {
        name: _judged(run, val, test, name == "plain")
        for name in ("voting", "plain")
        if name == "voting" or plain
    }


def _judged(run: Path, val: Dataset, test: Dataset, plain: bool) -> dict[str, Any]:
    opened = open_run(run)
    figures: Any = opened.header.get("figures", {})
    with _decoding(plain):
        if plain:
            figures = validate(opened.network, opened.settings, opened.label_space, [val])
        metadata = metadata_of(opened.settings, opened.label_space, figures, {})
        detector = LandmarkDetector(TorchBackend(opened.network, metadata))
        scored = DetectionScore(test.label_space)
        for index in range(len(test)):
            image = test.image(index)
            truth = labels_with_map_noise(test, index, 0.0)
            scored.add(truth, detector.detect(image), (image.shape[1], image.shape[0]))
    found = scored.result()
    pixels = found["reference_point_px"]
    return {
        "f1_8": found["f1_at"]["8"],
        "f1_4": found["f1_at"]["4"],
        "median_px": _finite(pixels["median"]),
        "p95_px": _finite(pixels["p95"]),
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
