"""Scores on target labels of networks that are not there: what they see is given by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.tiny_adaptation import picture, write_city

from dalearn_ros.adaptation import target_score
from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.adaptation.selection import Candidate
from dalearn_ros.adaptation.target_score import score_target
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.landmarks.types import Observations

SEEDS = range(30, 34)


class _Detector:
    """Sees the red square in an image, so many pixels too far right, with a score of its own."""

    def __init__(self, off_px: float, threshold: float) -> None:
        self.off_px = off_px
        self.metadata = SimpleNamespace(decoding=SimpleNamespace(score_threshold=threshold))

    def detect(self, image: Any) -> Observations:
        rows, columns = np.nonzero(image[..., 2] > 200)
        place = [float(np.median(columns)) + self.off_px, float(np.median(rows))]
        return Observations(
            stamp_ns=0,
            class_id=np.array([1]),
            point_px=np.array([place]),
            score=np.array([0.9]),
            covariance_px2=np.eye(2)[None],
            range_m=np.array([20.0]),
            sigma_range_m=np.array([1.0]),
            track_id=np.array([-1]),
        )


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return Dataset.open(write_city(tmp_path / "b", SEEDS))


def _score(
    monkeypatch: pytest.MonkeyPatch, data: Dataset, off: dict[int, float], chosen: int
) -> dict[str, Any]:
    def made(candidate: Candidate, *_: object) -> _Detector:
        return _Detector(off[candidate.step], 0.1 * candidate.step + 0.2)

    monkeypatch.setattr(target_score, "detector_of", made)
    found = [Candidate(Path("none"), step, {}) for step in off]
    return score_target(found, chosen, AdaptSettings(), [data])


def test_figures_gain_and_what_a_choice_by_labels_had_given(
    monkeypatch: pytest.MonkeyPatch, data: Dataset
) -> None:
    found = _score(monkeypatch, data, {0: 30.0, 1: 5.0, 2: 1.0, 3: 40.0}, chosen=3)
    start, near, nearer, far = found["networks"]
    assert (start["f1"], near["f1"], nearer["f1"], far["f1"]) == (0.0, 1.0, 1.0, 0.0)
    assert near["reference_point_px"]["median"] == pytest.approx(5.0, abs=0.6)
    low, high = near["point_interval"]
    assert low <= near["reference_point_px"]["median"] <= high
    assert near["f1_interval"] == (1.0, 1.0)
    assert near["score_threshold"] == pytest.approx(0.3)
    assert list(near["per_class"]) == ["warning_sign"]
    assert near["per_class"]["warning_sign"]["support"] == len(SEEDS)
    assert near["per_class"]["warning_sign"]["f1_interval"] == (1.0, 1.0)
    assert found["images"] == len(SEEDS)
    assert found["oracle_step"] == 1  # the first of the best
    assert found["gain"] == {"f1": 0.0, "interval": (0.0, 0.0)}
    assert found["oracle_gain"] == {"f1": 1.0, "interval": (1.0, 1.0)}
    assert np.isnan(start["point_interval"]).all()


def test_an_unreadable_image_is_named_and_none_at_all_a_sentence(
    monkeypatch: pytest.MonkeyPatch, data: Dataset
) -> None:
    files = [data.image_path(i) for i in range(len(data))]
    files[1].write_bytes(b"")
    found = _score(monkeypatch, data, {0: 1.0}, chosen=0)
    assert found["unreadable"] == [str(files[1])]
    assert found["images"] == len(SEEDS) - 1
    for file in files:
        file.write_bytes(b"")
    with pytest.raises(DatasetError, match="4 that cannot"):
        _score(monkeypatch, data, {0: 1.0}, chosen=0)


def test_the_picture_has_its_square_where_the_label_is() -> None:
    image, point = picture(30)
    found = _Detector(0.0, 0.5).detect(image)
    np.testing.assert_allclose(found.point_px[0], point, atol=0.51)
