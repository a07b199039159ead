"""Residuals by landmark, and the landmark that has moved."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import BASE_FROM_CAMERA, CAMERA

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform, rotation_of_vector
from dalearn_ros.labels.comparison import compare, write_rows
from dalearn_ros.labels.residuals import PairCollector, match_nearest, twists
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Frame, Labels, Observations

SPACE = LabelSpace.load()
BLACK = np.zeros((384, 640, 3), np.uint8)


def _labels(pixels: np.ndarray, ranges: np.ndarray | None = None, classes: int = 2) -> Labels:
    count = len(pixels)
    return Labels(
        np.full(count, classes), np.asarray(pixels, dtype=float),
        Ragged.of([np.zeros((3, 2))] * count, 2),
        np.full(count, 20.0) if ranges is None else ranges, np.ones(count),
        np.array([f"m{i}" for i in range(count)], dtype=np.str_), np.zeros((count, 2, 2)),
        np.zeros(count, bool),
    )  # fmt: skip


def _seen(pixels: np.ndarray, classes: int = 2) -> Observations:
    count, nan = len(pixels), np.full(len(pixels), np.nan)
    return Observations(
        0, np.full(count, classes), np.asarray(pixels, dtype=float), np.ones(count),
        np.zeros((count, 2, 2)), nan, nan, np.full(count, -1),
    )  # fmt: skip


def test_pairs_are_mutual_near_and_clear() -> None:
    labels = _labels(np.array([[100.0, 100], [300, 100], [500, 100], [500, 300]]))
    seen = _seen(np.array([[104.0, 100], [290, 100], [311, 100], [560, 100], [500, 303]]))
    rows, found = match_nearest(labels, seen, 40.0)
    # the second has two about as near, the third's is beyond the gate
    assert rows.tolist() == [0, 3]
    assert found.tolist() == [0, 4]
    other = match_nearest(labels, _seen(np.array([[104.0, 100]]), classes=3), 40.0)
    assert len(other[0]) == len(other[1]) == 0


def test_velocities_of_a_turning_vehicle() -> None:
    stamps = (np.arange(20) * 100_000_000)[::-1]
    t = stamps * 1e-9
    rotation = np.array([rotation_of_vector([0, 0, 0.3 * x]) for x in t])
    position = np.stack([5.0 * t, -2.0 * t, 0.1 * t], axis=1)
    found = twists(stamps, rotation, position)
    assert np.allclose(found, [5.0, -2.0, 0.1, 0.0, 0.0, 0.3], atol=1e-9)
    alone = twists(np.array([0, 5_000_000_000]), rotation[:2], position[:2])
    assert np.isnan(alone).all()


def _drive(moved: dict[int, float]) -> PairCollector:
    """Past ten signs; those in ``moved`` are seen further to the right, metres."""
    points = np.stack(
        [np.arange(15.0, 65.0, 5.0), np.tile([-4.0, 4.0], 5), np.full(10, 2.5)], axis=1
    )
    really = points.copy()
    for row, metres in moved.items():
        really[row, 1] -= metres
    collector = PairCollector()
    rng = np.random.default_rng(1)
    for number in range(60):
        pose = Pose(number * 100_000_000, Transform.from_euler(0, 0, 0, (0.8 * number, 0, 0)))
        frame = Frame(BLACK, pose.stamp_ns, CAMERA, BASE_FROM_CAMERA, pose)
        pixels, _ = CAMERA.project(frame.camera_from_map.apply(points))
        there, _ = CAMERA.project(frame.camera_from_map.apply(really))
        rows = np.flatnonzero(CAMERA.inside(pixels) & CAMERA.inside(there))
        eye = frame.camera_from_map.inverse().translation
        labels = _labels(pixels[rows], np.linalg.norm(points[rows] - eye, axis=1))
        names = np.array([f"m{i}" for i in rows], dtype=np.str_)
        object.__setattr__(labels, "map_id", names)
        collector.add(frame, labels, _seen(there[rows] + rng.normal(0, 0.7, (len(rows), 2))))
    return collector


def test_the_moved_landmark_is_suspect_and_comes_first(tmp_path: Path) -> None:
    summary, rows = compare(_drive({3: 0.6}), SPACE)
    assert rows[0]["map_id"] == "m3"
    assert rows[0]["suspect"] == 1
    assert float(rows[0]["right_px"]) > 5.0
    assert summary["landmarks"] == 10
    assert [row["map_id"] for row in summary["suspect_landmarks"]] == ["m3"]
    assert summary["residual_median_px"]["before"] == pytest.approx(0.9, abs=0.4)
    write_rows(tmp_path / "landmarks.csv", rows)
    with (tmp_path / "landmarks.csv").open() as file:
        read = list(csv.DictReader(file))
    assert len(read) == 10
    assert read[0]["class"] == SPACE.names[2]


def test_nothing_seen_and_too_little_seen_are_said() -> None:
    empty = PairCollector()
    summary, rows = compare(empty, SPACE)
    assert summary["verdict"] == "no observation lies near a label"
    assert rows == []
    pose = Pose(0, Transform.identity())
    frame = Frame(BLACK, 0, CAMERA, BASE_FROM_CAMERA, pose)
    empty.add(frame, _labels(np.array([[100.0, 100]])), _seen(np.array([[103.0, 104]])))
    summary, rows = compare(empty, SPACE)
    assert "too few" in summary["verdict"]
    assert summary["residual_median_px"]["before"] == pytest.approx(5.0)
    assert rows[0]["right_px"] == pytest.approx(3.0)
    assert rows[0]["down_px"] == pytest.approx(4.0)
