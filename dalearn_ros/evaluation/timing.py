"""What depends on the clock: milliseconds by stage, and how much faster than the drive it was."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np

STAGES = ("preprocess", "inference", "decode", "publish", "total", "session_run")
PERCENTILES = (50, 80, 90, 95, 99)


class Timing:
    """Collects the milliseconds of each stage, frame by frame."""

    def __init__(self) -> None:
        self._samples = {stage: array("d") for stage in STAGES}
        self.drive_s = math.nan
        self.wall_s = math.nan

    def add(self, stages_ms: Mapping[str, float]) -> None:
        """One frame: stage → milliseconds; a stage that was not measured is left out."""
        for stage, value in stages_ms.items():
            if math.isfinite(value):
                self._samples.setdefault(stage, array("d")).append(value)

    def span(self, drive_s: float, wall_s: float) -> None:
        """Length of the drive and of the run over it, seconds."""
        self.drive_s, self.wall_s = drive_s, wall_s

    def samples(self, stage: str) -> list[float]:
        """Milliseconds of each frame; empty for a stage that was not measured."""
        return list(self._samples.get(stage, []))

    def result(self) -> dict[str, Any]:
        """The content of ``timing.json``; NaN for a stage that was not measured."""
        return {
            "latency_ms": {stage: _summary(values) for stage, values in self._samples.items()},
            "realtime_factor": self.drive_s / self.wall_s if self.wall_s > 0.0 else math.nan,
        }


def _summary(values: array[float]) -> dict[str, float]:
    if not values:
        return {"mean": math.nan, **{f"p{p}": math.nan for p in PERCENTILES}}
    levels = np.percentile(values, PERCENTILES)
    named = {f"p{p}": float(level) for p, level in zip(PERCENTILES, levels, strict=True)}
    return {"mean": float(np.mean(values)), **named}
