"""Results that are kept from one day to the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.kept_runs import RUNS, KeptRuns, fingerprint, machines_of


def test_a_run_is_done_once_for_its_recipe(tmp_path: Path) -> None:
    done: list[int] = []

    def work() -> dict[str, Any]:
        done.append(1)
        return {"row": "a", "f1": 0.5}

    runs = KeptRuns(tmp_path)
    first = runs.once("a, b 1", {"steps": 5}, work)
    assert first is not None and first["f1"] == 0.5
    assert runs.once("a, b 1", {"steps": 5}, work) is None
    assert len(done) == 1
    assert runs.once("a, b 1", {"steps": 6}, work) is not None, "another recipe"
    assert len(done) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["a_b_1.json"]
    assert [entry["row"] for entry in runs.entries()] == ["a"]


def test_a_table_takes_the_runs_of_its_recipes_only(tmp_path: Path) -> None:
    runs = KeptRuns(tmp_path)
    for name, steps in (("a", 5), ("b", 5), ("c", 6)):
        runs.once(name, {"steps": steps}, lambda name=name: {"row": name})
    found = runs.entries({name: {"steps": 5} for name in ("a", "c", "d")})
    assert [entry["row"] for entry in found] == ["a"]
    assert len(runs.entries()) == 3


def test_a_run_that_failed_is_done_again(tmp_path: Path) -> None:
    runs = KeptRuns(tmp_path)
    try:
        runs.once("a", 1, lambda: {}["nothing"])
    except KeyError:
        pass
    assert runs.once("a", 1, lambda: {"f1": 1.0}) is not None


def test_trials_are_kept_apart(tmp_path: Path) -> None:
    assert KeptRuns.of("adaptation", tmp_path, True).folder == tmp_path / "results"
    assert KeptRuns.of("adaptation", tmp_path, False).folder == RUNS / "adaptation"


def test_a_fingerprint_is_of_the_content() -> None:
    assert fingerprint({"a": 1, "b": (2, 3)}) == fingerprint({"b": [2, 3], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_where_and_when_the_runs_of_a_table_were_made() -> None:
    here = {"machine": "A", "date": "2026-01-02"}
    there = {"machine": "B", "date": "2026-01-01"}
    said = machines_of([here, there, here])
    assert said == "Runs: 2 on A (2026-01-02), 1 on B (2026-01-01)."
    assert machines_of([]) == ""
