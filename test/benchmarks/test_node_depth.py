"""The table of what a subscriber of depth gets, from arrivals by hand."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("torch")

from benchmarks import node_depth


def test_a_row_counts_and_takes_the_median() -> None:
    clouds = {0: 40_000_000, 1_000_000: 61_000_000, 2_000_000: 52_000_000}
    row = node_depth.row_of("the node's", True, 5, clouds, {0: 70_000_000})
    assert (row["landmarks"], row["after, ms"]) == ("3 of 5", pytest.approx(50.0))
    assert (row["depth images"], row["after, ms "]) == ("1 of 5", pytest.approx(70.0))
    row = node_depth.row_of("the node's", False, 5, {}, {})
    assert (row["after, ms"], row["depth images"], row["after, ms "]) == (None, "–", None)


def test_the_profile_is_the_childs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(node_depth.VARIABLE, raising=False)
    for file in node_depth.TRANSPORTS.values():
        with node_depth.profile(file):
            assert bool(file) == (node_depth.VARIABLE in os.environ)
            assert not file or os.path.isfile(os.environ[node_depth.VARIABLE])
        assert node_depth.VARIABLE not in os.environ
