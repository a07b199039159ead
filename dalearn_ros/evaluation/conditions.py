"""Figures by weather and light, where the bag or the dataset names them."""

from __future__ import annotations

from typing import Any

import numpy as np

from dalearn_ros.evaluation.bands import spread
from dalearn_ros.evaluation.detection import scores
from dalearn_ros.evaluation.frames import FrameTable


def by_condition(table: FrameTable) -> dict[str, Any]:
    """Condition → frames, support, scores, point and lateral error; empty if none is named."""
    names = np.array([frame.condition for frame in table.frames], np.str_)
    counts = table.counts() if names.any() else np.zeros((len(names), 0, 3), np.int64)
    found: dict[str, Any] = {}
    for name in sorted({str(name) for name in names if name}):
        here = names == name
        hits, false_alarms, missed = counts[here].sum(axis=(0, 1))
        found[name] = {
            "frames": int(here.sum()),
            "support": int(hits + missed),
            **scores(hits, false_alarms, missed),
            "reference_point_px": spread(table.hits["px"][here[table.hits["frame"]]]),
            "lateral_m": spread(np.abs(table.poses["lateral_m"][here[table.poses["frame"]]])),
        }
    return found
