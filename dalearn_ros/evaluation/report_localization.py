"""The report's part on poses: figures, the drive on the map, errors over time."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.charts import HALF_WIDTH, WIDTH, Series, chart
from dalearn_ros.evaluation.page import number, table
from dalearn_ros.evaluation.poses import PoseScore
from dalearn_ros.evaluation.report_health import health_part
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.landmarks.types import LandmarkMap

Array = npt.NDArray[np.float64]
TRUE, PRIOR, ESTIMATE, MAP = "#222222", "#d9730d", "#1463c8", "#9aa7b4"
AROUND_M = 60.0  # of the drive, in the picture of the map


class Paths:
    """Where the vehicle was, was said to be, and was estimated to be.

    Args:
        landmarks: Drawn around the drive; None draws none.
    """

    def __init__(self, landmarks: LandmarkMap | None = None) -> None:
        self.landmarks = landmarks
        self._rows = array("d")
        self.stamps_ns = array("q")

    def add(self, estimate: Pose | None, truth: Pose, prior: Pose | None) -> None:
        """One frame; None is a gap in the line."""
        gap = (math.nan, math.nan)
        places = [gap if pose is None else _place(pose) for pose in (truth, prior, estimate)]
        self._rows.extend(value for place in places for value in place)
        self.stamps_ns.append(truth.stamp_ns)

    def table(self) -> Array:
        """(N, 6) x and y of truth, prior and estimate, metres, map frame."""
        return np.array(self._rows, dtype=np.float64).reshape(-1, 6)


class Located(Protocol):
    """What was gathered of poses."""

    localization: PoseScore
    prior: PoseScore
    no_pose: Counter[str]
    paths: Paths


def localization_part(collected: Located, metrics: Mapping[str, Any]) -> str:
    """Its HTML; arguments as of :func:`report_page`."""
    sources = (("localizer", metrics["localization"]), ("prior", metrics["prior"]))
    rows = [
        [name]
        + [number(found[key][level], 3) for key in ("lateral_m", "longitudinal_m", "heading_deg")
           for level in ("median", "p95")]
        + [number(100.0 * found["availability"], 1, "%"), number(found["nees"], 2),
           number(found["nees_samples"]), number(found["confirmed_wrong"])]
        for name, found in sources
    ]  # fmt: skip
    head = ["", "lateral m, median", "95 %", "longitudinal m, median", "95 %",
            "heading °, median", "95 %", "available", "NEES per axis", "samples",
            "confirmed wrong"]  # fmt: skip
    parts = ["<h2>Localization</h2>", table(head, rows)]
    if collected.no_pose:
        reasons = [[reason, str(count)] for reason, count in collected.no_pose.most_common()]
        parts.append(table(["frames without a pose", "frames"], reasons))
    labels = ((1, "lateral error [m]"), (0, "longitudinal error [m]"), (2, "heading error [°]"))
    errors = "".join(_errors(collected, column, label) for column, label in labels)
    return "".join(
        [*parts, "<h3>The drive</h3>", _beside(collected.paths, errors), health_part(metrics)]
    )


def _beside(paths: Paths, errors: str) -> str:
    """The map and the charts of errors: beside a drive that goes north, else below it."""
    places = paths.table()
    sides = [np.ptp(one[np.isfinite(one)]) for one in (places[:, 0], places[:, 1])]
    if sides[1] <= sides[0]:
        return f'{_map(paths, WIDTH, 420.0)}<div class="charts">{errors}</div>'
    return f'<div class="charts">{_map(paths, HALF_WIDTH, 800.0)}<div>{errors}</div></div>'


def _map(paths: Paths, width: float, height: float) -> str:
    places = paths.table()
    series = []
    if paths.landmarks is not None and len(paths.landmarks):
        points = paths.landmarks.point_m[:, :2]
        low = np.nanmin(places[:, :2], axis=0) - AROUND_M
        high = np.nanmax(places[:, :2], axis=0) + AROUND_M
        near = points[((points >= low) & (points <= high)).all(axis=1)]
        series.append(Series("landmarks", near[:, 0], near[:, 1], MAP, dots=True, width=1.6))
    names = (
        ("truth", TRUE, "", 3.0),
        ("prior", PRIOR, "5 3", 1.4),
        ("localizer", ESTIMATE, "", 1.4),
    )
    for i, (name, colour, dash, thick) in enumerate(names):
        series.append(
            Series(name, places[:, 2 * i], places[:, 2 * i + 1], colour, width=thick, dash=dash)
        )
    start = places[np.isfinite(places[:, 0])][:1, :2]
    series.append(Series("", start[:, 0], start[:, 1], TRUE, dots=True, width=5.0))
    drawn = chart(series, "x, east [m]", "y, north [m]", equal=True, height=height, width=width)
    return f"<figure>{drawn}<figcaption>The dot is where it began.</figcaption></figure>"


def _errors(collected: Located, column: int, label: str) -> str:
    stamps = collected.paths.stamps_ns
    series = []
    for name, score, colour, dash in (
        ("prior", collected.prior, PRIOR, "5 3"),
        ("localizer", collected.localization, ESTIMATE, ""),
    ):
        elapsed = np.array(score.stamps_ns, dtype=np.int64) - stamps[0]
        x, y = _with_gaps(elapsed.astype(np.float64) / 1e9, score.errors[:, column])
        series.append(Series(name, x, y, colour, dash=dash))
    return f"<figure>{chart(series, 'time [s]', label, width=HALF_WIDTH)}</figure>"


def _place(pose: Pose) -> tuple[float, float]:
    x, y, _ = pose.map_from_base.translation
    return float(x), float(y)


def _with_gaps(seconds: Array, values: Array) -> tuple[Array, Array]:
    """A line that breaks where more than a second is missing."""
    holes = np.flatnonzero(np.diff(seconds) > 1.0) + 1
    return np.insert(seconds, holes, np.nan), np.insert(values, holes, np.nan)
