"""Have the pseudo labels run away from what the start found in the new city?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.settings import field

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CollapseSettings:
    """When pseudo labels have run away."""

    window: int = field(60, "Steps that are looked at together.", minimum=1, maximum=1_000_000)
    factor: float = field(
        4.0,
        "Landmarks per crop may change by this factor.",
        minimum=1.0,
        maximum=1000.0,
    )
    class_share: float = field(
        0.3, "The share of one class may rise by so much.", minimum=0.0, maximum=1.0
    )


def collapsed(
    first: Counts, now: Counts, names: tuple[str, ...], settings: CollapseSettings
) -> str:
    """Why the pseudo labels of a window of steps look like a collapse; empty if they do not.

    Args:
        first: (1+M,) pseudo landmarks of each class in the first window; row 0 is unused.
        now: (1+M,) those of the last window, over as many crops.
        names: Of the classes, background first.
        settings: What is allowed.
    """
    before, after = int(first[1:].sum()), int(now[1:].sum())
    if before == 0:
        return ""
    ratio = after / before
    if ratio > settings.factor:
        return f"{ratio:.1f} times as many pseudo labels as at the start"
    if ratio < 1.0 / settings.factor:
        return f"nearly all has become background: {after} pseudo labels, {before} at the start"
    share = now / after - first / before
    worst = int(share[1:].argmax()) + 1
    if share[worst] > settings.class_share:
        return (
            f"the share of {names[worst]} among the pseudo labels rose from "
            f"{first[worst] / before:.0%} to {now[worst] / after:.0%}"
        )
    return ""
