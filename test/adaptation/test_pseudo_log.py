"""The file of pseudo labels goes with the checkpoint."""

import csv
import json

import numpy as np

from dalearn_ros.adaptation.collapse import CollapseSettings
from dalearn_ros.adaptation.landmark_labels import PseudoLandmarks
from dalearn_ros.adaptation.pseudo_labels import Role
from dalearn_ros.adaptation.pseudo_log import PseudoLog
from dalearn_ros.coding.pixels import PixelMap

NAMES = ("background", "sign", "signal")
TARGET = {"rows": [1, 0], "to_image": [PixelMap.crop(-100, -50), PixelMap.identity()]}


def _chosen(labels, role=Role.LABEL):
    n = len(labels)
    return PseudoLandmarks(
        np.zeros(n, int),
        np.array(labels, int),
        np.full(n, 0.75),
        np.full((n, 2), 8.0),
        np.full(n, int(role)),
        np.zeros(n, bool),
    )


def _log(tmp_path, window=3):
    settings = CollapseSettings(window=window, factor=2.0)
    return PseudoLog(tmp_path / "labels.csv", ['a "b".jpg', "c,d.jpg"], NAMES, settings)


def _rows(tmp_path):
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_points_are_those_of_the_image(tmp_path):
    log = _log(tmp_path)
    log.add(0, TARGET, _chosen([2], Role.MASK_MAX))
    log.state()
    (row,) = _rows(tmp_path)
    assert row["image"] == "c,d.jpg"
    assert (row["u_px"], row["v_px"]) == ("108.00", "58.00")
    assert (row["step"], row["class"], row["score"]) == ("1", "signal", "0.7500")
    assert row["used_as"] == "mask_max"
    assert log.counts.tolist() == [0, 0, 0], "only pseudo labels are counted"


def test_a_resumed_run_has_the_same_file(tmp_path):
    log = _log(tmp_path)
    log.add(0, TARGET, _chosen([1, 2]))
    state = json.loads(json.dumps(log.state()))
    log.add(1, TARGET, _chosen([1]))
    log.state()  # written, but the process dies before its checkpoint
    again = _log(tmp_path)
    again.restore(state)
    assert again.counts.tolist() == [0, 1, 1]
    again.add(1, TARGET, _chosen([2]))
    again.state()
    assert [row["class"] for row in _rows(tmp_path)] == ["sign", "signal", "signal"]


def test_a_collapse_is_told_at_the_end_of_a_window(tmp_path):
    log = _log(tmp_path, window=2)
    told = []
    for step in range(6):
        log.add(step, TARGET, _chosen([1, 1, 2, 2] if step < 4 else [1]))
        told.append(log.collapsed())
    assert told[:5] == [""] * 5
    assert "background" in told[5]


def test_a_first_window_without_pseudo_labels_is_no_measure(tmp_path):
    log = _log(tmp_path, window=1)
    told = []
    for labels in ([], [1, 1, 2, 2], [1, 1, 2, 2], [1]):
        log.add(0, TARGET, _chosen(labels))
        told.append(log.collapsed())
    assert told[:3] == ["", "", ""]
    assert "background" in told[3]
