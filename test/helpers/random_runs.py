"""Evaluations of random scenes along a drive of many seconds."""

from __future__ import annotations

import numpy as np

from dalearn_ros.evaluation.collector import Collector
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import Labels, Observations
from helpers.random_scenes import SIZE, random_scene

START_NS = 1_700_000_000_000_000_000


def random_run(
    frames: int = 60,
    seed: int = 0,
    keep: float = 1.0,
    poses: bool = True,
    lateral_m: float = 0.1,
    match_px: float = 8.0,
    drives: int = 1,
) -> Collector:
    """A frame a second; the truth hangs on ``seed`` only.

    Args:
        frames: How many.
        seed: Of truth and claims.
        keep: Share of the claims that is kept.
        poses: Whether there are true poses; every seventh frame has no estimate.
        lateral_m: Mean of the lateral error.
        match_px: Tolerance.
        drives: They are of so many drives, in turns.
    """
    run = Collector(match_px=match_px)
    rng, chance = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    for i in range(frames):
        stamp = START_NS + i * 1_000_000_000
        truth, seen = random_scene(rng, stamp)
        seen = seen.select(chance.random(len(seen)) < keep)
        drive, condition = f"drive{i % drives}", "rain" if i % 3 == 0 else "day"
        run.add(truth, seen, SIZE, name=f"frame{i}", drive=drive, condition=condition)
        if poses:
            true = Transform.from_euler(0, 0, 0, [5.0 * i, 0, 0])
            off = Transform.from_euler(0, 0, 0, [5.0 * i, lateral_m + 0.01 * (i % 9), 0])
            estimate = Pose(stamp, off) if i % 7 else None
            run.add_pose(estimate, Pose(stamp, true), Pose(stamp, off))
    return run


def scenes(frames: int, seed: int = 0) -> list[tuple[Labels, Observations]]:
    """What :func:`random_run` scores, all claims kept."""
    rng = np.random.default_rng(seed)
    return [random_scene(rng, START_NS + i * 1_000_000_000) for i in range(frames)]
