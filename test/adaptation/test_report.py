"""Parts of the new-city report; a whole one is in test/cli/test_adapt_detection.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dalearn_ros.adaptation.pseudo_summary import (
    PseudoRows,
    read_pseudo_labels,
    summarise_pseudo_labels,
)
from dalearn_ros.adaptation.report import verdict, write_report
from dalearn_ros.adaptation.report_pictures import Pair, pick
from dalearn_ros.adaptation.report_target import target_section
from dalearn_ros.adaptation.report_timeline import (
    choice_section,
    losses_section,
    pseudo_section,
    read_losses,
)
from dalearn_ros.adaptation.settings import PseudoLabelSettings
from dalearn_ros.core.errors import ModelError
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Observations

SPACE = LabelSpace.load()
SUMMARY: dict[str, Any] = {
    "chosen_step": 4,
    "refused": "",
    "steps": 9,
    "candidates": [
        {"step": 0, "target/agreement": 0.5, "source/f1": 0.9},
        {"step": 4, "target/agreement": 0.75, "target/same_as_before": 0.6, "source/f1": 0.8},
    ],
    "self_training": [
        {"step": 2, "what": "started", "why": "the source loss no longer falls"},
        {"step": 7, "what": "stopped", "why": "the source loss 3 is at least 2 <b>"},
    ],
}


def test_the_first_sentence() -> None:
    assert "after step 4 of 9" in verdict(SUMMARY)
    assert "from 0.500 to 0.750" in verdict(SUMMARY)
    refused = {**SUMMARY, "refused": "adaptation did not help by target/agreement: 0.1 at best"}
    wanted = "Adaptation did not help by target/agreement: 0.1 at best; the source model is kept."
    assert verdict(refused) == wanted


def test_a_history_that_was_continued_has_each_step_once(tmp_path: Path) -> None:
    rows = [
        {"kind": "loss", "step": 1, "source": 3.0},
        {"kind": "loss", "step": 2, "source": 9.0},
        {"kind": "validation", "step": 2, "source/f1": 0.5},
        {"kind": "loss", "step": 2, "source": 2.0, "domain_image": 0.7},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "h.jsonl").write_text(text + '{"kind": "lo')
    found = read_losses(tmp_path / "h.jsonl")
    assert found["source"][0].tolist() == [1.0, 2.0]
    assert found["source"][1].tolist() == [3.0, 2.0]
    assert found["domain_image"][0].tolist() == [2.0]
    assert read_losses(tmp_path / "none.jsonl") == {}


def test_charts_mark_where_self_training_starts_and_stops_and_why() -> None:
    steps = np.arange(1.0, 10.0)
    page = losses_section({"source": (steps, steps), "domain_image": (steps, steps / 9)}, SUMMARY)
    assert page.count("<svg") == 2
    assert "started: the source loss no longer falls" in page
    assert "at least 2 &lt;b&gt;" in page
    assert "ln 2" in page
    assert "never started" in losses_section({}, {**SUMMARY, "self_training": []})


def test_the_chosen_network_is_marked() -> None:
    page = choice_section(SUMMARY)
    assert "step 4 (chosen)" in page and "step 0 (chosen)" not in page
    assert "0.750" in page and "–" in page  # the start has none before it


def test_pseudo_labels_by_class_and_classes_without_any(tmp_path: Path) -> None:
    rows = PseudoRows(
        np.array([3, 5]),
        np.array([1, 2]),
        np.array([0.9, 0.2]),
        np.array([1, 0]),
        np.zeros(2, bool),
    )
    pseudo = summarise_pseudo_labels(rows, PseudoLabelSettings(), SPACE)
    page = pseudo_section(rows, {**SUMMARY, "pseudo_labels": pseudo})
    assert page.count("<svg") == 3
    assert f"never surely enough to learn from: {SPACE.names[2]}." in page
    assert SPACE.names[3] in page
    nothing = read_pseudo_labels(tmp_path / "none.csv", SPACE)
    empty = summarise_pseudo_labels(nothing, PseudoLabelSettings(), SPACE)
    assert "There were none" in pseudo_section(nothing, {**SUMMARY, "pseudo_labels": empty})


def test_pictures_are_even_ones_and_then_those_that_changed_most() -> None:
    nothing = Observations.empty(0)
    pairs = [Pair(row, nothing, nothing, changed=row % 5) for row in range(20)]
    evenly, most = pick(pairs)
    assert [pair.row for pair in evenly] == [0, 6, 13, 19]
    assert [pair.row for pair in most] == [4, 9, 14, 3]
    assert pick([]) == ([], [])
    assert pick([pairs[0]]) == ([pairs[0]], [])


def test_target_tables_name_start_choice_and_best() -> None:
    def network(step: int, f1: float) -> dict[str, Any]:
        figures = {
            "f1": f1, "precision": f1, "recall": f1, "f1_interval": (f1 - 0.1, f1 + 0.1),
            "reference_point_px": {"median": 2.0, "p95": 5.0}, "point_interval": (1.0, 3.0),
        }  # fmt: skip
        classes = {"warning_sign": {"support": 7, **figures}}
        return {"step": step, "score_threshold": 0.4, **figures, "per_class": classes}

    scored = {
        "match_px": 8.0, "images": 5, "unreadable": ["x"], "chosen_step": 4, "oracle_step": 6,
        "networks": [network(0, 0.3), network(4, 0.5), network(6, 0.6)],
        "gain": {"f1": 0.2, "interval": (0.1, 0.3)},
        "oracle_gain": {"f1": 0.3, "interval": (0.15, 0.4)},
    }  # fmt: skip
    page = target_section(scored)
    assert "step 0 (start)" in page and "step 4 (chosen)" in page
    assert "step 6 (best by labels)" in page
    assert "+0.300 (+0.150 to +0.400) over the start instead of +0.200 (+0.100 to +0.300)" in page
    assert "1 cannot be read" in page
    assert "0.400–0.600" in page
    best = target_section({**scored, "oracle_step": 4})
    assert "No network along the way has a better F1" in best
    assert "step 4 (chosen, best by labels)" in best


def test_a_run_that_is_not_finished_has_no_report(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not finished"):
        write_report(tmp_path, None, None, SPACE)  # type: ignore[arg-type]
