"""How the results of the depth benchmark become lines; where its crops look."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers.tiny_depth import CAMERA, depth_settings, road_depth_m, write_roads

from benchmarks import depth_data
from benchmarks.depth_judge import landmark_errors
from benchmarks.depth_rows import LENSES, NEW, NO_LOCATION, NO_WEIGHTS, ROWS, SAME, TEACHERS
from benchmarks.depth_tables import (
    DETECTED_ON,
    ablation_table,
    cost_table,
    detected_table,
    lens_table,
    world_table,
)
from dalearn_ros.core.settings import load_settings
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.frames import camera_of
from dalearn_ros.depth.settings import DistillSettings


def entry(row: str, seed: int, student: float, tests: tuple[str, ...] = ("test", "target_test")):
    def of(abs_rel: float) -> dict[str, dict[str, float]]:
        return {test: {"abs_rel": abs_rel, "rmse_m": 5.0} for test in tests}

    lenses = {test: {"taught": 0.2, "other": 0.25, "growth": 0.25} for test in LENSES}
    ranges = {"both": 0.05, "depth alone": 0.1, "range head alone": 0.2}
    cost = {"patches": 14400.0, "student_network_s": 0.2, "teacher_network_s": 18.0}
    return {
        "row": row,
        "seed": seed,
        "student": of(student),
        "teacher": of(0.3),
        "cost": {**cost, "ratio": 100.0, "network_ratio": 90.0},
        "lenses": lenses,
        "detected": {"f1": 0.8, "f1_start": 0.8, **dict.fromkeys(DETECTED_ON, ranges)},
    }


ENTRIES = [
    *(entry(SAME, s, 0.2 + 0.01 * s, ("test", "target_test", *LENSES)) for s in (1, 2, 3)),
    entry(NEW, 1, 0.25),
    entry(NO_WEIGHTS, 1, 0.35),
    entry(NO_LOCATION, 1, 0.5, ("test", "target_test", *LENSES)),
]


def test_the_worlds_table_has_teacher_and_students_in_both_cities() -> None:
    lines = world_table(ENTRIES)
    named = {(line["model"], line["drives"]): line for line in lines}
    assert named[SAME, "north (source)"]["AbsRel"] == "0.220 ± 0.010"
    assert named["teacher", "east (new)"]["AbsRel"] == "0.300 ± 0.000"
    assert named[NEW, "east (new)"]["seeds"] == 1
    assert not [line for line in lines if line["model"] in (NO_LOCATION, NO_WEIGHTS)]


def test_the_ablation_stands_beside_what_it_differs_from() -> None:
    lines = {(line["without"], line["drives"]): line for line in ablation_table(ENTRIES)}
    line = lines[NO_WEIGHTS, "east (new)"]
    assert line["student: AbsRel"].startswith("0.350")
    assert line["student with it"].startswith("0.250")


def test_lenses_and_cost() -> None:
    lines = lens_table(ENTRIES)
    assert [line["lens"] for line in lines[:3]] == ["1.4 x", "0.8 x", "crop"]
    assert lines[0]["growth"] == "+25%" and lines[-1]["location"] == "no"
    detected = detected_table(ENTRIES)
    assert [line["drives"] for line in detected][:2] == ["north (source)", "east (new)"]
    assert detected[0]["both"].startswith("0.050") and detected[1]["F1"] is None
    assert cost_table(ENTRIES)[0]["ratio"] == "90" and cost_table([]) == []


def test_every_rows_teacher_and_shares_are_known() -> None:
    for row in ROWS:
        assert not row.teacher or row.teacher in TEACHERS
        assert {row.target, row.data, *row.tests} <= {*depth_data.SHARES, depth_data.CROPPED}
        changed = load_settings(DistillSettings, None, row.changes)
        if row.teacher:  # what teacher and student must share
            taught = load_settings(DistillSettings, None, TEACHERS[row.teacher].changes)
            assert (taught.location, taught.truth, taught.local.shared) == (
                changed.location,
                changed.truth,
                changed.local.shared,
            )


def test_a_crop_is_what_another_camera_sees(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(depth_data, "CROP", (20, 30, 96, 64))
    cropped = depth_data._cropped(write_roads(tmp_path / "roads", 1), tmp_path / "crop")
    camera, known = camera_of(cropped.meta(0), "crop"), cropped.distances(0)
    assert known is not None and len(known) and camera.matrix[0, 2] == CAMERA.matrix[0, 2] - 20
    np.testing.assert_allclose(known.depth_m, road_depth_m(known.pixels, camera), rtol=1e-4)
    assert Dataset.open(cropped.path).image(0).shape == (64, 96, 3)


def test_the_range_of_a_landmark_is_along_its_ray(tmp_path, monkeypatch) -> None:
    data = write_roads(tmp_path / "roads", 1)
    label = data.labels(0)
    ray = CAMERA.unproject(label.point_px)[0]
    z = label.range_m[0] / np.linalg.norm(ray)
    monkeypatch.setattr("benchmarks.depth_judge.said", lambda *_: np.array([np.log(1.1 * z)]))
    errors = landmark_errors(torch.nn.Identity(), [data], depth_settings())  # type: ignore[arg-type]
    assert errors == pytest.approx([0.1])
