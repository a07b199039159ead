"""The sentence about the whole recipe, and its times."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from dalearn_ros.recipe.plan import Step
from dalearn_ros.recipe.report import Summary, _cards, _stages


@pytest.mark.parametrize("f1", [math.nan, None])  # as it was made, and as it is read back
def test_a_test_drive_without_anything_to_score_has_no_f1(f1: float | None) -> None:
    entry = {
        "name": "evaluate-empty", "stage": "evaluate", "state": "cached", "about": "empty",
        "figures": {"f1": f1}, "refused": "", "said": "", "why": "",
    }  # fmt: skip
    summary = Summary(1, [entry])
    assert summary.verdict() == "The recipe is finished: F1 – on empty."


def test_this_time_is_the_time_of_this_call() -> None:
    """A stage that went on, one that was interrupted, one that was cached."""
    summary = Summary(3)
    for name, state, seconds, now in (
        ("train", "run", 100.0, 40.0),
        ("harden", "interrupted", 5.0, 5.0),
        ("label", "cached", 70.0, 0.0),
    ):
        record = {"said": "", "seconds": seconds, "seconds_now": now}
        summary.add(Step(name, name, "key"), state, record)
    assert summary.to_dict()["seconds"] == 45.0
    assert _cards(Path(), summary).count("45\u00a0s") == 1
    assert all(f"{seconds}\u00a0s" in _stages(summary) for seconds in (100, 5, 70))
