"""The detector node over a real drive: every real image gets a result."""

from __future__ import annotations

import csv
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from dalearn_ros.bags.reader import BagReader
from dalearn_ros.bags.topics import COMPRESSED
from dalearn_ros.datasets.kitti import import_kitti

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.dds, pytest.mark.real_data, pytest.mark.timeout(420)]


def test_the_detector_runs_over_a_real_drive(
    real_data: Path, drive: Any, start: Any, tmp_path: Path
) -> None:
    shipped = ROOT / "models/landmarks-s.onnx"
    model = shipped if shipped.is_file() else drive.model
    out = tmp_path / "kitti"
    frames = import_kitti(real_data / "kitti_drive", out)["frames"]
    with BagReader(out / "bag") as reader:
        topic = reader.camera_topic()
        transport = "compressed" if reader.topics[topic] == COMPRESSED else "raw"
    side = "~/input/image/compressed" if transport == "compressed" else "~/input/image"
    journal, manifest = tmp_path / "journal.csv", tmp_path / "sent.json"
    detector = start(
        "landmark_detector", "--ros-args", "-p", f"model:={model}", "-p", "threads:=1",
        "-p", f"image_transport:={transport}", "-p", f"journal:={journal}",
        "-r", f"{side}:={topic}",
    )  # fmt: skip
    player = start(
        "bag_player", "--bag", str(out / "bag"), "--lockstep", "--wait", "300",
        "--patience", "60", "--manifest", str(manifest),
    )  # fmt: skip
    assert player.wait(400) == 0, (tmp_path / "bag_player.log").read_text()
    content = json.loads(manifest.read_text())
    assert content["unanswered_ns"] == []
    sent = content["topics"][topic]["stamps_ns"]
    assert len(sent) == frames == 51
    detector.send_signal(signal.SIGINT)
    assert detector.wait(60) == 0
    with journal.open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["stamp_ns"]) for row in rows] == sent
    assert {row["fate"] for row in rows} == {"processed"}
