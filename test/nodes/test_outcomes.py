"""What became of the images of one camera, though there are others and the detector ran before."""

from __future__ import annotations

from pathlib import Path

import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.nodes.outcomes import CounterLog, outcomes, remove_manifest, sent_stamps

FRONT, REAR = "/front/image_raw", "/rear/image_raw/compressed"
MANIFEST = {
    "topics": {
        FRONT: {"type": "sensor_msgs/msg/Image", "stamps_ns": [1, 2, 3]},
        REAR: {"type": "sensor_msgs/msg/CompressedImage", "stamps_ns": [4, 5]},
        "/front/depth": {"type": "sensor_msgs/msg/Image", "stamps_ns": [6]},
        "/truth": {"type": "geometry_msgs/msg/PoseStamped", "stamps_ns": [7]},
    }
}


@pytest.mark.parametrize(
    ("topic", "stamps"),
    [
        (REAR, {4, 5}),
        (f"{FRONT}/compressed", {1, 2, 3}),  # the detector reads it raw
        ("/evaluator/input/image/compressed", {1, 2, 3, 4, 5}),  # judged by no topic of the bag
        ("/truth", {1, 2, 3, 4, 5}),
    ],
)
def test_only_the_judged_camera_counts(topic: str, stamps: set[int]) -> None:
    assert sent_stamps(MANIFEST, topic) == stamps


def test_more_received_than_sent_loses_none_and_hides_none() -> None:
    found = outcomes(set(range(10)), set(range(7)), {"received": 14, "processed": 14})
    assert found == {"processed": 7, "no result": 3}


def test_counters_from_before_the_drive_are_taken_off() -> None:
    log = CounterLog()
    assert log.since(None) == {} == log.since(5)
    for heard, received in ((10, 90), (20, 100), (40, 117)):
        report = {"received": str(received), "skipped.late": "2", "rate_hz": "4.00", "x": "text"}
        log.add(report, heard)
    assert log.since(30) == {"received": 17, "skipped.late": 0}
    assert log.since(20) == {"received": 17, "skipped.late": 0}
    assert log.since(5) == log.since(None) == {"received": 117, "skipped.late": 2}
    log.add({"received": "6"}, 50)  # the detector was started anew
    assert log.since(30) == {"received": 6}


def test_a_reason_that_is_new_since_the_drive_began_counts() -> None:
    log = CounterLog()
    log.add({"received": "3"}, 10)
    log.add({"received": "9", "skipped.late": "4"}, 20)
    assert log.since(15) == {"received": 6, "skipped.late": 4}


def test_a_manifest_that_cannot_be_removed_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "sent.json").mkdir()
    with pytest.raises(InputError, match=r"sent\.json: cannot be removed \("):
        remove_manifest(tmp_path / "sent.json")
    remove_manifest(tmp_path / "none.json")
