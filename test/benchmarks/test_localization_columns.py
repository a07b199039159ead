"""Columns of the localization tables."""

from __future__ import annotations

from benchmarks.localization import consistency, pair

NAN = float("nan")


def test_where_every_pose_was_refused_nothing_is_claimed() -> None:
    nothing = {"availability": 0.0, "nees": NAN, "ellipse_95": NAN, "nees_samples": 0}
    assert pair({"median": NAN, "p95": NAN}) is None
    assert list(consistency(nothing).values()) == ["0.0 %", None, None, 0]


def test_errors_and_consistency_as_text() -> None:
    found = {"availability": 0.9876, "nees": 0.954, "ellipse_95": 0.94, "nees_samples": 121}
    assert pair({"median": 0.0254, "p95": 0.081}) == "0.025 (0.08)"
    assert list(consistency(found).values()) == ["98.8 %", "0.95", "94 %", 121]
