"""Pseudo labels in numbers against a file written by hand."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from dalearn_ros.adaptation.pseudo_log import HEADER
from dalearn_ros.adaptation.pseudo_summary import (
    over_time,
    read_pseudo_labels,
    summarise_pseudo_labels,
)
from dalearn_ros.adaptation.settings import PseudoLabelSettings
from dalearn_ros.core.errors import ModelError
from dalearn_ros.landmarks.catalogue import LabelSpace

SPACE = LabelSpace.load()
ONE, TWO = SPACE.names[1:3]
LINES = (
    f'1,"a, ""b"".jpg",{ONE},1.00,2.00,0.9000,label,0',
    f'1,"c.jpg",{ONE},1.00,2.00,0.8000,neutral,0',  # at the threshold: a cap removed it
    f'3,"c.jpg",{ONE},1.00,2.00,0.7000,neutral,0',
    f'3,"c.jpg",{ONE},1.00,2.00,0.9500,neutral,1',
    f'4,"c.jpg",{TWO},1.00,2.00,0.3000,mask_max,0',
)
CAPPED = PseudoLabelSettings(threshold=0.8, class_cap=1)


def _write(path: Path, lines: tuple[str, ...] = LINES) -> Path:
    path.write_text(HEADER + "".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def test_counts_by_class_use_and_reason(tmp_path: Path) -> None:
    rows = read_pseudo_labels(_write(tmp_path / "p.csv"), SPACE)
    found = summarise_pseudo_labels(rows, CAPPED, SPACE)
    one = found["by_class"][ONE]
    assert one["made"] == 4
    assert one["used_as"]["label"] == 1 and one["used_as"]["neutral"] == 3
    assert one["refused_by"] == {"threshold": 1, "cap": 1, "map": 1}
    assert one["mean_score"] == pytest.approx((0.9 + 0.8 + 0.7 + 0.95) / 4)
    assert one["mean_score_of_labels"] == pytest.approx(0.9)
    two = found["by_class"][TWO]
    assert two["used_as"]["mask_max"] == 1 and sum(two["refused_by"].values()) == 0
    assert math.isnan(two["mean_score_of_labels"])
    assert found["all"]["made"] == 5
    assert found["never_learnt"] == [TWO]
    assert found["never_claimed"] == list(SPACE.names[3:])


def test_without_caps_only_the_threshold_refuses(tmp_path: Path) -> None:
    rows = read_pseudo_labels(_write(tmp_path / "p.csv"), SPACE)
    free = dataclasses.replace(CAPPED, class_cap=None)
    found = summarise_pseudo_labels(rows, free, SPACE)["all"]["refused_by"]
    assert found == {"threshold": 2, "cap": 0, "map": 1}


def test_over_the_steps(tmp_path: Path) -> None:
    rows = read_pseudo_labels(_write(tmp_path / "p.csv"), SPACE)
    ends, claimed, label, score = over_time(rows, 6, bins=3)
    assert ends.tolist() == [2.0, 4.0, 6.0]
    np.testing.assert_allclose(claimed, [2.0, 1.5, math.nan])
    np.testing.assert_allclose(label[:, 1], [1.0, 0.0, math.nan])
    np.testing.assert_allclose(score, [0.85, 1.95 / 3, math.nan])


def test_no_file_is_no_pseudo_label_and_another_file_a_sentence(tmp_path: Path) -> None:
    rows = read_pseudo_labels(tmp_path / "none.csv", SPACE)
    assert len(rows) == 0
    assert summarise_pseudo_labels(rows, CAPPED, SPACE)["all"]["made"] == 0
    path = _write(tmp_path / "p.csv", (*LINES[:2], '5,"c.jpg",unicorn,1,2,0.5,label,0'))
    with pytest.raises(ModelError, match=r"line 4.*unicorn"):
        read_pseudo_labels(path, SPACE)
    path.write_text("a,b\n")
    with pytest.raises(ModelError, match="another heading"):
        read_pseudo_labels(path, SPACE)
