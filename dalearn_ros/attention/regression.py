"""What retraining fixed and what it broke, image by image (A6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.attention.misrecognised import PERCEPTION, Verdict

Array = npt.NDArray[np.float32]
EDITED, ELSEWHERE = "edited", "elsewhere"
GROUPS = (EDITED, ELSEWHERE)
FIXED, BROKEN = "fixed", "broken"


@dataclass(frozen=True)
class Judged:
    """One image under one network.

    Attributes:
        verdict: What was wrong.
        tally: How many hits, misses and false alarms; a class or value that is wrong is both.
        mass: Share of the attention that lies where it should, 0 to 1; None if it is not known.
        attention: (h, w) 0 to 1 over exactly the image, for the picture; None without a map.
    """

    verdict: Verdict
    tally: tuple[int, int, int]
    mass: float | None
    attention: Array | None = None


@dataclass(frozen=True)
class Row:
    """One image before and after.

    Attributes:
        image: Its name.
        group: One of :data:`GROUPS`.
        before: Under the start.
        after: Under the retrained network.
    """

    image: str
    group: str
    before: Judged
    after: Judged

    @property
    def outcome(self) -> str:
        """``fixed``, ``broken``, or empty; by the perception branch."""
        was, is_ = (one.verdict.misrecognised(PERCEPTION) for one in (self.before, self.after))
        if was == is_:
            return ""
        return FIXED if was else BROKEN


def summarise(rows: Sequence[Row], score: str) -> dict[str, Any]:
    """Figures by group, for ``metrics.json``.

    Args:
        rows: All images.
        score: What micro F1 is called: ``f1``, or ``accuracy`` where each image has one answer.

    Returns:
        For each group ``images``, ``wrong_before``, ``wrong_after``, ``fixed``, ``broken`` (names
        of images), and before and after: the score, ``mass`` (mean over the images where it is
        known), and errors by type.
    """
    return {group: _figures([r for r in rows if r.group == group], score) for group in GROUPS}


def _figures(rows: Sequence[Row], score: str) -> dict[str, Any]:
    found: dict[str, Any] = {"images": len(rows)}
    for when in ("before", "after"):
        judged: list[Judged] = [getattr(row, when) for row in rows]
        hits, missed, alarms = (sum(one.tally[i] for one in judged) for i in range(3))
        total = 2 * hits + missed + alarms
        masses = [one.mass for one in judged if one.mass is not None and np.isfinite(one.mass)]
        errors: dict[str, int] = {}
        for one in judged:
            for name, count in one.verdict.errors.items():
                errors[name] = errors.get(name, 0) + count
        found[f"wrong_{when}"] = sum(one.verdict.misrecognised(PERCEPTION) for one in judged)
        found[f"{score}_{when}"] = 2 * hits / total if total else None
        found[f"mass_{when}"] = float(np.mean(masses)) if masses else None
        found[f"errors_{when}"] = dict(sorted(errors.items()))
    for outcome in (FIXED, BROKEN):
        found[outcome] = [row.image for row in rows if row.outcome == outcome]
    return found


def told(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The edited images, and others that were fixed or broken, for ``metrics.json``."""
    return [
        {
            "image": row.image,
            "group": row.group,
            "outcome": row.outcome,
            "before": _told(row.before),
            "after": _told(row.after),
        }
        for row in rows
        if row.group == EDITED or row.outcome
    ]


def _told(judged: Judged) -> dict[str, Any]:
    return {
        "errors": dict(judged.verdict.errors),
        "misrecognised_by": list(judged.verdict.branches),
        "mass": judged.mass,
    }
