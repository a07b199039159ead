"""Bootstrap figures against evaluations of the frames that a draw has."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.random_runs import random_run, scenes
from helpers.random_scenes import SIZE, random_scene

from dalearn_ros.evaluation import bootstrap
from dalearn_ros.evaluation.bootstrap import drawn_figures, intervals_of
from dalearn_ros.evaluation.collector import Collector
from dalearn_ros.evaluation.detection import DetectionScore
from dalearn_ros.evaluation.frames import Frame
from dalearn_ros.evaluation.names import flat
from dalearn_ros.evaluation.units import MOST_UNITS, Units, units_of

SECOND = 1_000_000_000


def frame(stamp_s: float, drive: str = "a") -> Frame:
    return Frame("f", int(stamp_s * SECOND), drive, "", "")


def test_drives_are_drawn_where_there_are_enough() -> None:
    units = units_of([frame(i + 1, f"d{i % 6}") for i in range(20)])
    assert (units.kind, units.count, units.enough) == ("drive", 6, True)
    assert list(units.of_frame[:6]) == [0, 1, 2, 3, 4, 5]


def test_stretches_of_20_s_from_the_start_of_each_drive() -> None:
    stamps = [102, 121.9, 122, 143, 102]
    units = units_of([frame(t, d) for t, d in zip(stamps, "aaaab", strict=True)])
    assert units.kind == "20 s of a drive" and list(units.of_frame) == [0, 0, 1, 2, 3]
    assert not units.enough and units.count == 4


def test_a_frame_without_a_stamp_changes_no_other() -> None:
    frames = [*(frame(float(t)) for t in range(100, 300)), frame(0.0), frame(0.0, "")]
    units = units_of(frames)
    assert units.kind == "20 s of a drive" and units.count == 12
    assert units_of([frame(float(t)) for t in range(200)]).count == 10  # a clock that begins at 0


def test_images_without_stamps_and_very_many_of_them() -> None:
    units = units_of([frame(0, "")] * (3 * MOST_UNITS))
    assert (units.kind, units.count) == ("image", MOST_UNITS)
    assert (np.bincount(units.of_frame) == 3).all()
    assert units_of([]).count == 0


def test_a_draw_is_the_evaluation_of_its_frames() -> None:
    run = random_run(12)
    units = Units("image", np.arange(12), 12)
    drawn = np.random.default_rng(1).multinomial(12, np.full(12, 1 / 12), 6)
    found = drawn_figures(run.table, units, drawn)
    for row, times in enumerate(drawn):
        again = DetectionScore(run.label_space)
        for number in np.repeat(np.arange(12), times):
            again.add(*scenes(12)[number], SIZE)
        expected = flat(again.result())
        for name in ("f1", "precision", "recall", "mean_ap", "f1_macro"):
            assert found[name][row] == pytest.approx(expected[name], nan_ok=True), name
        name = "per_class.warning_sign.ap"
        assert found[name][row] == pytest.approx(expected[name], nan_ok=True)
        median = found["reference_point_px.median"][row]
        assert median == pytest.approx(expected["reference_point_px.median"])
        share = 1 - times[[0, 7]].sum() / 12
        assert found["localization.availability"][row] == pytest.approx(share)


def test_a_long_list_of_scores_is_thinned_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    run = random_run(100)
    units = units_of(run.table.frames)
    every = np.ones((1, units.count), np.int64)
    exact = drawn_figures(run.table, units, every)["mean_ap"][0]
    assert exact == pytest.approx(run.metrics()["mean_ap"])
    monkeypatch.setattr(bootstrap, "LEVELS", 5)  # of 8 scores
    assert drawn_figures(run.table, units, every)["mean_ap"][0] == pytest.approx(exact, abs=0.03)


def test_an_interval_holds_its_figure_and_narrows_with_the_drive() -> None:
    short, long = (intervals_of(random_run(frames).table) for frames in (160, 640))
    assert (short["unit"], short["units"], short["draws"]) == ("20 s of a drive", 8, 2000)
    metrics = flat(random_run(160).metrics())
    for name, ends in short["figures"].items():
        if math.isfinite(ends["low"]):
            assert ends["low"] <= metrics[name] <= ends["high"], name
    width = [one["figures"]["f1"]["high"] - one["figures"]["f1"]["low"] for one in (short, long)]
    assert 0.0 < width[1] < width[0]


def test_too_few_stretches_say_nothing() -> None:
    found = intervals_of(random_run(100).table)
    assert found["units"] == 5 and found["draws"] == 0
    assert all(math.isnan(ends["low"]) for ends in found["figures"].values())


def test_a_class_in_few_stretches_has_no_interval() -> None:
    run = Collector()
    for number in range(20):
        truth, seen = random_scene(np.random.default_rng(number), number * 20 * SECOND)
        truth.class_id[:], seen.class_id[:] = (7, 7) if number in (3, 4) else (1, 1)
        run.add(truth, seen, SIZE, drive="a")
    found = intervals_of(run.table)["figures"]
    rare, common = (found[f"per_class.{run.table.classes[k]}.f1"] for k in (7, 1))
    assert rare["units"] == 2 and math.isnan(rare["low"]) and math.isnan(rare["high"])
    assert common["units"] == 16 and 0.0 < common["low"] < common["high"]
