"""A short drive, written and read again like any other bag and map."""

from __future__ import annotations

import hashlib
import resource
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from scipy.spatial import cKDTree

from dalearn_ros.bags.reader import BagReader
from dalearn_ros.cli import world as verb
from dalearn_ros.core.errors import InputError
from dalearn_ros.maps import load_map
from dalearn_ros.world.camera import camera_of
from dalearn_ros.world.city import build_city
from dalearn_ros.world.drive import TOPICS, write_drive
from dalearn_ros.world.plan import make_plan
from dalearn_ros.world.style import CITIES

FRAMES, SEED = 3, 21


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drive(tmp_path_factory.mktemp("drive") / "d", "south", "rain", FRAMES, SEED, True)


def _read(path: Path) -> dict[str, list]:
    found: dict[str, list] = {}
    with AnyReader([path / "bag"]) as reader:
        for connection, stamp, raw in reader.messages():
            message = reader.deserialize(raw, connection.msgtype)
            found.setdefault(connection.topic, []).append((stamp, message))
    return found


def test_the_bag_has_every_topic_at_its_rate(drive: Path) -> None:
    found = _read(drive)
    assert set(found) == set(TOPICS.values())
    assert len(found[TOPICS["image"]]) == FRAMES
    images = [stamp for stamp, _ in found[TOPICS["image"]]]
    assert set(np.diff(images)) == {100_000_000}
    for name in ("truth", "prior", "odometry"):
        stamps = [stamp for stamp, _ in found[TOPICS[name]]]
        assert set(np.diff(stamps)) == {20_000_000}
        assert stamps[0] < images[0] - 100_000_000
        assert stamps[-1] > images[-1] + 100_000_000
        assert set(images) <= set(stamps)


def test_the_bag_names_its_condition(drive: Path) -> None:
    with BagReader(drive / "bag") as reader:
        assert reader.condition == "rain"


def test_every_fifth_picture_of_a_longer_drive(tmp_path: Path) -> None:
    found = _read(write_drive(tmp_path / "d", "south", "rain", 2, SEED, every=5))
    images = [stamp for stamp, _ in found[TOPICS["image"]]]
    assert np.diff(images).tolist() == [500_000_000]
    truth = [stamp for stamp, _ in found[TOPICS["truth"]]]
    assert truth[-1] > images[-1] + 100_000_000


def test_the_exact_map_is_the_map_without_the_surveyors_noise(drive: Path) -> None:
    noisy, exact = load_map(drive / "map"), load_map(drive / "exact_map")
    assert noisy.ids.tolist() == exact.ids.tolist() and len(exact) > 20
    assert noisy.tags.tolist() == exact.tags.tolist()
    shift = noisy.point_m - exact.point_m
    assert 0.04 < shift.std() < 0.06
    assert abs(shift.mean()) < 0.02


def test_the_exact_map_is_what_the_city_was_built_from(drive: Path) -> None:
    exact = load_map(drive / "exact_map")
    plan = make_plan(CITIES["south"], FRAMES, SEED)
    scene, _ = build_city(CITIES["south"], "rain", SEED, plan, pictures=False)
    lines = [e.points for e in scene.inventory.elements if e.kind == "road_marking"]
    painted = np.char.startswith(exact.tags, "road_marking")
    mapped = exact.outlines_m.select(np.flatnonzero(painted)).values
    away, _ = cKDTree(np.concatenate(lines)).query(mapped)
    assert len(away) > 10 and away.max() < 2e-3


def test_the_truth_is_the_plan_and_the_prior_is_not(drive: Path) -> None:
    found = _read(drive)
    plan = make_plan(CITIES["south"], FRAMES, SEED)
    for (_, truth), (_, prior), t in zip(
        found[TOPICS["truth"]], found[TOPICS["prior"]], plan.times_s, strict=True
    ):
        p = truth.pose.position
        np.testing.assert_allclose([p.x, p.y, p.z], plan.pose(float(t)).translation, atol=1e-9)
        q = prior.pose.pose.position
        assert 0.01 < np.hypot(q.x - p.x, q.y - p.y) < 5.0
        covariance = prior.pose.covariance.reshape(6, 6)
        assert np.linalg.eigvalsh(covariance).min() > 0
        assert np.isclose(np.trace(covariance[:2, :2]), 0.5**2 + 0.8**2)


def test_pictures_depth_and_camera_agree(drive: Path) -> None:
    found = _read(drive)
    camera = camera_of(CITIES["south"])
    info = found[TOPICS["camera_info"]][0][1]
    np.testing.assert_allclose(info.k.reshape(3, 3), camera.matrix)
    np.testing.assert_allclose(info.d, camera.distortion)
    image = cv2.imdecode(found[TOPICS["image"]][0][1].data, cv2.IMREAD_COLOR)
    assert image.shape == (720, 1280, 3)
    assert 30 < image.mean() < 220
    assert image.std() > 15
    depth = found[TOPICS["depth"]][0][1].data.view(np.float32).reshape(720, 1280)
    # The road ahead in the middle of the lowest rows: camera height / tangent of the ray.
    ray = camera.unproject(np.array([[640.0, 690.0]]))[0]
    pitch = np.radians(CITIES["south"].camera_pitch_deg)
    down = np.sin(pitch) + ray[1] * np.cos(pitch)
    expected = CITIES["south"].camera_m[2] / down
    assert abs(depth[690, 640] / expected - 1.0) < 0.06
    assert np.isinf(depth).any()  # the sky


def test_the_same_seed_gives_the_same_bytes(drive: Path, tmp_path: Path) -> None:
    write_drive(tmp_path / "d", "south", "rain", FRAMES, SEED, True)
    for name in ("bag/bag.mcap", "map/lanelet2_map.osm", "map/map_projector_info.yaml"):
        digests = {
            hashlib.sha256((root / name).read_bytes()).hexdigest()
            for root in (drive, tmp_path / "d")
        }
        assert len(digests) == 1, name


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"city": "west"}, "north, south, east"),
        ({"condition": "hail"}, "low_sun"),
        ({"frames": 0}, "--frames"),
        ({"every": 0}, "--every"),
    ],
)
def test_a_wrong_option_is_a_sentence(tmp_path: Path, options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        write_drive(tmp_path / "d", **options)
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="exists already"):
        write_drive(tmp_path / "d", frames=1)
    assert (tmp_path / "d" / "mine.txt").read_text() == "keep"


def test_a_full_disk_and_an_interrupt_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(InputError, match="cannot be written"):
            write_drive(tmp_path / "d", frames=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dalearn_ros.world.drive._write_camera", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_drive(tmp_path / "d", frames=2)
    assert not list(tmp_path.iterdir())


def test_the_verb_names_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import argparse

    calls = []
    monkeypatch.setattr("dalearn_ros.world.drive.write_drive", lambda *a: calls.append(a) or a[0])
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    words = ["--city", "east", "--frames", "5", "--out", str(tmp_path / "x")]
    assert str(tmp_path / "x") in verb.run(parser.parse_args(words))
    assert calls == [(tmp_path / "x", "east", "day", 5, 0, False, 1)]
