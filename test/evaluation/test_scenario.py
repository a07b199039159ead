"""Scenario files: what is read, and what is refused before any bag is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.evaluation.names import known_names, range_of
from dalearn_ros.evaluation.scenario import Limit, load_scenarios
from dalearn_ros.landmarks.catalogue import LabelSpace

SPACE = LabelSpace.load()


def write(folder: Path, content: Any) -> Path:
    file = folder / "scenario.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return file


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "name": "north",
        "bag": "n/bag",
        "map": "n/map",
        "limits": {"f1": {"min": 0.5}},
    } | changes


def test_limits_of_all_and_of_one_and_paths_beside_the_file(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        {
            "match_px": 4,
            "limits": {"f1": {"min": 0.6}, "skipped_share": {"max": 0.01}},
            "scenarios": [
                entry(limits={"f1": {"min": 0.5, "max": 1}, "per_class.arrow.ap": {"min": 0.2}}),
                {"name": "photos", "data": "/data/photos"},
            ],
        },
    )
    north, photos = load_scenarios(file, SPACE)
    assert north.entry.bag == tmp_path / "n/bag" and north.match_px == 4.0
    assert photos.entry.data == Path("/data/photos") and photos.entry.bag is None
    assert {str(limit) for limit in north.limits} == {
        "0.5 <= f1 <= 1", "skipped_share <= 0.01", "per_class.arrow.ap >= 0.2",
    }  # fmt: skip
    assert {str(limit) for limit in photos.limits} == {"f1 >= 0.6", "skipped_share <= 0.01"}


def test_the_ends_of_a_limit_win_one_by_one(tmp_path: Path) -> None:
    content = {"limits": {"f1": {"min": 0.6, "max": 0.9}}, "scenarios": [entry()]}
    content["scenarios"] = [
        entry(name="higher", limits={"f1": {"max": 1}}),
        entry(name="lower", limits={"f1": {"min": 0.5}}),
        entry(name="other", limits={"f1": {"min": 0.1, "max": 0.2}}),
    ]
    found = [str(one.limits[0]) for one in load_scenarios(write(tmp_path, content), SPACE)]
    assert found == ["0.6 <= f1 <= 1", "0.5 <= f1 <= 0.9", "0.1 <= f1 <= 0.2"]
    content["scenarios"] = [entry(limits={"f1": {"max": 0.5}})]
    with pytest.raises(
        SettingsError, match=r"scenarios\[0\].limits.f1'.*found min 0.6 and max 0.5"
    ):
        load_scenarios(write(tmp_path, content), SPACE)


@pytest.mark.parametrize(
    "limit, text",
    [
        ({"f1_marco": {"min": 0.5}}, r"limits.f1_marco'.*'f1_marco'. Did you mean 'f1_macro'\?"),
        ({"per_class.arow.f1": {"min": 0.5}}, "Did you mean 'per_class.arrow.f1'"),
        ({"localization.lateral.p95": {"max": 1}}, "Did you mean 'localization.lateral_m.p95'"),
        ({"f1": {"min": 0.9, "max": 0.8}}, "expected min <= max, found min 0.9 and max 0.8"),
        ({"f1": {"min": 1.5}}, "f1 is 1 at most, found 1.5"),
        ({"localization.lateral_m.p95": {"max": -0.1}}, "is 0 at least, found -0.1"),
        ({"f1": {"min": float("nan")}}, r"limits.f1.min': expected a finite number, found nan"),
        ({"f1": {"max": float("inf")}}, "expected a finite number, found inf"),
        ({"f1": {"min": "0.8"}}, "expected a finite number, found '0.8'"),
        ({"f1": {"min": True}}, "expected a finite number, found True"),
        ({"f1": {"least": 0.8}}, "expected min or max, found 'least'"),
        ({"f1": 0.8}, r"expected \{min: ...\}, \{max: ...\} or both, found 0.8"),
        ({"f1": {}}, "or both, found {}"),
        ({"by_condition.rain": {"min": 0.8}}, "expected a figure of metrics.json"),
        ({"frames_skipped.image:truncatd": {"max": 0}}, "mean 'frames_skipped.image:truncated'"),
        ({"frames_skipped.depth": {"max": 0}}, "Did you mean 'depth_images_skipped.depth'"),
        ({"sweep.best.threshold": {"min": 1.5}}, "is 1 at most, found 1.5"),
        ({"localization.heading_deg.p95": {"min": 400}}, "is 180 at most, found 400"),
        ({"intervals.draws": {"min": 1}}, "expected a figure of metrics.json"),
        ({"match_px": {"max": 8}}, "expected a figure of metrics.json"),
        ({"f1": {"min": int("9" * 400)}}, r"limits.f1.min': expected a finite number, found one"),
        ({"f1": {"min": "1e-1"}}, "found '1e-1'. YAML reads an exponent only .* 1.0e-1"),
    ],
)
@pytest.mark.parametrize("place", ["file", "scenario"])
def test_an_impossible_limit_is_refused(
    tmp_path: Path, limit: dict[str, Any], text: str, place: str
) -> None:
    content: dict[str, Any] = {"scenarios": [entry()]}
    if place == "file":
        content["limits"] = limit
    else:
        content["scenarios"][0]["limits"] = limit
    with pytest.raises(SettingsError, match=text) as caught:
        load_scenarios(write(tmp_path, content), SPACE)
    assert "scenario.yaml" in str(caught.value)


@pytest.mark.parametrize(
    "content, text",
    [
        ({}, "key 'scenarios': expected one or more, found none"),
        ({"scenarios": [entry(), entry()]}, r"scenarios\[1\].name'.*found 'north' again"),
        ({"scenarios": [entry(name="../up")]}, r"scenarios\[0\].name': expected a name of letters"),
        ({"scenarios": [entry(name="junit.xml")]}, "another name than verdict.json and junit.xml"),
        ({"scenarios": [entry(), entry(name="North")]}, "found 'North' again"),
        (
            {"scenarios": [{"name": "a", "data": "d", "time_offset_s": 0.1}]},
            "key 'time_offset_s': expected it with bag and map only",
        ),
        ("limits: {f1: {min: 0.9}, f1: {min: 0.1}}", "line 1: expected YAML, .*key 'f1' twice"),
        ({"scenarios": [entry(name="")]}, "expected a name of letters"),
        ({"scenarios": [entry(data="d")]}, "expected bag and map, or data, found bag, map, data"),
        ({"scenarios": [entry(map=None)]}, "expected bag and map, or data, found bag"),
        ({"scenarios": [{"name": "a", "limits": {"f1": {"min": 0}}}]}, "found neither"),
        ({"scenarios": [entry(limits={})]}, "scenario 'north': expected one limit or more"),
        ({"scenarios": [entry(topic="/x")]}, r"key 'scenarios\[0\].topic'"),
        ({"scenarios": [entry(time_offset_s=30)]}, r"value in \[-1.0, 1.0\] s, found 30"),
        ({"scenario": [entry()]}, "Did you mean 'scenarios'"),
        ({"version": 2, "scenarios": [entry()]}, "key 'version'"),
        ("a: [", "expected YAML"),
        ("- a", "expected keys and values, found list"),
    ],
)
def test_a_file_that_is_not_right_is_refused(tmp_path: Path, content: Any, text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        load_scenarios(write(tmp_path, content), SPACE)


def test_open_names_and_names_of_intervals_and_health(tmp_path: Path) -> None:
    names = [
        "by_condition.heavy rain.f1", "frames_skipped.image:truncated", "f1_at.0.6%",
        "intervals.figures.f1.low", "by_range.10-20 m.recall", "by_size.24-48 px.recall",
        "by_visible.0.9-1.recall", "timing.latency_ms.total.p95", "timing.latency_ms.localize.p80",
        "map_health.frames.standing", "map_health.confirmed.moved", "sweep.best.f1",
        "camera_health.drifts.yaw_deg.value", "depth_images_skipped.depth",
        "depth_images_skipped.depth:size",
    ]  # fmt: skip
    limits = {name: {"min": 0.0} for name in names}
    (found,) = load_scenarios(write(tmp_path, {"scenarios": [entry(limits=limits)]}), SPACE)
    assert {limit.metric for limit in found.limits} == set(names)
    assert "map_health" not in known_names(SPACE)
    assert range_of("intervals.figures.f1.low") == (0.0, 1.0)
    assert range_of("camera_health.drifts.yaw_deg.value")[0] < 0.0


def test_a_limit_includes_its_ends() -> None:
    limit = Limit("f1", 0.5, 0.8)
    assert limit.keeps(0.5) and limit.keeps(0.8)
    assert not limit.keeps(0.499) and not limit.keeps(0.801) and not limit.keeps(float("nan"))


def test_the_example_of_the_docs_is_one(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text()
    text = docs.partition("```yaml\n")[2].partition("```")[0]
    north, photos = load_scenarios(write(tmp_path, text), SPACE)
    assert len(north.limits) == 6 and len(photos.limits) == 2
