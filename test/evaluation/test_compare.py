"""Two runs on the same frames: the right one is called better, or none; others are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.random_runs import random_run

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import plain
from dalearn_ros.evaluation.compare import compare
from dalearn_ros.evaluation.report_compare import compare_page


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    random_run(240, keep=0.6, lateral_m=0.1).write(folder / "a")
    random_run(240, keep=1.0, lateral_m=0.05).write(folder / "b")
    random_run(80).write(folder / "short")
    return folder


@pytest.fixture
def runs(written: Path, tmp_path: Path) -> Path:
    """Copies that a test may change."""
    return Path(shutil.copytree(written, tmp_path / "runs"))


def rows(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in found["figures"]}


def test_the_one_that_finds_more_is_named(runs: Path) -> None:
    found = compare(runs / "a", runs / "b")
    assert (found["frames"], found["unit"], found["units"]) == (240, "20 s of a drive", 12)
    by_name = rows(found)
    recall = by_name["recall"]
    metrics = [json.loads((runs / name / "metrics.json").read_text()) for name in "ab"]
    assert recall["a"] == metrics[0]["recall"] and recall["b"] == metrics[1]["recall"]
    assert recall["difference"] == pytest.approx(recall["b"] - recall["a"])
    assert 0 < recall["low"] < recall["difference"] < recall["high"] and recall["better"] == "B"
    assert recall["says"].startswith("B misses fewer: recall +0.") and recall["p"] < 0.01
    lateral = by_name["localization.lateral_m.median"]
    assert lateral["p"] < 0.05 and lateral["difference"] == pytest.approx(-0.05)
    assert "per_class.warning_sign.f1" in by_name and "per_class.signal.f1" not in by_name
    back = rows(compare(runs / "b", runs / "a"))["recall"]
    assert back["better"] == "A" and back["low"] == pytest.approx(-recall["high"])


def test_a_run_and_itself_do_not_differ(runs: Path) -> None:
    found = compare(runs / "a", runs / "a")
    assert {row["better"] for row in found["figures"]} == {""}
    assert (
        rows(found)["f1"]["says"]
        == "No clear difference: F1 +0.000, 95 % +0.000 to +0.000, p 1.000."
    )
    assert rows(found)["f1"]["p"] == 1.0
    assert "No figure differs by more than chance." in compare_page(found)


def test_few_frames_are_too_little_to_tell(runs: Path) -> None:
    found = compare(runs / "short", runs / "short")
    expected = "Too little to tell: F1 +0.000 (4 stretches of 20 s with it, 6 or more are needed)."
    assert rows(found)["f1"]["says"] == expected
    assert plain(rows(found)["f1"]["low"]) is None


def test_the_order_of_the_frames_does_not_matter(runs: Path) -> None:
    before = compare(runs / "a", runs / "b")
    file = runs / "b" / "frames.jsonl"
    file.write_text("".join(reversed(file.read_text().splitlines(keepends=True))))
    assert compare(runs / "a", runs / "b") == before


def test_the_page_says_what_is_sure(runs: Path) -> None:
    page = compare_page(compare(runs / "a", runs / "b"))
    assert "<li>B misses fewer: recall +0." in page and "nan" not in page
    assert "over 12 stretches of 20 s" in page


@pytest.mark.parametrize(
    "change, text",
    [
        ({"match_px": 4.0}, r"match_px: expected 8 as in .*, found 4\."),
        ({"frames": 239}, r"expected those of .*, found 1 only in .*a \(first: frame239\)"),
        ({"frames": 241}, r"found 1 only in .*other \(first: frame240\)"),
        ({"seed": 1}, r"frame frame0: expected the truth of .*, found another one"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(
    runs: Path, change: dict[str, Any], text: str
) -> None:
    random_run(**{"frames": 240, **change}).write(runs / "other")
    with pytest.raises(InputError, match=text):
        compare(runs / "a", runs / "other")


def test_a_folder_that_is_no_result_is_named(runs: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: expected a metrics.json, found none"):
        compare(runs / "a", runs / "nowhere")
    (runs / "b" / "metrics.json").write_text('{"f1": 1}')
    with pytest.raises(InputError, match="expected what `dalearn evaluate` writes"):
        compare(runs / "a", runs / "b")
    (runs / "a" / "frames.jsonl").unlink()
    with pytest.raises(InputError, match="Evaluate it again"):
        compare(runs / "a", runs / "a")


def test_models_on_many_drives_are_compared_over_drives(tmp_path: Path) -> None:
    for model, keep in (("a", 0.5), ("b", 1.0)):
        for number in range(8):
            random_run(8, seed=number, keep=keep).write(tmp_path / model / f"drive{number}")
    found = compare(tmp_path / "a", tmp_path / "b")
    assert (found["frames"], found["unit"], found["units"]) == (64, "drive", 8)
    recall = rows(found)["recall"]
    for model in "ab":
        files = sorted((tmp_path / model).glob("*/metrics.json"))
        each = [json.loads(file.read_text()) for file in files]
        hits = sum(one["recall"] * one["support"] for one in each)
        expected = hits / sum(one["support"] for one in each)
        assert recall[model] == pytest.approx(expected, abs=1e-5)
    f1 = rows(found)["f1"]  # the main figure
    assert f1["p"] == f1["p_holm"]
    assert recall["p"] < 0.05 < recall["p_holm"] and recall["better"] == ""  # one of many
    (tmp_path / "b" / "drive3" / "metrics.json").unlink()
    with pytest.raises(InputError, match=r"found 8 only in .*a \(first: drive3/frame0\)"):
        compare(tmp_path / "a", tmp_path / "b")
    other = tmp_path / "a" / "drive4" / "metrics.json"
    other.write_text(other.read_text().replace('"match_px": 8.0', '"match_px": 4.0'))
    with pytest.raises(InputError, match="expected classes and match_px of"):
        compare(tmp_path / "a", tmp_path / "a")


@pytest.mark.parametrize(
    "change, text",
    [
        ({"per_class": {"arrow": 1}}, "metrics.json: expected what `dalearn evaluate` writes"),
        ({"match_px": "8"}, "match_px is '8', not a number"),
        ({"frames": 241}, "frames.jsonl: expected 241 frames as in metrics.json, found 240"),
    ],
)
def test_a_result_whose_parts_do_not_go_together_is_refused(
    runs: Path, change: dict[str, Any], text: str
) -> None:
    file = runs / "a" / "metrics.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(InputError, match=text):
        compare(runs / "a", runs / "b")


def test_counts_that_are_not_those_of_the_metrics_are_refused(runs: Path) -> None:
    file = runs / "a" / "metrics.json"
    content = json.loads(file.read_text())
    content["per_class"]["warning_sign"]["support"] += 1
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="truths of warning_sign as in metrics.json, found"):
        compare(runs / "a", runs / "b")


def test_the_page_of_too_little_says_that_nothing_was_drawn(runs: Path) -> None:
    page = compare_page(compare(runs / "short", runs / "short"))
    assert "Too little to tell: 4 stretches of 20 s, 6 or more are needed." in page
    assert "more than chance" not in page and "paired bootstrap" not in page


def test_average_precision_needs_the_same_score_threshold(runs: Path) -> None:
    for name, threshold in (("a", 0.3), ("b", 0.05)):
        file = runs / name / "metrics.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"score_threshold": threshold}))
    row = rows(compare(runs / "a", runs / "b"))["mean_ap"]
    assert "not compared, the models claim from a score of 0.3 (A) and 0.05 (B)" in row["says"]
    assert row["better"] == "" and plain(row["p"]) is None
    (runs / "b" / "metrics.json").write_text((runs / "a" / "metrics.json").read_text())
    shutil.copy(runs / "a" / "frames.jsonl", runs / "b" / "frames.jsonl")
    assert rows(compare(runs / "a", runs / "b"))["mean_ap"]["p"] == 1.0
