"""Latency by stage and the realtime factor."""

from __future__ import annotations

import math

import pytest

from dalearn_ros.evaluation.timing import STAGES, Timing


def test_percentiles_by_hand() -> None:
    timing = Timing()
    for value in range(1, 101):
        timing.add({"inference": float(value), "localize": 1.0, "decode": math.nan})
    timing.span(30.0, 12.0)
    result = timing.result()
    found = result["latency_ms"]["inference"]
    assert found == pytest.approx(
        {"mean": 50.5, "p50": 50.5, "p80": 80.2, "p90": 90.1, "p95": 95.05, "p99": 99.01}
    )
    assert set(result["latency_ms"]) == {*STAGES, "localize"}
    assert math.isnan(result["latency_ms"]["decode"]["mean"])
    assert result["realtime_factor"] == 2.5


def test_without_a_run_all_is_unknown() -> None:
    result = Timing().result()
    assert math.isnan(result["realtime_factor"])
    assert all(math.isnan(stage["p50"]) for stage in result["latency_ms"].values())
