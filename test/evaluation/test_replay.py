"""A whole drive and a whole dataset through detector and localizer."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from helpers.tiny_attention_model import add_attention
from helpers.tiny_depth_model import add_depth

from dalearn_ros.core.errors import BagError, DatasetError, InputError, ModelError
from dalearn_ros.datasets.from_bag import label_bag
from dalearn_ros.evaluation import replay
from dalearn_ros.evaluation.drive_options import DriveOptions
from dalearn_ros.evaluation.replay import evaluate_bag, evaluate_dataset
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.zoom import ZoomDetector
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.localization.window_localizer import WindowLocalizer


def test_a_drive_is_scored(drive: Any) -> None:
    collected = evaluate_bag(drive.bag, drive.map, LandmarkDetector.load(drive.model, 1))
    metrics = collected.metrics()
    assert metrics["frames"] == drive.frames and not metrics["frames_skipped"]
    assert metrics["image_size"] == "640x360"
    assert metrics["f1"] > 0.95  # a cell's centre is at most 5.7 px from the sign's
    assert metrics["per_class"]["warning_sign"]["support"] == metrics["support"] > 50
    assert metrics["prior"]["lateral_m"]["median"] == pytest.approx(0.4, abs=1e-6)
    assert metrics["prior"]["longitudinal_m"]["median"] == pytest.approx(0.5, abs=1e-6)
    assert metrics["localization"]["lateral_m"]["median"] < 0.2
    assert metrics["localization"]["availability"] == 1.0
    timing = collected.clock.result()
    assert timing["latency_ms"]["total"]["p50"] >= timing["latency_ms"]["inference"]["p50"] > 0.0
    assert timing["realtime_factor"] > 0.0
    assert any(snapshot.encoded for snapshot in collected.gallery.best())


def test_odometry_joins_the_images_of_a_window(drive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    images: list[int] = []

    def remember(self: Any, seen: Any, prior: Any) -> Any:
        result = update(self, seen, prior)
        images.append(result.images)
        return result

    update = WindowLocalizer.update
    monkeypatch.setattr(WindowLocalizer, "update", remember)
    detector = LandmarkDetector.load(drive.model, 1)
    evaluate_bag(drive.bag, drive.map, detector)
    assert max(images) > 2
    with pytest.raises(BagError, match=r"expected nav_msgs/msg/Odometry on the topic /local"):
        options = DriveOptions(odometry_topic="/localization/prior")
        evaluate_bag(drive.bag, drive.map, detector, options)
    images.clear()
    monkeypatch.setattr(replay, "ODOMETRY_TOPIC", "/not/there")
    evaluate_bag(drive.bag, drive.map, detector)
    assert set(images) <= {0, 1}  # without odometry each image is by itself
    monkeypatch.setattr(replay, "ODOMETRY_TOPIC", "/localization/prior")  # of another type
    collected = evaluate_bag(drive.bag, drive.map, detector)
    assert collected.source["odometry"] == "none"


def test_without_a_true_pose_only_detection_is_scored(drive: Any, other_truth: Any) -> None:
    metrics = evaluate_bag(
        other_truth.bag, other_truth.map, LandmarkDetector.load(drive.model, 1)
    ).metrics()
    assert metrics["f1"] > 0.9
    assert math.isnan(metrics["localization"]["lateral_m"]["median"])
    named = evaluate_bag(
        other_truth.bag,
        other_truth.map,
        LandmarkDetector.load(drive.model, 1),
        DriveOptions(truth_topic="/localization/kinematic_state"),
    ).metrics()
    assert math.isfinite(named["localization"]["lateral_m"]["median"])


def test_images_that_were_taken_later_than_stamped_need_the_offset(drive: Any) -> None:
    """The drive's stamps are right: an offset of 0.1 s, 0.8 m, spoils it."""
    detector = LandmarkDetector.load(drive.model, 1)
    found = [
        evaluate_bag(drive.bag, drive.map, detector, DriveOptions(time_offset_ns=ns)).metrics()
        for ns in (0, 100_000_000)
    ]
    assert [one["frames"] for one in found] == [drive.frames, drive.frames]
    assert found[1]["f1"] < found[0]["f1"] - 0.05
    # Prior and truth are taken at the same moment.
    for one in found:
        assert one["prior"]["longitudinal_m"]["median"] == pytest.approx(0.5, abs=1e-6)


def test_a_closer_look_where_the_prior_pose_predicts(drive: Any, other_truth: Any) -> None:
    detector = LandmarkDetector.load(drive.model, 1)
    plain = evaluate_bag(drive.bag, drive.map, detector).metrics()
    places: list[int] = []

    class Counting(ZoomDetector):
        def detect(self, image_bgr: Any, stamp_ns: int = 0, *words: Any) -> Any:
            places.append(len(words[0]))
            return super().detect(image_bgr, stamp_ns, *words)

    closer = evaluate_bag(drive.bag, drive.map, Counting(detector)).metrics()
    assert len(places) == drive.frames and max(places) >= 4
    assert closer["support"] == plain["support"]
    assert closer["f1"] > 0.9  # the model sees cells, which a window need not begin with
    with pytest.raises(BagError, match=r"prior poses to look closer by.*--zoom"):
        evaluate_bag(other_truth.bag, other_truth.map, ZoomDetector(detector))


def test_an_unknown_truth_topic_is_named(drive: Any) -> None:
    with pytest.raises(BagError, match="/no/such"):
        evaluate_bag(
            drive.bag,
            drive.map,
            LandmarkDetector.load(drive.model, 1),
            DriveOptions(truth_topic="/no/such"),
        )


def test_a_dataset_is_scored(drive: Any, tmp_path: Path) -> None:
    label_bag(drive.bag, drive.map, tmp_path / "data", "/ground_truth/pose")
    collected = evaluate_dataset(tmp_path / "data", LandmarkDetector.load(drive.model, 1))
    metrics = collected.metrics()
    assert metrics["frames"] == drive.frames and metrics["f1"] > 0.95
    assert math.isnan(metrics["prior"]["availability"])
    (tmp_path / "data" / "images").rename(tmp_path / "data" / "gone")
    with pytest.raises(InputError, match="images that can be read"):
        evaluate_dataset(tmp_path / "data", LandmarkDetector.load(drive.model, 1))


def test_a_model_with_depth_is_told_the_drives_camera(
    drive: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: Any) -> None:
        raise DatasetError("a damaged calibration")

    flat = evaluate_bag(drive.bag, drive.map, LandmarkDetector.load(drive.model, 1)).metrics()
    shutil.copy(drive.model, tmp_path / "deep.onnx")
    deep = LandmarkDetector.load(add_depth(tmp_path / "deep.onnx"), 1)
    for detector in (deep, ZoomDetector(deep)):
        found = evaluate_bag(drive.bag, drive.map, detector).metrics()
        assert found["f1"] >= flat["f1"] and not found["frames_skipped"]
        assert abs(found["distance"]["abs_rel"] - flat["distance"]["abs_rel"]) > 0.05
    told = evaluate_bag(drive.bag, drive.map, deep).metrics()["distance"]["abs_rel"]
    label_bag(drive.bag, drive.map, tmp_path / "data", "/ground_truth/pose")
    labelled = evaluate_dataset(tmp_path / "data", deep).metrics()["distance"]["abs_rel"]
    assert labelled == pytest.approx(told, rel=0.02)
    monkeypatch.setattr(replay, "camera_of", damaged)  # as many images, by the distance head
    found = evaluate_dataset(tmp_path / "data", deep).metrics()
    assert found["frames"] == drive.frames and not found["frames_skipped"]
    assert found["distance"]["abs_rel"] == pytest.approx(flat["distance"]["abs_rel"], rel=0.02)


def test_the_worst_frames_show_where_the_network_looked(drive: Any, tmp_path: Path) -> None:
    shutil.copy(drive.model, tmp_path / "attentive.onnx")
    path = add_attention(tmp_path / "attentive.onnx")
    detector = LandmarkDetector.load(path, 1, {"score_threshold": 0.999999})  # it sees nothing
    label_bag(drive.bag, drive.map, tmp_path / "data", "/ground_truth/pose")
    for collected in (
        evaluate_bag(drive.bag, drive.map, detector),
        evaluate_dataset(tmp_path / "data", detector),
    ):
        worst = collected.gallery.worst()
        assert worst and all(one.attention.attention.shape == (45, 80) for one in worst)
        assert all(one.attention.attention.max() > 0.9 for one in worst)
        collected.write(tmp_path / "out")
        page = (tmp_path / "out/report.html").read_text()
        assert page.count("data:image/jpeg") == 2 * len(worst) + len(collected.gallery.best())
        assert page.count(": attention, 0.5") == 2 * len(worst)  # each in alt and in its caption
        assert "After each frame, where the network looked" in page
    plain = LandmarkDetector.load(drive.model, 1, {"score_threshold": 0.999999})
    for other in (plain, ZoomDetector(plain)):
        collected = evaluate_bag(drive.bag, drive.map, other)
        assert all(one.attention is None for one in collected.gallery.worst())
        collected.write(tmp_path / "out")
        assert "attention" not in (tmp_path / "out/report.html").read_text()


def test_a_broken_frame_is_skipped_and_counted(drive: Any) -> None:
    detector = LandmarkDetector.load(drive.model, 1)

    class Picky:
        label_space = detector.label_space
        last_timing_ms: ClassVar[dict[str, float]] = {}
        calls = 0

        def detect(self, image_bgr: np.ndarray, stamp_ns: int = 0) -> Any:
            self.calls += 1
            if self.calls % 4 == 0:
                raise InputError("image: broken")
            return detector.detect(image_bgr, stamp_ns)

    metrics = evaluate_bag(drive.bag, drive.map, Picky()).metrics()
    assert metrics["frames_skipped"] == {"detector": 5} and metrics["frames"] == 15


def test_a_model_of_other_classes_is_refused(drive: Any, tmp_path: Path) -> None:
    other = LabelSpace.from_dict({"classes": [{"name": "cone", "rule": "center"}]})

    class Other:
        label_space = other
        last_timing_ms: ClassVar[dict[str, float]] = {}

        def detect(self, image_bgr: np.ndarray, stamp_ns: int = 0) -> Any:
            raise AssertionError

    with pytest.raises(ModelError, match="cone"):
        evaluate_bag(drive.bag, drive.map, Other())
