"""Player, detector, localizer and evaluator as four processes over DDS."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from dalearn_ros.nodes.chain import play_through_nodes

pytestmark = [pytest.mark.dds, pytest.mark.timeout(420)]


def test_every_frame_is_accounted_for_and_the_pose_gets_better(drive: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    metrics, counts = play_through_nodes(
        drive.bag, drive.map, drive.model, out, threads=1, patience_s=360.0
    )
    manifest = json.loads((out / "sent.json").read_text())
    sent = set(manifest["topics"]["/camera/image_raw/compressed"]["stamps_ns"])
    assert manifest["complete"]
    assert len(sent) == drive.frames

    # What arrived is known from the detector's own journal, what was sent from the player alone.
    with (out / "journal.csv").open() as file:
        journal = list(csv.DictReader(file))
    fates = [row["fate"] for row in journal]
    received = {int(row["stamp_ns"]) for row in journal}
    lost = sent - received
    assert received <= sent
    assert len(received) == len(journal), "an image has two fates"
    assert drive.frames == fates.count("processed") + fates.count("overwritten") + len(lost)
    assert counts == {
        "processed": fates.count("processed"),
        "overwritten": fates.count("overwritten"),
        "lost in transport": len(lost),
    }
    assert fates.count("processed") > 0

    # The evaluator's account, made from messages, says the same.
    skipped = metrics["frames_skipped"]
    assert metrics["frames"] + sum(skipped.values()) == drive.frames
    assert skipped.get("overwritten", 0) == counts["overwritten"]
    assert skipped.get("lost in transport", 0) == counts["lost in transport"]

    assert metrics["f1"] > 0.8
    assert metrics["localization"]["availability"] > 0.3
    better, given = (metrics[key]["lateral_m"]["median"] for key in ("localization", "prior"))
    assert better < given
    timing = json.loads((out / "results/timing.json").read_text())
    assert 0.0 < timing["latency_ms"]["inference"]["p50"] < timing["latency_ms"]["total"]["p99"]
    assert (out / "results/report.html").stat().st_size > 1000
