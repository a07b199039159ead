"""What the localizer's node adds to its diagnostics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dalearn_ros.localization.observability import DIRECTIONS
from dalearn_ros.localization.results import LocalizationResult
from dalearn_ros.nodes.diagnostics import FrameCounters
from dalearn_ros.nodes.localizer_inputs import CheckedPoses


class LocalizerCounters(FrameCounters):
    """Counts of images, refused inputs by topic and reason, and what the last estimate rests on.

    Args:
        inputs: Topics of poses.
    """

    def __init__(self, inputs: Sequence[CheckedPoses]) -> None:
        super().__init__()
        self._inputs = inputs
        self.not_finite = 0
        self.result: LocalizationResult | None = None

    def snapshot(self) -> dict[str, str]:
        """All values as text, by name."""
        values = super().snapshot()
        for one in self._inputs:
            topic = one.topic.rpartition("/")[2]
            values |= {f"{topic}.{why}": str(n) for why, n in sorted(one.refused.items())}
        if self.not_finite:
            values["landmarks.not finite"] = str(self.not_finite)
        return values | result_values(self.result)


def result_values(result: LocalizationResult | None) -> dict[str, str]:
    """What an estimate rests on: images, matches, and each direction's share and weakness."""
    if result is None:
        return {}
    values = {
        "images": str(result.images),
        "matches": str(len(result.matches)),
        "doubtful": str(result.doubtful),
        "inflation": f"{result.inflation:.2f}",
    }
    if result.observability is None:
        return values
    known = result.observability
    units = (1.0, 1.0, float(np.degrees(1.0)))
    names = ("sigma_m", "sigma_m", "sigma_deg")
    for i, (direction, unit, name) in enumerate(zip(DIRECTIONS, units, names, strict=True)):
        values[f"{direction}.{name}"] = f"{known.sigma[i] * unit:.3f}"
        values[f"{direction}.weak"] = str(bool(known.weak[i])).lower()
        values[f"{direction}.share"] = f"{known.share[i]:.2f}"
    return values
