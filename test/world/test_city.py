"""What stands in a city is in its map, in the classes and in the density that are promised."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dalearn_ros.landmarks.catalogue import Catalogue, LabelSpace
from dalearn_ros.maps import load_map
from dalearn_ros.world.city import build_city
from dalearn_ros.world.lock import layout_digest, read_lock
from dalearn_ros.world.mapping import write_map
from dalearn_ros.world.markings import SIZES
from dalearn_ros.world.plan import make_plan
from dalearn_ros.world.signs import faces
from dalearn_ros.world.style import CITIES

LOCK = Path(__file__).parents[2] / "benchmarks" / "world.lock"


def _maps(city: str, seed: int, folder: Path):
    plan = make_plan(CITIES[city], 300, seed)
    scene, _ = build_city(CITIES[city], "day", seed, plan, pictures=False)
    write_map(scene, plan, seed, folder)
    return plan, scene, load_map(folder)


@pytest.mark.parametrize("city", list(CITIES))
def test_the_map_holds_every_class_near_every_drive(city: str, tmp_path: Path) -> None:
    for seed in (11, 12):
        plan, scene, landmarks = _maps(city, seed, tmp_path / str(seed))
        driven = np.array([plan.pose(t).translation for t in np.arange(0.0, 30.0, 0.5)])
        distance = np.linalg.norm(landmarks.point_m[:, None, :2] - driven[None, :, :2], axis=2)
        near = landmarks.class_id[distance.min(axis=1) < 25.0]
        counts = Counter(near.tolist())
        assert set(counts) == set(range(1, 10)), counts
        assert min(counts.values()) >= 2
        by_way = {e.kind for e in scene.inventory.elements}
        assert by_way == {"traffic_sign", "traffic_light", "stop_line", "road_marking"}


@pytest.mark.parametrize("city", list(CITIES))
def test_every_code_has_the_class_of_its_face(city: str) -> None:
    country = CITIES[city].country
    catalogue, space = Catalogue.load(country), LabelSpace.load()
    for face in faces(country):
        found = catalogue.class_of_tag("traffic_sign", face.code)
        assert found is not None, face.code
        assert space.names[found] == face.kind, face.code
    assert len({f.name for f in faces(country)}) == len(faces(country))
    assert {name.split("_")[0] for name in SIZES} == {"arrow", "symbol"}


def test_the_map_is_noisy_and_the_world_true(tmp_path: Path) -> None:
    _, scene, landmarks = _maps("north", 4, tmp_path)
    signs = [e for e in scene.inventory.elements if e.kind == "traffic_sign"]
    up = np.array([0.0, 0.0, 0.5])
    truth = np.array([e.points.mean(axis=0) + up * e.height_m for e in signs])
    rows = landmarks.point_m[np.isin(landmarks.class_id, [1, 2, 3, 4])]
    assert len(rows) == len(truth)
    error = rows - truth
    assert 0.035 < error.std() < 0.065
    assert abs(error.mean()) < 0.015


def test_signs_face_the_traffic_on_their_side(tmp_path: Path) -> None:
    plan, scene, _ = _maps("east", 6, tmp_path)
    road = plan.road
    towards = 0
    for element in scene.inventory.elements:
        if element.kind != "traffic_sign":
            continue
        left, right = element.points
        along = right - left
        normal = np.array([along[1], -along[0]]) / np.linalg.norm(along[:2])  # towards the viewer
        nearest = int(np.argmin(np.linalg.norm(road.xyz[:, :2] - left[:2], axis=1)))
        if np.linalg.norm(road.xyz[nearest, :2] - left[:2]) > road.half_m + 4:
            continue  # on a cross road
        heading = road.heading[nearest]
        towards += normal @ [np.cos(heading), np.sin(heading)] < -0.9
    assert towards > 20


def test_layouts_are_as_locked() -> None:
    for drive in read_lock(LOCK)["drives"][:3]:
        key = {k: drive[k] for k in ("city", "condition", "seed", "frames")}
        assert layout_digest(**key) == drive["layout"], key
