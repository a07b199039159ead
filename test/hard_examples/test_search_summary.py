"""Figures and charts of tries: what says nothing of a conversion is counted and left out."""

from __future__ import annotations

from typing import Any

import pytest

from dalearn_ros.hard_examples.album import BUDGET, _conditions, verdict
from dalearn_ros.hard_examples.album_charts import LEFT_OUT, along_axes
from dalearn_ros.hard_examples.filters import SMOOTH
from dalearn_ros.hard_examples.hunt import STUCK
from dalearn_ros.hard_examples.search import HARD, HARMLESS, ORIGINAL_FAILS
from dalearn_ros.hard_examples.search_summary import summarise
from dalearn_ros.hard_examples.try_log import Entry
from dalearn_ros.landmarks.catalogue import LabelSpace


def entry(number: int, accuracy: float, outcome: str, **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "number": number, "row": number, "source": f"i{number}", "step": 0, "model": "m+0",
        "parameters": {"sky": 1}, "rules": {"sky": "drawn"}, "parent": None,
        "condition": "night/sunny", "accuracy": accuracy, "original": None, "outcome": outcome,
        "classes": {1: (int(accuracy > 0.5), 1)}, "name": None, "seconds": {"recognise": 0.1},
    }  # fmt: skip
    return Entry(**{**values, **changes})


def test_images_that_the_model_fails_on_by_day_are_no_fault_of_the_night() -> None:
    tries = [entry(0, 0.9, HARMLESS), entry(1, 0.3, HARD)]
    tries += [entry(n, 0.0, ORIGINAL_FAILS) for n in (2, 3)]
    tries.append(entry(4, 0.0, ORIGINAL_FAILS, condition="day/fog"))
    found = summarise(tries, LabelSpace.load())
    assert found["tried"] == 5 and found["outcomes"][ORIGINAL_FAILS] == 3
    night, fog = found["conditions"]["night/sunny"], found["conditions"]["day/fog"]
    assert night["accuracy"] == pytest.approx(0.6)
    assert night["classes"] == {"warning_sign": {"recognised": 1, "objects": 2}}
    assert (night["tried"], night["hard"], night["original_fails"]) == (4, 1, 2)
    assert fog == {"tried": 1, "hard": 0, "original_fails": 1, "accuracy": None, "classes": {}}
    page = _conditions(found)
    assert "original fails" in page and "say nothing of the condition" in page
    assert page.index("night/sunny") < page.index("day/fog")


def test_they_are_no_dots_of_a_chart() -> None:
    def smoothed(number: int, outcome: str) -> Entry:
        vectors = {"image": (1.0 + number,)}
        changes = {"parameters": {}, "conversion": "smooth", "vectors": vectors}
        return entry(number, 0.1, outcome, **changes)

    tries = [smoothed(0, HARD), smoothed(1, ORIGINAL_FAILS)]
    drawn = along_axes("smooth", SMOOTH.axes, tries, 0.7)
    assert drawn == along_axes("smooth", SMOOTH.axes, tries[:1], 0.7) and LEFT_OUT in drawn
    assert along_axes("smooth", SMOOTH.axes, tries[1:], 0.7) == ""


def test_the_verdict_says_that_a_search_ended_early() -> None:
    pair = {"hard": {"before": 0.3, "after": 0.6}}
    metrics = {"outputs": 2, "tried": 9, "steps": 6, "before_after": pair, "search_ended": BUDGET}
    assert "ended" not in verdict(metrics)
    assert f"before its budget: {STUCK}." in verdict({**metrics, "search_ended": STUCK})
