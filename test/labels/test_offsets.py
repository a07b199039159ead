"""Injected offsets are found again where the drive shows them, and only there."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform
from dalearn_ros.labels.comparison import compare_cameras
from dalearn_ros.labels.offsets import DEGREE, QUANTITIES, Offsets, estimate_offsets
from dalearn_ros.labels.residuals import PairCollector, Pairs, twists
from dalearn_ros.labels.spread import stretches
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Frame, Labels, Observations

CAMERA = Camera(1280, 720, np.array([[1000.0, 0, 640], [0, 1000, 360], [0, 0, 1]]))
MOUNTING = Transform(LINK_FROM_OPTICAL.rotation, np.array([1.5, 0.0, 1.5]))
BLACK = np.zeros((720, 1280, 3), np.uint8)
RATE = 0.1
# time 20 ms late, camera 0.1 m higher, 0.2 deg nose down, 0.3 deg to the left
TRUE = np.array([0.020, 0.0, 0.0, 0.1, 0.2 * DEGREE, 0.3 * DEGREE])
NAMES = [quantity.name for quantity in QUANTITIES]


def _straight(t: float) -> Transform:
    return Transform.from_euler(0, 0, 0, (10.0 * t, 0, 0))


def test_speed_is_that_of_the_neighbours_within_a_second() -> None:
    times = np.array([0.0, 0.6, 1.2, 2.4, 2.6])
    position = np.stack([times**2, np.zeros(5), np.zeros(5)], axis=1)
    rotation = np.tile(np.eye(3), (5, 1, 1))
    found = twists((1e9 * times).astype(np.int64), rotation, position)[:, 0]
    # 0.6 s apart: from the one before, else the one after; nobody near 1.2 but 0.6.
    np.testing.assert_allclose(found, [0.6, 0.6, 1.8, 5.0, 5.0])
    alone = twists(np.array([0, 1_200_000_000]), rotation[:2], position[:2])
    assert np.isnan(alone).all()


def _lively(t: float) -> Transform:
    """Speed between 4 and 16 m/s, and turns."""
    x = 10.0 * t - 6.0 / 0.6 * (np.cos(0.6 * t) - 1.0)
    return Transform.from_euler(0, 0, 0.25 * np.sin(0.5 * t), (x, 3.0 * np.sin(0.25 * t), 0))


def _landmarks(rng: np.random.Generator) -> np.ndarray:
    x = np.arange(10.0, 500.0, 6.0)
    side = rng.choice([-1.0, 1.0], len(x)) * rng.uniform(3.0, 9.0, len(x))
    return np.stack([x, side, rng.choice([0.0, 2.5, 5.0], len(x))], axis=1)


def _labels(points: np.ndarray, pixels: np.ndarray, eye: np.ndarray, rows: np.ndarray) -> Labels:
    count = len(rows)
    return Labels(
        class_id=np.full(count, 2),
        point_px=pixels[rows],
        outlines_px=Ragged.of([np.zeros((3, 2))] * count, 2),
        range_m=np.linalg.norm(points[rows] - eye, axis=1),
        visible=np.ones(count),
        map_id=np.array([f"m{i}" for i in rows], dtype=np.str_),
        covariance_px2=np.zeros((count, 2, 2)),
        ignore=np.zeros(count, bool),
    )


def _seen(pixels: np.ndarray) -> Observations:
    count = len(pixels)
    return Observations(
        0, np.full(count, 2), pixels, np.ones(count), np.tile(np.eye(2), (count, 1, 1)),
        np.full(count, np.nan), np.full(count, np.nan), np.full(count, -1),
    )  # fmt: skip


def _drive(path, true: np.ndarray) -> Pairs:
    pairs = _collect(path, true).pairs()
    assert pairs is not None
    return pairs


def _collect(
    path,
    true: np.ndarray,
    mounted: Transform = MOUNTING,
    noise_px: float = 1.0,
    wrong: float = 0.05,
) -> PairCollector:
    """Labels from the stamps and the nominal mounting; observations from the true ones."""
    rng = np.random.default_rng(5)
    points = _landmarks(rng)
    turned = Rotation.from_rotvec([0.0, true[4], true[5]]).as_matrix() @ mounted.rotation
    mounting = Transform(turned, mounted.translation + true[1:4])
    collector = PairCollector()
    for number in range(400):
        t = number * RATE
        nominal = path(t) @ mounted
        label_px, _ = CAMERA.project(nominal.inverse().apply(points))
        seen_px, _ = CAMERA.project((path(t + true[0]) @ mounting).inverse().apply(points))
        away = np.linalg.norm(points - nominal.translation, axis=1)
        both = CAMERA.inside(label_px) & CAMERA.inside(seen_px) & (away < 60.0)
        rows = np.flatnonzero(both)
        seen = seen_px[rows] + rng.normal(0, noise_px, (len(rows), 2))
        astray = rng.random(len(rows)) < wrong
        seen[astray] += rng.uniform(-30, 30, (int(astray.sum()), 2))
        frame = Frame(BLACK, int(t * 1e9), CAMERA, mounted, Pose(int(t * 1e9), path(t)))
        collector.add(frame, _labels(points, label_px, nominal.translation, rows), _seen(seen))
    return collector


def _offsets(pairs: Pairs) -> Offsets:
    offsets = estimate_offsets(pairs)
    assert offsets is not None
    return offsets


def test_injected_offsets_are_recovered() -> None:
    """To 4 ms, 4 cm and 0.04 degrees, with 5 % wrong observations and 1 px of noise."""
    offsets = _offsets(_drive(_lively, TRUE))
    assert offsets.observable.all()
    tolerance = np.array([0.004, 0.04, 0.04, 0.04, 0.04 * DEGREE, 0.04 * DEGREE])
    assert (np.abs(offsets.shift - TRUE) < tolerance).all(), offsets.shift
    assert (np.abs(offsets.shift - TRUE) < 4.0 * offsets.sigma).all()
    told = offsets.summary()
    assert told["offsets"]["yaw_deg"]["offset"] == pytest.approx(0.3, abs=0.04)
    assert "add to the stamps of the images: +" in told["offsets"]["time_ms"]["verdict"]
    effect = told["residual_median_px"]
    assert effect["before"] > 4.0
    assert effect["after_corrections"] < 1.5


def test_without_offsets_there_is_nothing_to_correct() -> None:
    offsets = _offsets(_drive(_lively, np.zeros(6)))
    assert not offsets.significant.any()
    assert np.array_equal(offsets.before_px, offsets.after_px)


def test_a_straight_drive_at_constant_speed_tells_time_and_place_not_apart() -> None:
    offsets = _offsets(_drive(_straight, TRUE))
    told = offsets.summary()["offsets"]
    assert not told["time_ms"]["observable"]
    assert not told["forward_m"]["observable"]
    assert told["time_ms"]["not_told_apart_from"] == ["forward_m"]
    assert told["time_ms"]["offset"] is None
    assert told["time_ms"]["verdict"] == "not observable on this drive"
    for name, value in (("yaw_deg", 0.3), ("pitch_deg", 0.2), ("height_m", 0.1)):
        assert told[name]["observable"], name
        assert told[name]["offset"] == pytest.approx(value, abs=0.04), name


def test_what_both_do_together_is_still_known() -> None:
    """10 m/s for 20 ms are 0.2 m, whichever of the two it is."""
    offsets = _offsets(_drive(_straight, TRUE))
    assert 10.0 * offsets.shift[0] + offsets.shift[1] == pytest.approx(0.2, abs=0.05)


def test_a_vehicle_that_stands_shows_no_time_offset() -> None:
    offsets = _offsets(_drive(lambda t: _straight(0.0), np.zeros(6)))
    assert not offsets.observable[NAMES.index("time_ms")]


def test_too_few_pairs_say_nothing() -> None:
    pairs = _drive(_lively, TRUE)
    assert estimate_offsets(pairs.select(np.arange(20))) is None
    assert estimate_offsets(pairs.select(pairs.map_id == pairs.map_id[0])) is None


def test_each_camera_has_its_own_clock_and_mounting() -> None:
    """The front one is late and looks left; the rear one keeps time and looks down."""
    back = Transform.from_euler(0.0, 0.0, np.pi, (-0.5, 0.0, 1.8))
    rear = Transform(back.rotation @ LINK_FROM_OPTICAL.rotation, back.translation)
    down = np.array([0.0, 0.0, 0.0, 0.0, -0.4 * DEGREE, 0.0])
    collected = {"front": _collect(_lively, TRUE), "rear": _collect(_lively, down, rear)}
    summary, rows = compare_cameras(collected, LabelSpace.load())
    front, behind = (summary["cameras"][name]["offsets"] for name in ("front", "rear"))
    assert front["time_ms"]["offset"] == pytest.approx(20.0, abs=4.0)
    assert front["yaw_deg"]["offset"] == pytest.approx(0.3, abs=0.04)
    assert behind["time_ms"]["verdict"] == behind["yaw_deg"]["verdict"] == "nothing to correct"
    assert behind["pitch_deg"]["offset"] == pytest.approx(-0.4, abs=0.04)
    assert summary["verdict"].startswith("front: 4 corrections suggested; rear: 1 correction")
    pairs = [collector.pairs() for collector in collected.values()]
    assert summary["pairs"] == sum(len(p) for p in pairs if p is not None)
    assert {row["camera"] for row in rows} == {"front", "rear"}
    both = {row["map_id"] for row in rows}
    assert summary["landmarks"] == len(both) < len(rows)


def test_the_deviation_covers_landmarks_that_stand_wrong_in_the_map() -> None:
    """Each is off by 0.15 m in all its views, in 24 drives; twice the deviation covers 90 %."""
    off = []
    for seed in range(24):
        pairs = _mapped_badly(seed)
        offsets = _offsets(pairs)
        off.append(np.abs(offsets.shift) / offsets.sigma)
    covered = np.array(off) < 2.0
    assert covered[:, NAMES.index("time_ms")].mean() >= 0.9
    assert covered.mean() >= 0.9


def _mapped_badly(seed: int, off_m: float = 0.15) -> Pairs:
    """Pairs without any offset, 150 frames: the pixels exact to 1 px, the map wrong."""
    rng = np.random.default_rng(seed)
    points = _landmarks(rng)
    mapped = points + rng.normal(0.0, off_m, points.shape)
    times = 0.2 * np.arange(150)
    rows = []
    for number, t in enumerate(times):
        eye = _lively(t) @ MOUNTING
        pixels, valid = CAMERA.project(eye.inverse().apply(points))
        away = np.linalg.norm(points - eye.translation, axis=1)
        seen = np.flatnonzero(valid & CAMERA.inside(pixels) & (away < 60.0))
        rows.append((np.full(len(seen), number), seen, pixels[seen]))
    frame, which, pixels = (np.concatenate(column) for column in zip(*rows, strict=True))
    rotation = np.array([_lively(t).rotation for t in times])
    position = np.array([_lively(t).translation for t in times])
    pairs = Pairs(
        CAMERA, MOUNTING, frame, np.array([f"m{i}" for i in which]), which % 2, mapped[which],
        pixels + rng.normal(0.0, 1.0, pixels.shape), rotation, position,
        twists((1e9 * times).astype(np.int64), rotation, position),
    )  # fmt: skip
    return pairs.select(np.linalg.norm(pairs.residual_px(), axis=1) < 40.0)


def test_a_correction_is_estimated_without_the_shifts_that_are_not_suggested() -> None:
    """A forward offset below its limit is not suggested: then the time alone takes its part."""
    offsets = _offsets(_drive(_lively, np.array([0.030, 0.05, 0, 0, 0, 0])))
    assert offsets.significant.tolist() == [True] + [False] * 5
    assert not offsets.correction[1:].any()
    alone = offsets.correction[0]
    assert alone > offsets.shift[0] + 0.001  # 0.05 m are 5 ms at the drive's 10 m/s
    verdict = offsets.summary()["offsets"]["time_ms"]["verdict"]
    assert verdict.endswith(f"{1e3 * alone:+.3g} ms")
    assert np.allclose(offsets.after_px, _drive(
        _lively, np.array([0.030, 0.05, 0, 0, 0, 0])
    ).residual_px(offsets.correction))  # fmt: skip


def test_all_views_of_a_landmark_are_in_one_stretch() -> None:
    pairs = _mapped_badly(1)
    stretch = stretches(pairs)
    assert sorted(set(stretch.tolist())) == list(range(24))
    for name in np.unique(pairs.map_id):
        assert len(set(stretch[pairs.map_id == name])) == 1


def test_a_class_that_is_seen_to_one_side_widens_the_deviation() -> None:
    """One class of three is seen 6 px too far left."""
    pairs = _mapped_badly(2)
    classes = np.unique(pairs.map_id, return_inverse=True)[1] % 3
    three = dataclasses.replace(pairs, class_id=classes)
    aside = np.where((classes == 0)[:, None], [-6.0, 0.0], 0.0)
    biased = dataclasses.replace(three, seen_px=pairs.seen_px + aside)
    yaw = NAMES.index("yaw_deg")
    assert _offsets(biased).sigma[yaw] > 1.5 * _offsets(three).sigma[yaw]
