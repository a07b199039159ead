"""Parts of the benchmark programs whose errors would be silent: decoding, files, and curves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks import loss_plane, side_by_side, yolo_files, yolo_runner
from benchmarks.ablation import ROWS, settings_of, spread
from benchmarks.ablation_judge import suppress
from dalearn_ros.coding.decode import DecodeSettings, merge_votes
from dalearn_ros.coding.votes import Votes
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels


def _votes() -> Votes:
    points = [[10.0, 10.0], [14.0, 10.0], [60.0, 10.0], [11.0, 10.0]]
    return Votes(
        class_id=np.array([1, 1, 1, 2]),
        score=np.array([0.9, 0.6, 0.5, 0.4]),
        point_px=np.array(points),
        variance_px2=np.full((4, 2), 3.0),
        log_range=np.zeros(4),
    )


def test_plain_suppression_keeps_the_best_votes_point_where_voting_takes_the_mean() -> None:
    settings = DecodeSettings(merge_radius_px=12.0)
    plain, voted = suppress(_votes(), settings, 0.3, 10), merge_votes(_votes(), settings, 0.3, 10)
    assert plain.class_id.tolist() == voted.class_id.tolist() == [1, 1, 2]
    assert plain.point_px.tolist() == [[10.0, 10.0], [60.0, 10.0], [11.0, 10.0]]
    assert voted.point_px[0, 0] == pytest.approx((0.9 * 10 + 0.6 * 14) / 1.5)
    assert plain.covariance_px2[0].tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert len(suppress(_votes(), settings, 0.45, 10)) == 2
    assert len(suppress(_votes(), settings, 0.3, 1)) == 1


def test_every_row_of_the_ablation_has_settings_that_differ() -> None:
    found = [settings_of(row, 1.0, None, 10, 1) for row in ROWS]
    assert len({repr(settings) for settings in found}) == len(ROWS) == 8
    assert {s.loss.selection.background for s in found} == {"random"}
    assert {s.loss.selection.background_ratio for s in found} == {8.0}
    assert settings_of("K=9", 1.0, 50, 10, 1).loop.max_minutes is None


def test_spread_is_mean_and_sample_deviation() -> None:
    assert spread([0.5, 0.7, None]) == "0.600 ± 0.141"
    assert spread([None]) == "–"


def test_what_is_left_where_the_other_loss_has_halved(tmp_path: Path) -> None:
    falling = np.array([4.0, 3.0, 2.0, 1.0])
    other = np.array([10.0, 9.0, 8.0, 7.0])
    assert loss_plane.left_at_half(falling, other) == pytest.approx(0.8)
    assert np.isnan(loss_plane.left_at_half(other, falling))
    rows = [
        {"kind": "loss", "step": i, "class": 2.0, "localization_unweighted": 1.0 + 100 * (i == 9)}
        for i in range(20)
    ]
    file = tmp_path / "history.jsonl"
    file.write_text("\n".join(json.dumps(r) for r in [*rows, {"kind": "figures", "step": 20}]))
    step, classes, places = loss_plane.curves(file)
    assert len(step) == 20 and set(classes) == {2.0}
    assert set(places) == {1.0}  # one wild entry is no part of the curve


def _labels() -> Labels:
    square = np.array([[-10.0, 20.0], [29.5, 20.0], [29.5, 59.5], [-10.0, 59.5]])
    far = square + 500.0
    return Labels(
        class_id=np.array([3, 1]),
        point_px=np.array([[-5.0, 40.0], [520.0, 540.0]]),
        outlines_px=Ragged.of([square, far], 2),
        range_m=np.ones(2),
        visible=np.ones(2),
        map_id=np.array(["a", "b"]),
        covariance_px2=np.zeros((2, 2, 2)),
        ignore=np.zeros(2, bool),
    )


def test_a_label_line_has_the_clipped_box_and_no_point_outside() -> None:
    lines = yolo_files.label_lines(_labels(), 100)
    assert lines == ["2 0.150000 0.402500 0.300000 0.395000 0.000000 0.000000 0"]


def test_yolos_pixels_and_ours_are_half_a_pixel_apart() -> None:
    import dataclasses

    inside = dataclasses.replace(_labels(), point_px=np.array([[0.0, 99.0], [520.0, 540.0]]))
    values = yolo_files.label_lines(inside, 100)[0].split()
    assert [float(values[5]), float(values[6]), values[7]] == [0.005, 0.995, "2"]


def test_images_are_filled_up_and_not_resized() -> None:
    image = np.zeros((380, 640, 3), np.uint8)
    image[..., 0] = 255  # blue
    found = yolo_files.padded(image)
    assert found.shape == (1, 3, 384, 640)
    assert found[0, :, 0, 0].tolist() == [0.0, 0.0, 1.0]
    assert found[0, 0, 383, 0] == pytest.approx(114 / 255)


def test_suppression_by_overlap_within_a_class_only() -> None:
    box = [0.0, 0.0, 10.0, 10.0]
    rows = np.array(
        [
            [1, 0.8, *box, 5, 5],
            [1, 0.9, 1.0, 0.0, 10.0, 10.0, 6, 5],  # overlap 9/11
            [2, 0.7, *box, 5, 5],
            [1, 0.6, 50.0, 0.0, 10.0, 10.0, 55, 5],
        ]
    )
    found = yolo_files.suppressed(rows, 0.5)
    assert found.score.tolist() == [0.9, 0.7, 0.6]
    assert found.point_px[0].tolist() == [6.0, 5.0]
    assert len(yolo_files.suppressed(rows, 0.9)) == 4
    assert len(yolo_files.suppressed(rows[:0], 0.5)) == 0


def test_of_several_rates_the_table_shows_the_best_by_validation() -> None:
    def entry(rate: float, val: float, test: float) -> dict:
        figures = dict.fromkeys(side_by_side.FIGURES, test)
        figures |= {"F1 at 8 px, low": test - 0.1, "F1 at 8 px, high": test + 0.1}
        about = {"task": "world", "split": "s", "detector": "YOLO", "column": "equal time"}
        cost = {"passes": 10, "minutes": 1.0, "rate": rate}
        return {**about, **cost, "val": {"F1 at 8 px": val}, "test": figures}

    rows = side_by_side.rows_of([entry(0.1, 0.5, 0.9), entry(0.2, 0.6, 0.4)])
    assert len(rows) == 1
    assert rows[0]["F1 at 8 px, 95 % over images"] == "0.300–0.500"
    assert rows[0]["F1 at 8 px"] == 0.4 and rows[0]["rate"] == "0.2"


def test_of_equal_rates_the_middle_one_is_taken() -> None:
    entries = [{"rate": rate, "val": {"F1 at 8 px": 0.0}} for rate in side_by_side.RATES]
    assert side_by_side.best_of(entries)["rate"] == side_by_side.RATES[1]
    entries[2]["val"] = {"F1 at 8 px": 0.1}
    assert side_by_side.best_of(entries)["rate"] == side_by_side.RATES[2]


def test_the_other_ends_by_minutes_or_by_passes() -> None:
    assert yolo_runner.share_done({"minutes": 2.0}, 10**9, 30.0) == 0.25
    assert yolo_runner.share_done({"minutes": 2.0}, 0, 121.0) == 1.0
    assert yolo_runner.share_done({"passes": 200}, 50, 1e9) == 0.25
