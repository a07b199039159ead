"""What is misrecognised, by which branch, and how."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from dalearn_ros.attention.judge_settings import JudgeSettings
from dalearn_ros.attention.misrecognised import (
    FALSE_ALARM,
    MISSED,
    WRONG_CLASS,
    WRONG_VALUE,
    classes_present,
    judge,
)
from dalearn_ros.attention.viewing import Answer, View
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels, Observations


def view(scores: list[float]) -> View:
    nothing = np.zeros((1, 1), np.float32)
    return View(torch.zeros(1), nothing, np.array(scores, np.float32), (8, 8), (8.0, 8.0))


def truth(*rows: tuple[int, float], ignored: tuple[bool, ...] = ()) -> Labels:
    count = len(rows)
    return dataclasses.replace(
        Labels.empty(),
        class_id=np.array([row[0] for row in rows], np.int64),
        point_px=np.array([[row[1], 5.0] for row in rows]).reshape(-1, 2),
        outlines_px=Ragged.of([[]] * count, 2),
        range_m=np.full(count, 20.0),
        visible=np.ones(count),
        map_id=np.array([""] * count),
        covariance_px2=np.zeros((count, 2, 2)),
        ignore=np.array(ignored or (False,) * count, np.bool_),
    )


def seen(*rows: tuple[int, float, float]) -> Answer:
    count = len(rows)
    found = dataclasses.replace(
        Observations.empty(0),
        class_id=np.array([row[0] for row in rows], np.int64),
        point_px=np.array([[row[1], 5.0] for row in rows]).reshape(-1, 2),
        score=np.array([row[2] for row in rows]),
        covariance_px2=np.zeros((count, 2, 2)),
        range_m=np.full(count, np.nan),
        sigma_range_m=np.full(count, np.nan),
        track_id=np.full(count, -1),
    )
    return Answer(observations=found)


def test_every_kind_of_error_of_a_detector() -> None:
    labels = truth((1, 10.0), (1, 50.0), (2, 90.0))
    answer = seen((1, 12.0, 0.9), (3, 92.0, 0.8), (2, 200.0, 0.7))
    found = judge(answer, view([0.9, 0.9, 0.1]), labels)
    assert found.errors == {MISSED: 1, FALSE_ALARM: 1, WRONG_CLASS: 1}
    assert found.classes == (0, 1, 2)
    assert found.score == 0.0
    assert found.branches == ("perception",)
    assert found.misrecognised() and found.misrecognised("perception")
    assert not found.misrecognised("attention")


def test_a_recognised_image_has_the_lowest_score_of_what_it_found() -> None:
    found = judge(seen((1, 12.0, 0.9), (2, 90.0, 0.6)), view([0.9, 0.9]), truth((1, 10), (2, 90)))
    assert found.errors == {}
    assert found.branches == ()
    assert found.score == pytest.approx(0.6)
    alarm = judge(seen((1, 12.0, 0.9), (2, 90.0, 0.8)), view([0.9, 0.1]), truth((1, 10)))
    assert alarm.errors == {FALSE_ALARM: 1}
    assert alarm.score == pytest.approx(0.2)


def test_the_attention_branch_errs_on_its_own() -> None:
    found = judge(seen((1, 10.0, 0.9)), view([0.9, 0.7]), truth((1, 10.0)))
    assert found.branches == ("attention",)
    assert found.errors == {}
    assert found.classes == (1,)
    ignored = truth((1, 10.0), (2, 50.0), ignored=(False, True))
    assert judge(seen((1, 10.0, 0.9)), view([0.9, 0.7]), ignored).branches == ()


def test_classes_that_occur() -> None:
    labels = truth((1, 1.0), (1, 2.0), (3, 3.0), ignored=(True, False, True))
    assert np.array_equal(classes_present(labels, 4), [1, 0, np.nan, 0], equal_nan=True)


def test_a_classifier() -> None:
    answer = Answer(probabilities=np.array([0.2, 0.7, 0.1], np.float32))
    right = judge(answer, view([0.1, 0.8, 0.1]), 1)
    assert (right.errors, right.branches) == ({}, ())
    assert right.score == pytest.approx(0.7)
    wrong = judge(answer, view([0.8, 0.1, 0.1]), 0)
    assert (wrong.errors, wrong.branches, wrong.classes) == (
        {WRONG_CLASS: 1},
        ("perception",),
        (0, 1),
    )
    assert wrong.score == pytest.approx(0.2)


def test_a_regressor() -> None:
    answer = Answer(values=np.array([1.0, 2.0], np.float32))
    how = JudgeSettings(value_tolerance=0.25)
    right = judge(answer, view([1.1, 2.0]), [1.2, 2.0], how)
    assert (right.errors, right.branches, right.score) == ({}, (), 1.0)
    wrong = judge(answer, view([1.0, 2.6]), [1.0, 2.5], how)
    assert (wrong.errors, wrong.branches) == ({WRONG_VALUE: 1}, ("perception",))
    assert wrong.classes == (1,)
    assert wrong.score == pytest.approx(0.5)
