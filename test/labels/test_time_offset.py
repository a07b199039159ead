"""A known time offset is found again from geometry alone, and its absence of evidence is said."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform
from dalearn_ros.labels.time_offset import estimate_time_offset
from dalearn_ros.labels.time_scan import View
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Frame, Labels, Observations

CAMERA = Camera(
    1280, 720, np.array([[1000.0, 0, 640], [0, 1000, 360], [0, 0, 1]]), np.array([-0.2, 0.04, 0, 0])
)
MOUNTING = Transform(LINK_FROM_OPTICAL.rotation, np.array([1.5, 0.0, 1.5]))
BLACK = np.broadcast_to(np.uint8(0), (720, 1280, 3))
Path = Callable[[float], Transform]


def lively(t: float) -> Transform:
    """Speed between 4 and 16 m/s, and turns."""
    x = 10.0 * t - 10.0 * (np.cos(0.6 * t) - 1.0)
    return Transform.from_euler(0, 0, 0.25 * np.sin(0.5 * t), (x, 3.0 * np.sin(0.25 * t), 0))


def straight(t: float) -> Transform:
    return Transform.from_euler(0, 0, 0, (10.0 * t, 0, 0))


def standing(t: float) -> Transform:
    return straight(3.0)


def trajectory(path: Path, seed: int = 1) -> Trajectory:
    """Poses at 50 Hz from -1 s to 31 s, shuffled, some of them twice."""
    stamps = np.arange(-1.0, 31.0, 0.02)
    order = np.random.default_rng(seed).permutation(np.r_[np.arange(len(stamps)), 5, 5, 90])
    poses = [path(t) for t in stamps]
    return Trajectory(
        (stamps[order] * 1e9).astype(np.int64),
        np.array([poses[i].translation for i in order]),
        np.array([poses[i].quaternion for i in order]),
    )


def views(path: Path, offset_s: float, landmarks: int = 60) -> list[View]:
    """A frame every 0.2 s: labels at its stamp, observations of the moment of the exposure."""
    rng = np.random.default_rng(4)
    x = np.linspace(10.0, 340.0, landmarks)
    side = rng.choice([-1.0, 1.0], landmarks) * rng.uniform(3.0, 9.0, landmarks)
    points = np.stack([x, side, rng.choice([0.0, 2.5, 5.0], landmarks)], axis=1)
    classes = rng.integers(1, 4, landmarks)
    made = []
    for t in np.arange(0.0, 30.0, 0.2):
        nominal, true = path(t) @ MOUNTING, path(t + offset_s) @ MOUNTING
        label_px, valid = CAMERA.project(nominal.inverse().apply(points))
        seen_px, _ = CAMERA.project(true.inverse().apply(points))
        away = np.linalg.norm(points - nominal.translation, axis=1)
        rows = np.flatnonzero(valid & CAMERA.inside(label_px) & (away < 60.0))
        labels = Labels(
            class_id=classes[rows], point_px=label_px[rows],
            outlines_px=Ragged.of([np.zeros((3, 2))] * len(rows), 2), range_m=away[rows],
            visible=np.ones(len(rows)), map_id=np.array([f"m{i}" for i in rows], dtype=np.str_),
            covariance_px2=np.zeros((len(rows), 2, 2)), ignore=np.zeros(len(rows), bool),
        )  # fmt: skip
        rows = rows[CAMERA.inside(seen_px[rows]) & (rng.random(len(rows)) < 0.8)]
        pixels = seen_px[rows] + rng.normal(0.0, 1.5, (len(rows), 2))
        wrong = rng.random(len(rows)) < 0.1
        pixels[wrong] = rng.uniform(0.0, [1280.0, 720.0], (int(wrong.sum()), 2))
        nothing = np.full(len(rows), np.nan)
        seen = Observations(
            round(t * 1e9), classes[rows], pixels, np.ones(len(rows)),
            np.tile(np.eye(2), (len(rows), 1, 1)), nothing, nothing, np.full(len(rows), -1),
        )  # fmt: skip
        stamp = round(t * 1e9)
        made.append(View(Frame(BLACK, stamp, CAMERA, MOUNTING, Pose(stamp, path(t))), labels, seen))
    return made


@pytest.mark.parametrize("offset_s", [-0.120, 0.0, 0.035])
def test_a_known_offset_is_found_to_a_few_milliseconds(offset_s: float) -> None:
    found = estimate_time_offset(views(lively, offset_s), trajectory(lively))
    assert found.offset_ns * 1e-9 == pytest.approx(offset_s, abs=0.004)
    assert abs(found.offset_ns * 1e-9 - offset_s) < 4.0 * found.sigma_ns * 1e-9
    assert found.after_px < 3.0
    assert found.after_px < found.before_px + 0.1
    assert found.scan.shape == (41, 2)
    assert found.significant is (offset_s != 0.0)


@pytest.mark.parametrize(
    ("path", "landmarks", "why"),
    [
        (standing, 60, "hardly moves"),
        (straight, 60, "at a steady speed a late camera looks like one that sits further back"),
        (lively, 3, "observations"),
    ],
)
def test_a_drive_that_does_not_show_it_is_a_sentence(path: Path, landmarks: int, why: str) -> None:
    with pytest.raises(InputError, match=f"not observable on this drive.*{why}"):
        estimate_time_offset(views(path, 0.03, landmarks), trajectory(path))


def test_an_offset_beyond_the_search_is_a_sentence() -> None:
    with pytest.raises(InputError, match="the end of the search"):
        estimate_time_offset(views(lively, 0.5), trajectory(lively))


def test_without_frames_nothing_is_observable() -> None:
    with pytest.raises(InputError, match="not observable on this drive: 0 observations"):
        estimate_time_offset([], trajectory(lively))
