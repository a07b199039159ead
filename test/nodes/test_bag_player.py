"""What the bag player sends, and what not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.changed_bag import change_bag
from helpers.small_drive import write_bag

from dalearn_ros.bags.result_bag import LANDMARKS_TOPIC, OURS, POSE_TOPIC
from dalearn_ros.bags.storage import Bag, RawMessage
from dalearn_ros.core.errors import InputError
from dalearn_ros.nodes.bag_player_options import parser
from dalearn_ros.nodes.bag_player_topics import is_result, lockstep_topic, topics_to_play

IMAGE = "/camera/image_raw/compressed"
REAR = "/rear/image_raw/compressed"
OTHERS = (LANDMARKS_TOPIC, POSE_TOPIC, "/landmark_detector/output/rear/landmarks", "/diagnostics")


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three images of two cameras, and results of an earlier run; their content does not matter."""
    folder = tmp_path_factory.mktemp("player")
    write_bag(folder / "plain", frames=3)

    def more(message: RawMessage) -> Iterable[RawMessage]:
        yield message
        if message.topic == IMAGE:
            yield from (message._replace(topic=topic) for topic in (REAR, *OTHERS))

    return change_bag(folder / "plain", folder / "bag", more)


def options_of(bag: Path, *words: str) -> Any:
    return parser().parse_args(["--bag", str(bag), *words])


def test_recorded_results_are_left_out_unless_they_are_named(bag: Path) -> None:
    with Bag(bag) as opened:
        played, left_out = topics_to_play(opened, options_of(bag))
        assert set(left_out) == set(OTHERS) and not set(OTHERS) & set(played)
        assert {IMAGE, REAR, "/camera/camera_info", "/ground_truth/pose"} <= set(played)
        named = topics_to_play(opened, options_of(bag, "--topics", LANDMARKS_TOPIC, IMAGE))
        assert set(named[0]) == {LANDMARKS_TOPIC, IMAGE} and named[1] == {}
        _, left_out = topics_to_play(opened, options_of(bag, "--result", REAR))
        assert REAR in left_out
    assert all(is_result(topic, "") for topic in (*OURS, "/clock", "/rosout"))
    assert not is_result("/landmark_detector/input/image", "")


def test_lockstep_needs_one_camera() -> None:
    bag, images = Path("bag"), [IMAGE, REAR, "/camera/depth"]
    assert lockstep_topic(bag, images[::2]) == IMAGE
    assert lockstep_topic(bag, images, REAR) == REAR
    with pytest.raises(InputError, match=rf"found {IMAGE}, {REAR}\. .*--lockstep-topic"):
        lockstep_topic(bag, images)
    with pytest.raises(InputError, match="images on /none for --lockstep-topic, found /camera"):
        lockstep_topic(bag, images, "/none")


@pytest.mark.dds
def test_a_bag_with_results_and_two_cameras_is_played(
    bag: Path, listener: Any, tmp_path: Path
) -> None:
    from sensor_msgs.msg import CompressedImage, PointCloud2

    from dalearn_ros.nodes.bag_player import Player

    manifest = tmp_path / "sent.json"
    words = ("--lockstep", "--lockstep-topic", IMAGE, "--patience", "0.1")
    options = options_of(bag, *words, "--manifest", str(manifest))
    listener.create_subscription(CompressedImage, IMAGE, lambda _: None, 1)  # nobody on REAR
    listener.create_publisher(PointCloud2, options.result, 1)
    listener.create_subscription(PointCloud2, options.result, lambda _: None, 1)
    with Bag(bag) as opened:
        player = Player(opened, options, SimpleNamespace(asked=False))  # type: ignore[arg-type]
        before = time.time_ns()
        player.play()
        player.destroy_node()
    sent = json.loads(manifest.read_text())
    assert set(player.left_out) == set(OTHERS) and not set(OTHERS) & set(sent["topics"])
    assert sent["unanswered_ns"] == sent["topics"][IMAGE]["stamps_ns"] != []
    assert len(sent["topics"][REAR]["stamps_ns"]) == 3
    assert before < sent["began_unix_ns"] < time.time_ns()


@pytest.mark.dds
def test_an_earlier_manifest_goes_before_the_bag_is_opened(start: Any, tmp_path: Path) -> None:
    manifest = tmp_path / "sent.json"
    manifest.write_text("{}")
    child = start("bag_player", "--bag", str(tmp_path / "none"), "--manifest", str(manifest))
    assert child.wait(120) == 1 and not manifest.exists()
    assert "there is no such bag" in (tmp_path / "bag_player.log").read_text()
