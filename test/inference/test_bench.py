"""What the benchmark measures, with a detector whose clock is known."""

from __future__ import annotations

import numpy as np
import pytest

import dalearn_ros.inference.bench as module
from dalearn_ros.inference.bench import WARM_UP, bench, noise_images


class _Clock:
    """Time that only passes when somebody works."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


class _Detector:
    """Takes 7 ms for an image, of which its backend takes 4; the backend alone 3."""

    def __init__(self, clock: _Clock) -> None:
        self.clock, self.calls = clock, []
        self.metadata = type("M", (), {"input": type("I", (), {"channels": 3, "multiple": 32})})
        self.backend = self
        self.last_timing_ms: dict[str, float] = {}

    def detect(self, image: np.ndarray) -> None:
        self.calls.append(f"whole {image.shape}")
        self.clock.now += 0.007
        self.last_timing_ms = {"preprocess": 1.0, "inference": 4.0, "decode": 2.0}

    def run_batch(self, ready: np.ndarray) -> None:
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
