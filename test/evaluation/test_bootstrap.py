"""Bootstrap figures against evaluations of the frames that a draw has."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.random_runs import random_run, scenes
from helpers.random_scenes import SIZE

from dalearn_ros.evaluation import bootstrap
from dalearn_ros.evaluation.bootstrap import (
    MOST_UNITS,
    Units,
    drawn_figures,
    intervals_of,
    units_of,
)
from dalearn_ros.evaluation.detection import DetectionScore
from dalearn_ros.evaluation.frames import Frame
from dalearn_ros.evaluation.names import flat

SECOND = 1_000_000_000


def frame(stamp_s: float, drive: str = "a") -> Frame:
    return Frame("f", int(stamp_s * SECOND), drive, "", "")


def test_drives_are_drawn_where_there_are_enough() -> None:
    units = units_of([frame(i + 1, f"d{i % 5}") for i in range(20)])
    assert (units.kind, units.count, units.enough) == ("drive", 5, True)
    assert list(units.of_frame[:6]) == [0, 1, 2, 3, 4, 0]


def test_stretches_of_5_s_from_the_start_of_each_drive() -> None:
    stamps = [102, 106.9, 107, 113, 102]
    units = units_of([frame(t, d) for t, d in zip(stamps, "aaaab", strict=True)])
    assert units.kind == "5 s of a drive" and list(units.of_frame) == [0, 0, 1, 2, 3]
    assert not units.enough and units.count == 4


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
    short, long = (intervals_of(random_run(frames).table) for frames in (60, 400))
    assert (short["unit"], short["units"], short["draws"]) == ("5 s of a drive", 12, 2000)
    metrics = flat(random_run(60).metrics())
    for name, ends in short["figures"].items():
        if math.isfinite(ends["low"]):
            assert ends["low"] <= metrics[name] <= ends["high"], name
    width = [one["figures"]["f1"]["high"] - one["figures"]["f1"]["low"] for one in (short, long)]
    assert 0.0 < width[1] < 0.6 * width[0]


def test_too_few_stretches_say_nothing() -> None:
    found = intervals_of(random_run(20).table)
    assert found["units"] == 4 and found["draws"] == 0
    assert all(math.isnan(ends["low"]) for ends in found["figures"].values())
