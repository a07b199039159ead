"""Labels of a camera that reads its image row by row, from a bag and by hand."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import BASE_FROM_CAMERA, CAMERA, POSE_TOPIC, jpeg, write_street
from scipy.optimize import brentq

from dalearn_ros.bags.reader import BagReader
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.cli.main import main
from dalearn_ros.datasets import Dataset
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels import Labeller
from dalearn_ros.landmarks.types import Labels
from dalearn_ros.maps import load_map

STEP_NS = 10_000_000
FRAMES = (0, 40, 80, 120)  # numbers of the poses at whose time an image was taken
READOUT_S = 0.033
LENS = dataclasses.replace(CAMERA, distortion=np.array([-0.1, 0.02, 0.0, 0.0]))


def _pose(number: int) -> Pose:
    """15 m/s, nodding by 1 degree and turning to and fro by 3."""
    t = number * STEP_NS * 1e-9
    pitch, yaw = np.radians(1.0) * np.sin(9.0 * t), np.radians(3.0) * np.sin(6.0 * t)
    where = Transform.from_euler(0.0, pitch, yaw, (2.0 + 15.0 * t, -1.75, 0.0))
    return Pose(number * STEP_NS, where)


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    write_street(tmp_path / "map")
    with BagWriter(tmp_path / "bag") as bag:
        bag.transforms("/tf_static", 0, {("base_link", LENS.name): BASE_FROM_CAMERA})
        for number in range(FRAMES[-1] + 3):  # the last pose is 20 ms after the last image
            pose = _pose(number)
            bag.pose(POSE_TOPIC, pose)
            if number in FRAMES:
                bag.camera_info("/camera/camera_info", pose.stamp_ns, LENS)
                bag.compressed_image("/camera/image/compressed", pose.stamp_ns, jpeg(), LENS.name)
    return tmp_path


def _labelled(drive: Path, name: str, *more: str) -> Dataset:
    words = ["--bag", f"{drive}/bag", "--map", f"{drive}/map", "--out", f"{drive}/{name}"]
    assert main(["label", *words, *more]) == 0
    return Dataset.open(drive / name)


def _seen_at(drive: Path, labels: Labels, stamp_ns: int, readout_s: float) -> np.ndarray:
    """Where each landmark is when its own row is read: the time by a scalar root finder."""
    landmarks = load_map(drive / "map")
    pixels = []
    with BagReader(drive / "bag") as reader:
        poses = reader.trajectory(POSE_TOPIC)
    for name in labels.map_id:
        point = landmarks.point_m[landmarks.ids == name]

        def project(t_ns: float, point: np.ndarray = point) -> np.ndarray:
            low = int(t_ns // 1)
            ends = [
                LENS.project(
                    (poses.at(stamp_ns + t).map_from_base @ BASE_FROM_CAMERA).inverse().apply(point)
                )[0][0]
                for t in (low, low + 1)
            ]
            return np.asarray(ends[0] + (t_ns - low) * (ends[1] - ends[0]))

        def ahead(t_ns: float) -> float:
            share = t_ns * 1e-9 / abs(readout_s)
            read = share if readout_s > 0 else 1.0 - share
            return float(project(t_ns)[1] - (LENS.height * read - 0.5))

        pixels.append(project(brentq(ahead, 0.0, abs(readout_s) * 1e9, xtol=1e-2)))  # type: ignore[arg-type]
    return np.array(pixels)


@pytest.mark.parametrize("word", ["33", "-33"])
def test_every_point_is_labelled_at_the_time_of_its_row(drive: Path, word: str) -> None:
    dataset = _labelled(drive, "rolling", "--readout-ms", word)
    plain = _labelled(drive, "plain")
    readout_s = float(word) * 1e-3
    assert dataset.source["readout_s"] == pytest.approx(readout_s)
    checked, shift = 0, 0.0
    for row in range(len(dataset)):
        labels = dataset.labels(row)
        labels = labels.select(LENS.inside(labels.point_px))
        expected = _seen_at(drive, labels, int(dataset.meta(row)["stamp_ns"]), readout_s)
        np.testing.assert_allclose(labels.point_px, expected, atol=0.01)
        checked += len(labels)
        other = plain.labels(row)
        both, here, there = np.intersect1d(labels.map_id, other.map_id, return_indices=True)
        apart = labels.point_px[here] - other.point_px[there]
        shift = max(shift, float(np.abs(apart).max())) if len(both) else shift
    assert checked >= 10
    assert shift > 3.0


def test_outlines_and_shares_follow_the_rows(drive: Path) -> None:
    """A tall face: each corner of the outline lies at the time of its own row."""
    landmarks = load_map(drive / "map")
    with BagReader(drive / "bag", readout_s=READOUT_S) as reader:
        frame = next(f for f in reader.frames(None, POSE_TOPIC) if f.stamp_ns > 0)
        poses = reader.trajectory(POSE_TOPIC)
    labels = Labeller(landmarks).label(frame).labels
    sign = int(np.flatnonzero(labels.class_id == 2)[0])
    corners = landmarks.outlines_m[int(np.flatnonzero(landmarks.ids == labels.map_id[sign])[0])]
    outline = np.asarray(labels.outlines_px[sign])
    for corner in corners:
        rows = LENS.project(frame.camera_from_map.apply(corner[None]))[0][0]
        for _ in range(20):
            when = frame.stamp_ns + round((rows[1] + 0.5) / LENS.height * READOUT_S * 1e9)
            at = (poses.at(when).map_from_base @ BASE_FROM_CAMERA).inverse()
            rows = LENS.project(at.apply(corner[None]))[0][0]
        assert np.linalg.norm(outline - rows, axis=1).min() < 0.01
    assert labels.visible[sign] == 1.0


def test_a_cloud_is_moved_to_the_rows_like_the_landmarks(drive: Path) -> None:
    """Returns on a sign itself hide nothing of it; returns well before it do."""
    landmarks = load_map(drive / "map")
    with BagReader(drive / "bag", readout_s=READOUT_S) as reader:
        frame = next(f for f in reader.frames(None, POSE_TOPIC) if f.stamp_ns > 0)
    labeller = Labeller(landmarks)
    row = int(np.flatnonzero(landmarks.class_id == 2)[0])
    for before_m, visible in ((0.0, 1.0), (12.0, 0.0)):
        low, high = landmarks.outlines_m[row].min(axis=0), landmarks.outlines_m[row].max(axis=0)
        y, z = np.meshgrid(np.linspace(low[1], high[1], 20), np.linspace(low[2], high[2], 20))
        face = np.stack([np.full(y.size, low[0]), y.ravel(), z.ravel()], axis=1)
        eye = frame.camera_from_map.inverse().translation
        away = face - eye
        distance = np.linalg.norm(away, axis=1)[:, None]
        cloud = frame.camera_from_map.apply(eye + away * (1.0 - before_m / distance))
        result = labeller.label(frame, cloud)
        seen = result.labels.visible[result.labels.map_id == landmarks.ids[row]]
        assert (seen.tolist() or [0.0]) == [visible]


def test_no_readout_is_the_global_shutter_bit_for_bit(drive: Path) -> None:
    _labelled(drive, "plain")
    _labelled(drive, "zero", "--readout-ms", "0")
    annotations = [(drive / n / "annotations.json").read_bytes() for n in ("plain", "zero")]
    assert annotations[0] == annotations[1]


def test_rows_past_the_last_pose_leave_the_frame_out(drive: Path) -> None:
    """The last image is stamped 20 ms before the last pose."""
    short = _labelled(drive, "short", "--readout-ms", "19")
    long = _labelled(drive, "long", "--readout-ms", "-33")
    assert len(short) == len(FRAMES)
    assert len(long) == len(FRAMES) - 1
    audit = json.loads((drive / "long" / "audit.json").read_text())
    assert audit["frames_skipped"] == {"pose:after_end": 1}


def test_a_readout_in_seconds_is_not_taken_for_milliseconds(
    drive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--bag", f"{drive}/bag", "--map", f"{drive}/map", "--out", f"{drive}/x"]
    assert main(["label", *words, "--readout-ms", "33000"]) == 1
    assert "milliseconds between -500 and 500, found 33000" in capsys.readouterr().err
    assert not (drive / "x").exists()
