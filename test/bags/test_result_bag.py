"""A bag of results: the drive's own bytes, and messages that say what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.small_drive import CAMERA, pose_at, write_bag

from dalearn_ros.bags.definitions import TEXTS
from dalearn_ros.bags.observation_rows import ROW
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.bags.result_bag import (
    ANNOTATIONS_TOPIC,
    DETECTIONS_TOPIC,
    LABEL_INFO_TOPIC,
    LANDMARKS_TOPIC,
    OURS,
    POSE_TOPIC,
    result_bag,
)
from dalearn_ros.bags.result_messages import ResultMessages
from dalearn_ros.bags.storage import Bag
from dalearn_ros.core.errors import InputError
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels, Observations

IMAGES = "/camera/image_raw/compressed"
SPACE = LabelSpace.load()
ROOT = Path(__file__).resolve().parents[2]


def seen_at(stamp_ns: int) -> Observations:
    """One sign in the middle column, 10 m away, sigma 2 px and 1 px, 0.5 m."""
    return Observations(
        stamp_ns=stamp_ns,
        class_id=np.array([2]),
        point_px=np.array([[CAMERA.matrix[0, 2], 150.0]]),
        score=np.array([0.75]),
        covariance_px2=np.array([[[4.0, 0.0], [0.0, 1.0]]]),
        range_m=np.array([10.0]),
        sigma_range_m=np.array([0.5]),
        track_id=np.array([7]),
    )


def truth() -> Labels:
    corners = np.array([[10.0, 20.0], [30.0, 20.0], [30.0, 40.0]])
    return Labels(
        class_id=np.array([2]),
        point_px=np.array([[20.0, 30.0]]),
        outlines_px=Ragged(corners, np.array([0, 3])),
        range_m=np.array([10.0]),
        visible=np.array([1.0]),
        map_id=np.array(["a"]),
        covariance_px2=np.full((1, 2, 2), np.nan),
        ignore=np.array([False]),
    )


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drive") / "bag"
    write_bag(folder, 6, broken=(2,))
    return folder


def write_results(source: Path, out: Path) -> None:
    with (
        result_bag(source, IMAGES, out, SPACE, 0.25, "map") as results,
        BagReader(source) as reader,
    ):
        for number, frame in enumerate(reader.frames()):
            pose = pose_at(5 * number) if number % 2 else None
            results.add(frame, seen_at(frame.stamp_ns), truth(), pose)


def messages(bag: Path, *topics: str) -> list[Any]:
    with Bag(bag) as opened:
        return [opened.decode(raw) for raw in opened.raw(topics)]


def test_the_drive_is_copied_byte_by_byte_and_results_follow_their_image(
    drive: Path, tmp_path: Path
) -> None:
    write_results(drive, tmp_path / "out")
    with Bag(drive) as before, Bag(tmp_path / "out") as after:
        everything = list(after.raw())
        assert [one for one in everything if one.topic not in OURS] == list(before.raw())
        counts = {topic: after.counts[topic] for topic in OURS}
        assert after.topics[DETECTIONS_TOPIC] == "vision_msgs/msg/Detection2DArray"
    # Six images, one of them half-written; a pose for every second of the others.
    assert counts == {
        LANDMARKS_TOPIC: 5, DETECTIONS_TOPIC: 5, ANNOTATIONS_TOPIC: 5, LABEL_INFO_TOPIC: 1,
        POSE_TOPIC: 2,
    }  # fmt: skip
    order = [one.topic for one in everything if one.topic in (IMAGES, LANDMARKS_TOPIC)]
    pair = [IMAGES, LANDMARKS_TOPIC]
    assert order == [*pair, *pair, IMAGES, *pair, *pair, *pair]
    times = [one.log_ns for one in everything]
    assert times == sorted(times)


def test_the_same_results_give_the_same_bytes(drive: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_results(drive, tmp_path / name / "bag")
    for file in ("bag.mcap", "metadata.yaml"):
        first, second = ((tmp_path / name / "bag" / file).read_bytes() for name in ("a", "b"))
        assert first == second


def test_messages_say_what_was_found(drive: Path, tmp_path: Path) -> None:
    write_results(drive, tmp_path / "out")
    cloud = messages(tmp_path / "out", LANDMARKS_TOPIC)[0]
    (row,) = np.frombuffer(cloud.data, ROW)
    assert (cloud.point_step, cloud.row_step, cloud.header.frame_id) == (52, 52, CAMERA.name)
    assert [field.name for field in cloud.fields] == list(ROW.names or ())
    assert (row["class_id"], row["track_id"], row["score"]) == (2, 7, 0.75)
    # 41.5 px above the axis at f = 500 px: the ray is (0, -0.083, 1), 10 m along it.
    length = np.hypot(0.083, 1.0)
    assert [row["x"], row["y"], row["z"]] == pytest.approx([0.0, -0.83 / length, 10 / length])
    (one,) = messages(tmp_path / "out", DETECTIONS_TOPIC)[0].detections
    assert (one.bbox.size_x, one.bbox.size_y) == (12.0, 6.0)
    assert (one.results[0].hypothesis.class_id, one.id) == ("2", "7")
    assert one.results[0].pose.pose.position.z == pytest.approx(10 / length)
    (info,) = messages(tmp_path / "out", LABEL_INFO_TOPIC)
    assert [named.class_name for named in info.class_map] == list(SPACE.names)
    assert info.threshold == 0.25


def test_annotations_count_pixels_from_the_corner(drive: Path, tmp_path: Path) -> None:
    write_results(drive, tmp_path / "out")
    drawn = messages(tmp_path / "out", ANNOTATIONS_TOPIC)[0]
    (ring,), (text,), (outline,) = drawn.circles, drawn.texts, drawn.points
    assert (ring.position.x, ring.position.y) == (CAMERA.matrix[0, 2] + 0.5, 150.5)
    assert text.text == f"{SPACE.names[2]} 0.75"
    assert [(p.x, p.y) for p in outline.points] == [(10.5, 20.5), (30.5, 20.5), (30.5, 40.5)]
    assert outline.type == 2  # a closed line


def test_a_place_that_is_taken_is_refused_and_a_failure_leaves_nothing(
    drive: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").touch()
    with pytest.raises(InputError, match="exists already"):
        write_results(drive, tmp_path / "taken")
    with pytest.raises(RuntimeError), result_bag(drive, IMAGES, tmp_path / "o", SPACE, 0.2):
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_definitions_are_those_of_the_packages_that_the_nodes_are_built_with() -> None:
    folder = ROOT / "underlay/definitions/vision_msgs/msg"
    for path in folder.glob("*.msg"):
        lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
        assert TEXTS[f"vision_msgs/msg/{path.stem}"].split("\n") == [*filter(None, lines), ""]
    hashes = {
        "vision_msgs/msg/Detection2DArray": (
            "RIHS01_214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968"
        )
    }
    store = ResultMessages().typestore
    for name, expected in hashes.items():
        assert store.hash_rihs01(name) == expected
