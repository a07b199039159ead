"""The benchmark of depth's cost, on tiny models."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.tiny_depth_model import write_tiny_depth_model
from helpers.tiny_model import write_tiny_model

pytest.importorskip("torch")

from benchmarks import depth_cost


def test_the_ratio_is_that_of_the_medians() -> None:
    size = (10, 6)
    middle = {
        (size, 1, depth_cost.FLAT, "network"): 40.0,
        (size, 1, depth_cost.DEEP, "network"): 44.0,
        (size, 1, depth_cost.FLAT, "detector"): 50.0,
        (size, 1, depth_cost.DEEP, "detector"): 60.0,
        (size, 1, depth_cost.DEEP, "image"): 2.0,
    }
    row = depth_cost.row_of(middle, size, 1)
    assert (row["ratio"], row["ratio "]) == pytest.approx((1.1, 1.2))
    assert row["image"] == "10×6" and row["depth image, ms"] == 2.0


def test_both_files_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depth_cost, "SIZES", ((100, 60), (64, 64)))
    monkeypatch.setattr(depth_cost, "THREADS", (1,))
    monkeypatch.setattr(depth_cost, "PAUSE_S", 0.0)
    seen = []
    real = depth_cost.one_turn

    def watched(detector, image):
        seen.append((image.shape[:2], detector.metadata.depth is not None))
        return real(detector, image)

    monkeypatch.setattr(depth_cost, "one_turn", watched)
    files = {
        depth_cost.FLAT: write_tiny_model(tmp_path / "flat.onnx"),
        depth_cost.DEEP: write_tiny_depth_model(tmp_path / "deep.onnx"),
    }
    rows = depth_cost.measure(files, 2)
    assert [row["image"] for row in rows] == ["100×60", "64×64"]
    assert all(row["depth image, ms"] > 0.0 for row in rows)
    first, second = seen[-8:-4], seen[-4:]
    assert [deep for _, deep in first] == [True, False] * 2
    assert [deep for _, deep in second] == [False, True] * 2
    assert len(seen) == 4 * (depth_cost.WARM_UP + 2)
