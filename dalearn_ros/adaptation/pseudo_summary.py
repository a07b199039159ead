"""What became of the pseudo labels of a run: ``pseudo_labels.csv`` in numbers."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.adaptation.pseudo_labels import Role
from dalearn_ros.adaptation.pseudo_log import HEADER
from dalearn_ros.adaptation.settings import PseudoLabelSettings
from dalearn_ros.core.errors import ModelError
from dalearn_ros.landmarks.catalogue import LabelSpace

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
REFUSED = ("threshold", "cap", "map")  # why nothing is learnt from a claim
_DIGITS = 4  # of the scores in the file


@dataclass(frozen=True)
class PseudoRows:
    """The lines of the file, one row each.

    Attributes:
        step: (n,) step of learning, from 1.
        class_id: (n,) class.
        score: (n,) largest softmax value.
        role: (n,) of :class:`Role`.
        doubt: (n,) bool, the map does not explain it.
    """

    step: Ints
    class_id: Ints
    score: Floats
    role: Ints
    doubt: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.step)


def read_pseudo_labels(path: Path, label_space: LabelSpace) -> PseudoRows:
    """Read the file of a run; nothing if there is none.

    Raises:
        ModelError: It is no such file.
    """
    ids = {name: i for i, name in enumerate(label_space.names)}
    rows: list[tuple[int, int, float, int, int]] = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file)
            if next(lines, None) != HEADER.strip().split(","):
                raise ValueError("another heading")
            for step, _, name, _, _, score, used, doubt in lines:
                role = Role[used.upper()]
                rows.append((int(step), ids[name], float(score), int(role), int(doubt)))
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError, ValueError, KeyError) as error:
        found = f"{type(error).__name__}: {error}"
        raise ModelError.at(path, f"line {len(rows) + 2}", HEADER.strip(), found) from None
    table = np.array(rows, np.float64).reshape(-1, 5)
    step, class_id, score_, role_, doubt_ = table.T
    return PseudoRows(
        step.astype(np.int64),
        class_id.astype(np.int64),
        score_,
        role_.astype(np.int64),
        doubt_.astype(bool),
    )


def refused_by(rows: PseudoRows, settings: PseudoLabelSettings) -> dict[str, npt.NDArray[np.bool_]]:
    """Which rows are neutral, by what made them so: threshold, cap or map.

    The map comes first, as it does in learning: a doubtful claim counts for no cap.
    """
    neutral = rows.role == Role.NEUTRAL
    capped = (
        settings.class_cap is not None
        or settings.total_share is not None
        or settings.balance != "none"
    )
    low = rows.score < round(settings.threshold, _DIGITS) if capped else np.ones(len(rows), bool)
    return {
        "threshold": neutral & ~rows.doubt & low,
        "cap": neutral & ~rows.doubt & ~low,
        "map": neutral & rows.doubt,
    }


def summarise_pseudo_labels(
    rows: PseudoRows, settings: PseudoLabelSettings, label_space: LabelSpace
) -> dict[str, Any]:
    """How many there were, and what was done with them.

    Returns:
        ``all`` and ``by_class``, name → the same for each class that was claimed at all, with its
        ``class_id``: ``made``, ``used_as`` (role → count), ``refused_by`` (threshold, cap, map →
        count), ``mean_score`` and ``mean_score_of_labels`` (NaN without any); ``never_claimed``:
        classes that the network never claimed to see; ``never_learnt``: claimed, but never learnt
        from.
    """
    reasons = refused_by(rows, settings)
    by_class = {
        name: {"class_id": i, **_counts(rows, reasons, rows.class_id == i)}
        for i, name in enumerate(label_space.names)
        if i and (rows.class_id == i).any()
    }
    return {
        "all": _counts(rows, reasons, np.ones(len(rows), bool)),
        "by_class": by_class,
        "never_claimed": [name for name in label_space.names[1:] if name not in by_class],
        "never_learnt": [name for name, e in by_class.items() if not e["used_as"]["label"]],
    }


def over_time(
    rows: PseudoRows, steps: int, bins: int = 40
) -> tuple[Floats, Floats, Floats, Floats]:
    """How the use of claims changes along the way, over at most ``bins`` equal spans of steps.

    Args:
        rows: Of the file.
        steps: Steps of the run.
        bins: At most so many spans.

    Returns:
        (b,) last step of each span; (b,) claims, and (b, classes) claims of each class that were
        learnt from, both per step of the span that had claims; (b,) mean score of all claims. NaN
        where nothing was claimed.
    """
    edges = np.unique(np.linspace(0, steps, min(bins, steps) + 1).round().astype(np.int64))
    ends, count = edges[1:], len(edges) - 1
    span = np.searchsorted(ends, rows.step)
    active = np.bincount(np.searchsorted(ends, np.unique(rows.step)), minlength=count)
    made = np.bincount(span, minlength=count)
    label = np.zeros((count, int(rows.class_id.max(initial=0)) + 1))
    learnt = rows.role == Role.LABEL
    np.add.at(label, (span[learnt], rows.class_id[learnt]), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = np.bincount(span, rows.score, minlength=count) / made
        return ends.astype(np.float64), made / active, label / active[:, None], score


def _counts(
    rows: PseudoRows,
    reasons: Mapping[str, npt.NDArray[np.bool_]],
    chosen: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    role = rows.role[chosen]
    return {
        "made": int(chosen.sum()),
        "used_as": {r.name.lower(): int((role == r).sum()) for r in Role},
        "refused_by": {name: int((which & chosen).sum()) for name, which in reasons.items()},
        "mean_score": _mean(rows.score[chosen]),
        "mean_score_of_labels": _mean(rows.score[chosen & (rows.role == Role.LABEL)]),
    }


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
