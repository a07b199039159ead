"""What the benchmark measures, with a detector whose clock is known."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest
from helpers.tiny_depth_model import write_tiny_depth_model

import dalearn_ros.inference.bench as module
from dalearn_ros.inference.bench import WARM_UP, bench, noise_images
from dalearn_ros.inference.detector import Answer, LandmarkDetector
from dalearn_ros.landmarks.types import Observations


class _Clock:
    """Time that only passes when somebody works."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


class _Detector:
    """Takes 7 ms for an image, of which its backend takes 4; the backend alone 3."""

    def __init__(self, clock: _Clock) -> None:
        self.clock, self.calls = clock, []
        takes = types.SimpleNamespace(channels=3, multiple=32)
        self.metadata = types.SimpleNamespace(input=takes, depth=None, attention=None)
        self.backend = self
        self.last_timing_ms: dict[str, float] = {}

    def answer(self, image: np.ndarray, stamp_ns: int, camera: object) -> Answer:
        assert camera is None
        self.calls.append(f"whole {image.shape}")
        self.clock.now += 0.007
        self.last_timing_ms = {"preprocess": 1.0, "inference": 4.0, "decode": 2.0}
        return Answer(Observations.empty(0), None)

    def run_batch(self, ready: np.ndarray, location: object) -> None:
        assert location is None
        self.calls.append(f"alone {ready.shape}")
        self.clock.now += 0.003


def test_by_turns_and_after_warming_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock()
    monkeypatch.setattr(module, "time", clock)
    detector = _Detector(clock)
    found = list(bench(detector, noise_images((40, 30)), 3))  # type: ignore[arg-type]
    assert len(found) == 3
    for stages in found:
        assert stages["total"] == pytest.approx(7.0)
        assert stages["session_run"] == pytest.approx(3.0)
        assert stages["inference"] == 4.0
    assert len(detector.calls) == 2 * (WARM_UP + 3)
    whole, alone = "whole (30, 40, 3)", "alone (1, 32, 64, 3)"
    assert detector.calls[2 * WARM_UP :] == [whole, alone, alone, whole, whole, alone]


def test_noise_has_the_size_and_follows_the_seed() -> None:
    one, again, other = (noise_images((40, 30), seed) for seed in (1, 1, 2))
    assert one[0].shape == (30, 40, 3)
    assert np.array_equal(one[3], again[3])
    assert not np.array_equal(one[3], other[3])
    assert not np.array_equal(one[0], one[1])


def test_a_model_with_depth_makes_the_depth_image_after_the_total(tmp_path: Path) -> None:
    detector = LandmarkDetector.load(write_tiny_depth_model(tmp_path / "m.onnx"), threads=1)
    (stages,) = bench(detector, noise_images((100, 60)), 1)
    expected = {"preprocess", "inference", "decode", "total", "depth_image", "session_run"}
    assert set(stages) == expected and min(stages.values()) > 0.0
    parts = sum(stages[name] for name in ("preprocess", "inference", "decode"))
    assert parts <= stages["total"]
