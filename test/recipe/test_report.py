"""The sentence about the whole recipe."""

from __future__ import annotations

import math

import pytest

from dalearn_ros.recipe.report import Summary


@pytest.mark.parametrize("f1", [math.nan, None])  # as it was made, and as it is read back
def test_a_test_drive_without_anything_to_score_has_no_f1(f1: float | None) -> None:
    entry = {
        "name": "evaluate-empty", "stage": "evaluate", "state": "cached", "about": "empty",
        "figures": {"f1": f1}, "refused": "", "said": "", "why": "",
    }  # fmt: skip
    summary = Summary(1, [entry])
    assert summary.verdict() == "The recipe is finished: F1 – on empty."
