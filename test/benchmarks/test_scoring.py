"""A detector scored on a list of drives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.health_street import observed
from helpers.tiny_training import write_dataset

pytest.importorskip("torch")

from benchmarks.adaptation import entry_of
from benchmarks.scoring import scored
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Observations


class _Stub:
    """Sees in each image what it is told to: points of ``warning_sign``."""

    label_space = LabelSpace.load()

    def __init__(self, *points: list[list[float]]) -> None:
        self._points = list(points)
        self.last_timing_ms: dict[str, float] = {}

    def detect(self, image_bgr: np.ndarray, stamp_ns: int = 0) -> Observations:
        points = np.array(self._points.pop(0), float).reshape(-1, 2)
        return observed(stamp_ns, np.ones(len(points), np.int64), points)


def test_all_images_of_all_drives_count(tmp_path: Path) -> None:
    drives = [Dataset.open(write_dataset(tmp_path / str(k), 2)) for k in range(2)]
    first, second = [39.5, 43.5], [47.5, 43.5]  # the squares of a drive's two images
    seen = ([first], [second, [5.0, 5.0]], [], [[49.5, 43.5]])
    found = scored(_Stub(*seen), drives)
    assert found.counts == [[1, 0, 0], [1, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert found.figures["f1"] == pytest.approx(2 * 3 / (4 + 4))
    entry = entry_of(_Stub(*seen), drives)
    name = _Stub.label_space.names[1]
    assert entry == {
        "f1": pytest.approx(0.75),
        "precision": pytest.approx(0.75),
        "recall": pytest.approx(0.75),
        "median_px": pytest.approx(0.0, abs=1e-6),
        "classes": {name: {"f1": pytest.approx(0.75), "support": 4}},
        "counts": found.counts,
    }
