"""The table of what a subscriber of attention costs the node, from numbers by hand."""

from __future__ import annotations

import os
import time

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("torch")

from benchmarks import node_attention


def test_a_row_counts_and_takes_medians() -> None:
    clouds, maps = {0: 40_000_000, 1_000_000: 61_000_000, 2_000_000: 52_000_000}, {0: 70_000_000}
    row = node_attention.row_of(True, 5, clouds, maps, [80.0, 90.0, 200.0])
    assert (row["landmarks"], row["after, ms"]) == ("3 of 5", pytest.approx(50.0))
    assert (row["maps"], row["after, ms "]) == ("1 of 5", pytest.approx(70.0))
    assert row["processor time an image, ms"] == 90.0
    other = node_attention.row_of(False, 5, {}, {}, [80.0])
    assert (other["maps"], other["after, ms "]) == ("–", None)
    assert list(other) == list(row)


def test_processor_time_is_that_of_the_process() -> None:
    until, before = time.process_time() + 0.05, node_attention.cpu_s(os.getpid())
    while time.process_time() < until:
        pass
    assert 0.03 <= node_attention.cpu_s(os.getpid()) - before < 1.0
