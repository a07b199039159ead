"""The table of the detector node's latency, from a journal by hand."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy")

from benchmarks.node_latency import summary


def row(stamp_ns: int, fate: str, inference: str = "", total: str = "") -> dict[str, str]:
    known = {"stamp_ns": str(stamp_ns), "fate": fate, "reason": ""}
    return {**known, "wait_ms": "1.5", "inference_ms": inference, "total_ms": total}


def test_every_image_that_was_sent_is_somewhere() -> None:
    journal = [
        row(0, "processed", "30", "99"),  # the warm-up
        row(50_000_000, "processed", "30", "31"),
        row(60_000_000, "overwritten"),
        row(100_000_000, "processed", "30", "32"),
        row(110_000_000, "skipped"),
        row(150_000_000, "processed", "30", "33"),
    ]
    stamps = [int(r["stamp_ns"]) for r in journal] + [160_000_000]
    found = {r["figure"]: r["value"] for r in summary(journal, stamps, 1, (7, 7))}
    assert found["overhead, median"] == "2.00 ms"
    assert found["overhead, 99 %"] == "2.98 ms"
    assert found["without waiting, median"] == "0.50 ms"
    assert found["processed rate"] == "20.0 Hz"
    assert found["dropped: overwritten by a newer one, or skipped"] == "1, 1"
    assert found["lost in transport"] == "1"
    assert found["processed + dropped + lost = sent"] is True


def test_too_few_images_are_a_sentence() -> None:
    with pytest.raises(SystemExit, match="too few to time"):
        summary([row(0, "processed", "30", "31")], [0], 1, (1, 1))
