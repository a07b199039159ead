"""Crowded random truth and observations: claims within reach of each other and of ignored truth."""

from __future__ import annotations

import numpy as np

from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels, Observations

SIZE = (120, 120)


def random_scene(rng: np.random.Generator, stamp_ns: int = 0) -> tuple[Labels, Observations]:
    """Up to 5 truths and 8 claims of classes 1 to 3 in 120 x 120 pixels; scores in steps of 0.1."""
    n, m = int(rng.integers(0, 6)), int(rng.integers(0, 9))
    points = rng.uniform(0, 60, (n, 2))
    near = points[rng.integers(0, n, m)] if n else np.zeros((m, 2))
    side = rng.uniform(12, 120, n)
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5]])
    truth = Labels(
        class_id=rng.integers(1, 4, n),
        point_px=points,
        outlines_px=Ragged.of([p + s * corners for p, s in zip(points, side, strict=True)], 2),
        range_m=rng.uniform(5, 80, n),
        visible=rng.uniform(0.5, 1, n),
        map_id=np.full(n, ""),
        covariance_px2=np.zeros((n, 2, 2)),
        ignore=rng.random(n) < 0.2,
    )
    seen = Observations(
        stamp_ns=stamp_ns,
        class_id=rng.integers(1, 4, m),
        point_px=near + rng.normal(0, 6, (m, 2)),
        score=np.round(rng.uniform(0.3, 1.0, m), 1),
        covariance_px2=np.tile(np.eye(2), (m, 1, 1)),
        range_m=rng.uniform(5, 80, m),
        sigma_range_m=np.ones(m),
        track_id=np.full(m, -1),
    )
    return truth, seen
