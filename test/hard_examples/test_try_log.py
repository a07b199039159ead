"""The file of tries: what goes in comes out, a cut line is left out, damage is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from dalearn_ros.core.errors import ModelError
from dalearn_ros.hard_examples.search_summary import summarise, timing
from dalearn_ros.hard_examples.try_log import Entry, TryLog, read_tries
from dalearn_ros.landmarks.catalogue import LabelSpace


def entry(number: int, step: int, accuracy: float, **changes: object) -> Entry:
    one = Entry(
        number=number, row=number, source=f"i{number}", step=step, model=f"m+{step}",
        parameters={"sky": 1}, rules={"sky": "drawn"}, parent=None, condition="night/sunny",
        accuracy=accuracy, original=0.9, outcome="hard" if accuracy < 0.7 else "harmless",
        classes={1: (1, 2)}, name=None, seconds={"convert": 0.1, "recognise": 0.3},
    )  # fmt: skip
    return dataclasses.replace(one, **changes)  # type: ignore[arg-type]


def test_tries_of_later_models_are_dropped_and_a_cut_line_too(tmp_path: Path) -> None:
    path = tmp_path / "tries.jsonl"
    log = TryLog(path, 0)
    tries = [entry(0, 0, 1 / 3), entry(1, 2, 0.9), entry(2, 4, 0.1)]
    for one in tries:
        log.add(one)
    assert read_tries(path) == tries  # to the last digit
    with path.open("a", encoding="utf-8") as file:
        file.write('{"number": 3, "ro')
    assert TryLog(path, 2).entries == tries[:2]
    assert read_tries(path) == tries[:2]


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "tries.jsonl"
    path.write_text('{"number": 0}\n', encoding="utf-8")
    with pytest.raises(ModelError, match="line 1"):
        read_tries(path)


def test_figures_by_condition_class_and_rule() -> None:
    explored = {"rules": {"sky": "near", "road": "near", "image": "kept"}, "parent": 0}
    tries = [entry(0, 0, 0.2), entry(1, 0, 0.8), entry(2, 0, 0.5, **explored)]
    tries.append(entry(3, 0, 0.9, condition="day/fog", classes={2: (3, 3)}, **explored))
    found = summarise(tries, LabelSpace.load())
    assert found["tried"] == 4 and found["outcomes"] == {"hard": 2, "harmless": 2}
    assert found["drawn"] == {"tried": 2, "hard": 1}
    assert found["explored"] == {"tried": 2, "hard": 1}
    assert found["rules"] == {"near": {"tried": 2, "hard": 1}}
    night = found["conditions"]["night/sunny"]
    assert night["hard"] == 2 and night["accuracy"] == pytest.approx(0.5)
    assert night["classes"] == {"warning_sign": {"recognised": 3, "objects": 6}}
    assert list(found["conditions"]["day/fog"]["classes"].values()) == [
        {"recognised": 3, "objects": 3}
    ]


def test_where_the_time_goes() -> None:
    found = timing([entry(0, 0, 0.2), entry(1, 0, 0.2)], 1.5)
    assert found["tries_per_second"] == pytest.approx(2.5)
    assert found["share"] == {"convert": pytest.approx(0.25), "recognise": pytest.approx(0.75)}
    assert timing([], 0.0)["tries_per_second"] is None
