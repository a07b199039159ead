"""Verdicts: each limit judged, a broken bag stops no other, JUnit XML that tools read."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from dalearn_ros.core.files import plain
from dalearn_ros.evaluation import verdict as module
from dalearn_ros.evaluation.collector import Collector
from dalearn_ros.evaluation.junit import junit_xml
from dalearn_ros.evaluation.names import figures_of
from dalearn_ros.evaluation.scenario import Entry, Limit, Scenario
from dalearn_ros.evaluation.verdict import judge, remove_earlier, run_scenarios, verdict
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.localization.settings import LocalizerSettings

LIMITS = (
    Limit("f1", 0.9, None),
    Limit("localization.lateral_m.p95", None, 0.01),
    Limit("per_class.crosswalk.f1", 0.1, None),
    Limit("frames_skipped.image:truncated", None, 0.0),
)


def test_figures_against_limits() -> None:
    f1, lateral, crosswalk, skipped = judge(
        LIMITS, {"f1": 0.9, "localization.lateral_m.p95": 0.25, "per_class.crosswalk.f1": math.nan}
    )
    assert (f1.state, f1.reason) == ("passed", "")
    expected = "expected localization.lateral_m.p95 <= 0.01, found 0.25."
    assert (lateral.state, lateral.reason) == ("failed", expected)
    assert crosswalk.state == "failed" and "no landmark of that class is scored" in crosswalk.reason
    assert skipped.state == "passed" and skipped.value == 0.0  # no such reason: none was skipped


def test_depth_images_that_were_left_out_break_their_limit() -> None:
    limits = [Limit(f"depth_images_skipped.{name}", None, 0.0) for name in ("depth", "depth:size")]
    collected = Collector()
    collected.depth_skipped["depth:size"] = 3
    unread, resized = judge(limits, figures_of(plain(collected.metrics()), {}))
    assert (unread.state, unread.value) == ("passed", 0.0)
    assert (resized.state, resized.value) == ("failed", 3.0)


def test_what_is_judged_is_what_is_written(
    drive: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = Collector()
    found = collected.metrics() | {"f1": 0.79999996}
    monkeypatch.setattr(collected, "metrics", lambda: found)
    monkeypatch.setattr(module, "evaluate_bag", lambda *_: collected)
    entry = Entry(name="a", bag=drive.bag, map=drive.map)
    scenario = Scenario(entry, 8.0, (Limit("f1", 0.8, None), Limit("f1", 0.80000001, None)))
    detector = LandmarkDetector.load(drive.model, 1)
    kept, missed = module.run_scenario(scenario, detector, tmp_path, LocalizerSettings()).limits
    assert (kept.state, kept.value) == ("passed", 0.8)
    assert missed.reason == "expected f1 >= 0.80000001, found 0.8."


def test_only_results_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    scenarios = [Scenario(Entry(name=name), 8.0, ()) for name in "ab"]
    for file in ("verdict.json", "junit.xml", "a/metrics.json", "a/report.html", "b/frames.jsonl"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("passed")
    (tmp_path / "b" / "notes.txt").write_text("mine")
    remove_earlier(tmp_path)
    assert not (tmp_path / "verdict.json").exists() and (tmp_path / "a" / "metrics.json").exists()
    remove_earlier(tmp_path, scenarios)
    left = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*"))
    assert left == ["b", "b/notes.txt"]


@pytest.fixture(scope="module")
def results(drive: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A good drive, a bag that is none, one that breaks the program, and the good one once more."""
    out = tmp_path_factory.mktemp("verdict")
    (out / "broken").mkdir()
    (out / "broken" / "metadata.yaml").write_text("a: [")
    good = Entry(name="good", bag=drive.bag, map=drive.map)
    entries = [
        good,
        dataclasses.replace(good, name="broken", bag=out / "broken"),
        dataclasses.replace(good, name="missing", bag=out / "nowhere"),
        dataclasses.replace(good, name="easy"),
    ]
    scenarios = [Scenario(entry, 8.0, LIMITS) for entry in entries[:3]]
    scenarios.append(Scenario(entries[3], 8.0, LIMITS[:1]))
    detector = LandmarkDetector.load(drive.model, 1)
    said: list[str] = []
    found = run_scenarios(
        scenarios, detector, out / "out", LocalizerSettings(), drive.model, said.append
    )
    return found, out / "out", said


def test_a_broken_bag_stops_no_other(results: Any) -> None:
    found, out, said = results
    assert [result.state for result in found] == ["failed", "error", "error", "passed"]
    assert "there is no such bag" in found[2].reason
    assert {one.state for one in found[1].limits} == {"error"}
    assert json.loads((out / "easy" / "metrics.json").read_text())["frames"] == 20
    assert (out / "good" / "report.html").is_file() and not (out / "broken").exists()
    assert len(said) == 4 and said[3] == "passed  easy" and said[0].startswith("failed  good\n")


def test_verdict_json_names_each_limit(results: Any) -> None:
    found, _, _ = results
    content = plain(verdict(found))
    assert content["state"] == "failed"
    assert content["scenarios"]["easy"] == {"state": "passed", "reason": ""}
    assert len(content["limits"]) == 13
    f1 = content["limits"]["good/f1"]
    assert f1["state"] == "passed" and 0.9 <= f1["value"] <= 1.0 and f1["min"] == 0.9
    assert content["limits"]["missing/f1"]["value"] is None
    assert verdict(found[1:])["state"] == "error" and verdict(found[3:])["state"] == "passed"


def test_junit_xml_counts_and_names(results: Any) -> None:
    found, _, _ = results
    root = ElementTree.fromstring(junit_xml(found))
    assert root.tag == "testsuites"
    assert [root.get(key) for key in ("tests", "failures", "errors")] == ["13", "2", "8"]
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["good", "broken", "missing", "easy"]
    assert [suite.get("tests") for suite in suites] == ["4", "4", "4", "1"]
    case = suites[0].findall("testcase")[1]
    assert case.get("name") == "localization.lateral_m.p95" and case.get("classname") == "good"
    failure = case.find("failure")
    assert failure is not None and "expected localization.lateral_m.p95 <= 0.01" in str(
        failure.text
    )
    error = suites[2].find("testcase/error")
    assert error is not None and "there is no such bag" in str(error.get("message"))


def test_junit_xml_survives_any_text(results: Any) -> None:
    found, _, _ = results
    nasty = 'a <b> & "c" \x00\x1b[31m \ud800 \uffff é'
    bad = dataclasses.replace(found[1].limits[0], reason=nasty)
    text = junit_xml([dataclasses.replace(found[1], limits=(bad,))])
    error = ElementTree.fromstring(text.encode("utf-8")).find("testsuite/testcase/error")
    assert error is not None
    assert error.get("message") == 'a <b> & "c" \ufffd\ufffd[31m \ufffd \ufffd é'


def test_whatever_a_bag_raises_is_an_error_of_its_scenario(
    drive: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> None:
        raise ZeroDivisionError("in a library")

    monkeypatch.setattr(module, "evaluate_bag", breaks)
    scenario = Scenario(Entry(name="a", bag=drive.bag, map=drive.map), 8.0, LIMITS)
    detector = LandmarkDetector.load(drive.model, 1)
    result = module.run_scenario(scenario, detector, tmp_path / "out", LocalizerSettings())
    assert (result.state, result.reason) == ("error", "ZeroDivisionError: in a library")
