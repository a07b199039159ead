"""Two runs on the same frames: the right one is called better, or none; others are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.random_runs import random_run

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import plain
from dalearn_ros.evaluation.compare import compare
from dalearn_ros.evaluation.report_compare import compare_page


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    random_run(100, keep=0.6, lateral_m=0.1).write(tmp_path / "a")
    random_run(100, keep=1.0, lateral_m=0.05).write(tmp_path / "b")
    random_run(20).write(tmp_path / "short")
    return tmp_path


def rows(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in found["figures"]}


def test_the_one_that_finds_more_is_named(runs: Path) -> None:
    found = compare(runs / "a", runs / "b")
    assert (found["frames"], found["unit"], found["units"]) == (100, "5 s of a drive", 20)
    by_name = rows(found)
    recall = by_name["recall"]
    metrics = [json.loads((runs / name / "metrics.json").read_text()) for name in "ab"]
    assert recall["a"] == metrics[0]["recall"] and recall["b"] == metrics[1]["recall"]
    assert recall["difference"] == pytest.approx(recall["b"] - recall["a"])
    assert 0 < recall["low"] < recall["difference"] < recall["high"] and recall["better"] == "B"
    assert recall["says"].startswith("B misses fewer: recall +0.") and recall["p"] < 0.01
    lateral = by_name["localization.lateral_m.median"]
    assert lateral["better"] == "B" and lateral["difference"] == pytest.approx(-0.05)
    assert lateral["says"].startswith("B localizes closer across the road:")
    assert "per_class.warning_sign.f1" in by_name and "per_class.signal.f1" not in by_name
    back = rows(compare(runs / "b", runs / "a"))["recall"]
    assert back["better"] == "A" and back["low"] == pytest.approx(-recall["high"])


def test_a_run_and_itself_do_not_differ(runs: Path) -> None:
    found = compare(runs / "a", runs / "a")
    assert {row["better"] for row in found["figures"]} == {""}
    assert rows(found)["f1"]["says"] == "No clear difference: F1 +0.000, 95 % +0.000 to +0.000."
    assert rows(found)["f1"]["p"] == 1.0
    assert "No figure differs by more than chance." in compare_page(found)


def test_few_frames_are_too_little_to_tell(runs: Path) -> None:
    found = compare(runs / "short", runs / "short")
    expected = "Too little to tell: F1 +0.000 (4 stretches of 5 s, 5 or more are needed)."
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
    assert "over 20 stretches of 5 s" in page


@pytest.mark.parametrize(
    "change, text",
    [
        ({"match_px": 4.0}, r"match_px: expected 8.0 as in .*, found 4.0"),
        ({"frames": 99}, r"expected those of .*, found 1 only in .*a \(first: frame99\)"),
        ({"frames": 101}, r"found 1 only in .*other \(first: frame100\)"),
        ({"seed": 1}, r"frame frame0: expected the truth of .*, found another one"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(
    runs: Path, change: dict[str, Any], text: str
) -> None:
    random_run(**{"frames": 100, **change}).write(runs / "other")
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
