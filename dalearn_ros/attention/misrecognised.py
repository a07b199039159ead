"""What a network with an attention branch misrecognised in an image, and which branch did (A6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.attention.judge_settings import JudgeSettings
from dalearn_ros.evaluation.matching import match
from dalearn_ros.landmarks.types import Labels, Observations
from dalearn_ros.localization.pairing import nearest_first

if TYPE_CHECKING:  # this file needs no torch
    from dalearn_ros.attention.viewing import Answer, View

Array = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
# Errors by type, classes of them, lowest score, classes on which the attention branch is wrong.
_Found = tuple[Mapping[str, int], set[Any], Any, Any]
MISSED, FALSE_ALARM, WRONG_CLASS, WRONG_VALUE = (
    "missed",
    "false alarm",
    "wrong class",
    "wrong value",
)
ERRORS = (MISSED, FALSE_ALARM, WRONG_CLASS, WRONG_VALUE)
PERCEPTION, ATTENTION, EITHER = "perception", "attention", "either"
BRANCHES = (PERCEPTION, ATTENTION)


@dataclass(frozen=True)
class Verdict:
    """What is wrong with what a network said of one image.

    Attributes:
        errors: How many errors of each of :data:`ERRORS` the perception branch made; those it made
            none of are left out.
        classes: Numbers of the classes or values that are involved in an error of either branch,
            as in ``Viewer.names``, sorted.
        score: The lowest probability that the perception branch gave to the truth, 0 to 1: a found
            landmark's score, one minus that of a false alarm, 0 for a missed one or one of another
            class, the true class's probability; of values tolerance / largest error, at most 1.
        branches: Those of :data:`BRANCHES` that are wrong; none: the image is recognised.
    """

    errors: Mapping[str, int]
    classes: tuple[int, ...]
    score: float
    branches: tuple[str, ...]

    def misrecognised(self, by: str = EITHER) -> bool:
        """Whether it was, by the branch ``perception`` or ``attention``, or by ``either``."""
        return bool(self.branches) if by == EITHER else by in self.branches


def judge(
    answer: Answer,
    view: View,
    truth: Labels | int | npt.ArrayLike,
    settings: JudgeSettings | None = None,
    attention: bool = True,
) -> Verdict:
    """Compare an answer, and what the attention branch says, with the truth.

    Args:
        answer: Under whatever map.
        view: Of the same image; its scores are judged.
        truth: Labels of a landmark detector; the number of a classifier's class; a regressor's
            values (K,).
        settings: Tolerances.
        attention: Whether the attention branch is judged; one that has learnt nothing is not.
    """
    how = settings or JudgeSettings()
    if answer.observations is not None:
        assert isinstance(truth, Labels)
        found = _landmarks(answer.observations, view.scores, truth, how)
    elif answer.probabilities is not None:
        found = _class(answer.probabilities, view.scores, int(np.asarray(truth)))
    else:
        assert answer.values is not None
        found = _values(answer.values, view.scores, np.asarray(truth, np.float64), how)
    counts, involved, score, differs = found
    errors = {name: count for name, count in counts.items() if count}
    differs = differs if attention else []
    wrong = bool(errors), bool(len(differs))
    branches = tuple(name for name, is_wrong in zip(BRANCHES, wrong, strict=True) if is_wrong)
    classes = tuple(sorted({int(number) for number in (*involved, *differs)}))
    return Verdict(errors, classes, float(score), branches)


def classes_present(truth: Labels, count: int) -> Array:
    """Which landmark classes occur in an image.

    Args:
        truth: Of the image or a part of it.
        count: Of the landmark classes; number c is class c + 1 of the label space.

    Returns:
        (count,) 1 occurs, 0 does not, NaN where all landmarks of the class are ignored.
    """
    found = np.zeros(count, np.float32)
    found[truth.class_id[truth.ignore] - 1] = np.nan
    found[truth.class_id[~truth.ignore] - 1] = 1.0
    return found


def _landmarks(seen: Observations, scores: Array, truth: Labels, settings: JudgeSettings) -> _Found:
    result = match(truth, seen, settings.match_px)
    pairs = _wrong_class(truth, seen, result.missed, result.false_alarms, settings.match_px)
    wrong = len(pairs)
    counts = {
        MISSED: len(result.missed) - wrong,
        FALSE_ALARM: len(result.false_alarms) - wrong,
        WRONG_CLASS: wrong,
    }
    involved = {*(truth.class_id[result.missed] - 1), *(seen.class_id[result.false_alarms] - 1)}
    given = [*seen.score[result.seen], *(1.0 - seen.score[result.false_alarms])]
    if len(result.missed):
        given.append(0.0)
    occurs = classes_present(truth, len(scores))
    differs = np.flatnonzero(np.isfinite(occurs) & ((scores >= settings.occurs) != (occurs == 1.0)))
    return counts, involved, min(given, default=1.0), differs


def _class(probabilities: Array, scores: Array, truth: int) -> _Found:
    said, branch_said = int(probabilities.argmax()), int(scores.argmax())
    involved = {said, truth} if said != truth else set()
    differs = [branch_said, truth] if branch_said != truth else []
    return {WRONG_CLASS: int(said != truth)}, involved, probabilities[truth], differs


def _values(values: Array, scores: Array, truth: Any, settings: JudgeSettings) -> _Found:
    tolerance = settings.value_tolerance
    error, branch_error = np.abs(values - truth), np.abs(scores - truth)
    wrong, differs = np.flatnonzero(~(error <= tolerance)), ~(branch_error <= tolerance)
    worst = float(np.max(error, initial=0.0))
    score = min(1.0, tolerance / worst) if worst > 0.0 else 1.0
    return {WRONG_VALUE: len(wrong)}, set(wrong), score, np.flatnonzero(differs)


def _wrong_class(
    truth: Labels, seen: Observations, missed: Rows, false_alarms: Rows, match_px: float
) -> Rows:
    """(n, 2) pairs of missed landmarks and false alarms at the same place."""
    offsets = truth.point_px[missed][:, None] - seen.point_px[false_alarms][None]
    distance = np.hypot(offsets[..., 0], offsets[..., 1])
    return nearest_first(np.where(distance <= match_px, distance, np.inf))
