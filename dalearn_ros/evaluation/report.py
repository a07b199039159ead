"""The report: one HTML file with everything in it, for screen, phone and paper."""

from __future__ import annotations

import html
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.calibration import GAUSSIAN_INSIDE, SIGMAS
from dalearn_ros.evaluation.charts import Series, bars, chart
from dalearn_ros.evaluation.drawing import draw_matching
from dalearn_ros.evaluation.gallery import Gallery, Snapshot
from dalearn_ros.evaluation.page import cards, number, page, picture, table
from dalearn_ros.evaluation.poses import PoseScore
from dalearn_ros.evaluation.timing import Timing
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.landmarks.catalogue import LabelSpace
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
        self._rows: list[tuple[float, ...]] = []
        self.stamps_ns: list[int] = []

    def add(self, estimate: Pose | None, truth: Pose, prior: Pose | None) -> None:
        """One frame; None is a gap in the line."""
        gap = (math.nan, math.nan)
        places = [gap if pose is None else _place(pose) for pose in (truth, prior, estimate)]
        self._rows.append(tuple(value for place in places for value in place))
        self.stamps_ns.append(truth.stamp_ns)

    def table(self) -> Array:
        """(N, 6) x and y of truth, prior and estimate, metres, map frame."""
        return np.array(self._rows, dtype=np.float64).reshape(-1, 6)


class Gathered(Protocol):
    """What a report is made of."""

    title: str
    source: dict[str, Any]
    label_space: LabelSpace
    localization: PoseScore
    prior: PoseScore
    clock: Timing
    gallery: Gallery
    no_pose: Counter[str]
    paths: Paths


def report_page(collected: Gathered, metrics: Mapping[str, Any]) -> str:
    """The page as text.

    Args:
        collected: What was gathered.
        metrics: The content of metrics.json, not yet rounded.
    """
    located = collected.localization.frames > 0
    parts = [
        f"<h1>{html.escape(collected.title)}</h1>",
        _summary(metrics, located),
        _localization(collected, metrics) if located else "",
        _detection(metrics) if metrics["frames"] else "",
        _pictures("Worst frames", collected.gallery.worst(), collected),
        _pictures("Best frames", collected.gallery.best(), collected),
        _timing(collected.clock.result()),
        _about(collected, metrics),
    ]
    return page(collected.title, parts)


def _summary(metrics: Mapping[str, Any], located: bool) -> str:
    entries = []
    if metrics["frames"]:
        tolerance = f"{metrics['match_px']:g} px"
        precision, recall = number(metrics["precision"], 3), number(metrics["recall"], 3)
        point = metrics["reference_point_px"]
        entries += [
            (f"F1 at {tolerance}", number(metrics["f1"], 3),
             f"precision {precision}, recall {recall}"),
            ("Reference point", number(point["median"], 2, "px"),
             f"median; 95 % within {number(point['p95'], 1, 'px')}"),
        ]  # fmt: skip
    if located:
        found, prior = metrics["localization"], metrics["prior"]
        for name, key, unit in (
            ("Lateral error", "lateral_m", "m"),
            ("Heading error", "heading_deg", "°"),
        ):
            before = number(prior[key]["median"], 2, unit)
            entries.append((name, number(found[key]["median"], 2, unit), f"median; prior {before}"))
        share = number(100.0 * found["availability"], 1, "%")
        entries.append(("Pose available", share, "of the frames"))
    skipped = sum(metrics["frames_skipped"].values())
    text = f"{metrics['frames']} frames evaluated, {skipped} skipped."
    if not located:
        text += " There is no true pose: localization is not scored."
    return f"{cards(entries)}<p>{text}</p>"


def _localization(collected: Gathered, metrics: Mapping[str, Any]) -> str:
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
    parts.append(_map(collected.paths))
    labels = ((1, "lateral error [m]"), (0, "longitudinal error [m]"), (2, "heading error [°]"))
    parts += [_errors(collected, column, label) for column, label in labels]
    return "".join(parts)


def _map(paths: Paths) -> str:
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
    for i, (name, colour, dash, width) in enumerate(names):
        series.append(
            Series(name, places[:, 2 * i], places[:, 2 * i + 1], colour, width=width, dash=dash)
        )
    drawn = chart(series, "x, east [m]", "y, north [m]", equal=True, height=420.0)
    return f"<h3>The drive</h3><figure>{drawn}</figure>"


def _errors(collected: Gathered, column: int, label: str) -> str:
    stamps = collected.paths.stamps_ns
    series = []
    for name, score, colour, dash in (
        ("prior", collected.prior, PRIOR, "5 3"),
        ("localizer", collected.localization, ESTIMATE, ""),
    ):
        elapsed = np.array(score.stamps_ns, dtype=np.int64) - stamps[0]
        x, y = _with_gaps(elapsed.astype(np.float64) / 1e9, score.errors[:, column])
        series.append(Series(name, x, y, colour, dash=dash))
    return f"<figure>{chart(series, 'time [s]', label)}</figure>"


def _detection(metrics: Mapping[str, Any]) -> str:
    classes = metrics["per_class"]
    present = {name: entry for name, entry in classes.items() if entry["support"]}
    rows = [_detection_row(name, entry) for name, entry in classes.items()]
    rows.append(_detection_row("all", metrics))
    head = ["class", "support", "precision", "recall", "F1", "point px, median", "95 %",
            "distance, relative"]  # fmt: skip
    sizes = metrics["image_size"]
    size = sizes if isinstance(sizes, str) else f"{len(sizes)} sizes"
    at = ", ".join(
        f"{name if '%' in name else name + ' px'}: {number(value, 3)}"
        for name, value in metrics["f1_at"].items()
    )
    bands = [
        [name, number(band["support"]), number(band["recall"], 3),
         number(band["reference_point_px"]["median"]), number(band["reference_point_px"]["p95"])]
        for name, band in metrics["by_range"].items()
    ]  # fmt: skip
    figure = bars([(name, entry["f1"]) for name, entry in present.items()], 1.0, ESTIMATE)
    return (
        f"<h2>Detection</h2><p>Images of {size}; a hit lies within {metrics['match_px']:g} px. "
        f"F1 at other tolerances: {at} (of the image's width). Macro F1 over the classes that "
        f"occur: {number(metrics['f1_macro'], 3)}.</p>{table(head, rows)}"
        f"<h3>F1 by class</h3><figure>{figure}</figure><h3>By distance</h3>"
        + table(["distance", "support", "recall", "point px, median", "95 %"], bands)
        + _calibration(metrics["calibration"])
    )


def _calibration(found: Mapping[str, Any]) -> str:
    """Whether scores and covariances are true: a reliability diagram and the shares inside."""
    bins = found["reliability"]
    if not bins:
        return ""
    score = np.array([row["score"] for row in bins])
    hits = np.array([row["hits"] for row in bins])
    ends = np.array([0.0, 1.0])
    series = [
        Series("true probability", ends, ends, MAP, dash="5 3"),
        Series("this detector", score, hits, ESTIMATE),
        Series("", score, hits, ESTIMATE, dots=True, width=4.0),
    ]
    figure = chart(series, "score", "share of hits", y_from_zero=True)
    shares = found["covariance_inside"]
    rows = [
        [f"{k} σ", number(100.0 * shares[str(k)], 1, "%"), number(100.0 * ideal, 1, "%")]
        for k, ideal in zip(SIGMAS, GAUSSIAN_INSIDE, strict=True)
    ]
    return (
        "<h3>Are scores and covariances true?</h3><p>Expected calibration error of the scores: "
        f"{number(found['ece'], 3)}.</p><figure>{figure}</figure>"
        + table(["true point inside", "share", "of a Gaussian"], rows)
    )


def _detection_row(name: str, entry: Mapping[str, Any]) -> list[str]:
    point = entry["reference_point_px"]
    scores = [number(entry[key], 3) for key in ("precision", "recall", "f1")]
    relative = number(100.0 * entry["distance"]["abs_rel"], 1, "%")
    return [name, number(entry["support"]), *scores, number(point["median"]),
            number(point["p95"]), relative]  # fmt: skip


def _pictures(title: str, frames: list[Snapshot], collected: Gathered) -> str:
    if not frames:
        return ""
    figures = []
    for frame in frames:
        drawn = draw_matching(
            frame.image(), frame.truth, frame.seen, frame.found, collected.label_space
        )
        hits, missed = len(frame.found.truth), len(frame.found.missed)
        when = ""
        if collected.paths.stamps_ns:
            when = f" at {(frame.stamp_ns - collected.paths.stamps_ns[0]) / 1e9:.1f} s"
        false = len(frame.found.false_alarms)
        text = f"{frame.name}{when}: {hits} hits, {missed} missed, {false} false"
        figures.append(picture(drawn, text))
    key = (
        '<p class="key"><span class="hit">hit</span> (ring: truth, cross: seen) '
        '<span class="missed">missed</span> <span class="false">false alarm</span> '
        '<span class="ignored">not scored</span></p>'
    )
    return f"<h2>{title}</h2>{key}<div class='pictures'>{''.join(figures)}</div>"


def _timing(timing: Mapping[str, Any]) -> str:
    stages = timing["latency_ms"]
    known = {name: found for name, found in stages.items() if math.isfinite(found["mean"])}
    if not known:
        return ""
    columns = ["mean", "p50", "p80", "p90", "p95", "p99"]
    rows = [[name, *(number(found[c], 1) for c in columns)] for name, found in known.items()]
    factor = timing["realtime_factor"]
    pace = f"<p>The run was {factor:.2f} times as fast as the drive.</p>"
    if not math.isfinite(factor):
        pace = ""
    return f"<h2>Time</h2>{table(['milliseconds', *columns], rows)}{pace}"


def _about(collected: Gathered, metrics: Mapping[str, Any]) -> str:
    rows = [[str(name), str(value)] for name, value in collected.source.items()]
    rows += [[f"skipped: {reason}", str(n)] for reason, n in metrics["frames_skipped"].items()]
    if not rows:
        return ""
    return f"<h2>What was evaluated</h2>{table(['input', ''], rows, 'wide')}"


def _place(pose: Pose) -> tuple[float, float]:
    x, y, _ = pose.map_from_base.translation
    return float(x), float(y)


def _with_gaps(seconds: Array, values: Array) -> tuple[Array, Array]:
    """A line that breaks where more than a second is missing."""
    holes = np.flatnonzero(np.diff(seconds) > 1.0) + 1
    return np.insert(seconds, holes, np.nan), np.insert(values, holes, np.nan)
