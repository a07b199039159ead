"""Names of figures: the place in metrics.json or timing.json, with dots, and what they can be."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any

from dalearn_ros.bags.pictures import OF_DEPTH
from dalearn_ros.evaluation.collector import Collector
from dalearn_ros.evaluation.health import CAMERA_NAMES, MAP_NAMES
from dalearn_ros.evaluation.timing import PERCENTILES
from dalearn_ros.landmarks.catalogue import LabelSpace

SHARES = {
    *("precision", "recall", "f1", "f1_macro", "mean_ap", "ap", "ece", "skipped_share"),
    *("availability", "ellipse_95", "progress", "excitation", "hits", "score", "threshold"),
}
SETTINGS = {
    "match_px",
    "score_threshold",
    "intervals.units",
    "intervals.draws",
}  # numbers that measure nothing
SKIP_REASONS = (
    *(f"image:{why}" for why in ("duplicate", "truncated", "undecodable", "encoding", "size")),
    *("image:unreadable", "detector"),
    *(f"pose:{why}" for why in ("before_start", "after_end", "gap", "nan", "jump", "moves", "tf")),
)
COUNTED = {  # what occurs is named in metrics.json, what does not is 0
    "frames_skipped.": SKIP_REASONS,
    "depth_images_skipped.": (OF_DEPTH, f"{OF_DEPTH}:size"),
}
SHARE_GROUPS = ("f1_at.", "calibration.covariance_inside.", "calibration.distance_inside.")
SIGNED = "camera_health.drifts."
CONDITION_NAMES = (
    *("frames", "support", "precision", "recall", "f1", "reference_point_px.median"),
    *("reference_point_px.p95", "lateral_m.median", "lateral_m.p95"),
)
WHY = {
    "localization.": "the bag has no true pose, or no prior pose to localize from",
    "prior.": "the bag has no true pose, or no prior pose",
    "per_class.": "no landmark of that class is scored there, or none is claimed",
    "by_condition.": "the bag or dataset names no such condition",
    "by_": "no landmark is scored there",
    "intervals.": "fewer than six drives or stretches of 20 s have anything of it",
    "map_health.": "nothing was localized",
    "camera_health.": "nothing was localized, or the bag has no odometry, or too little of it",
    "distance.": "the model predicts no distances, or no hit has one",
    "timing.": "it was not measured",
}


def flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Every number of nested mappings by its dotted name; NaN for null. Text and lists are left."""
    found: dict[str, float] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= flat(value, f"{name}.")
        elif value is None:
            found[name] = math.nan
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found[name] = float(value)
    return found


def figures_of(metrics: Mapping[str, Any], timing: Mapping[str, Any]) -> dict[str, float]:
    """All figures of an evaluation by name; those of timing.json begin with ``timing.``."""
    return {**flat(metrics), **flat(timing, "timing.")}


def known_names(space: LabelSpace) -> set[str]:
    """Names that an evaluation with these classes has, but those of :func:`is_open`."""
    empty = Collector(space)
    health = {f"map_health.{name}" for name in MAP_NAMES}
    health |= {f"camera_health.{name}" for name in CAMERA_NAMES}
    names = set(figures_of(empty.metrics(), empty.clock.result())) | health
    values = ("mean", *(f"p{percentile}" for percentile in PERCENTILES))
    names |= {f"timing.latency_ms.localize.{value}" for value in values}
    names |= {f"{group}{reason}" for group, reasons in COUNTED.items() for reason in reasons}
    return names - {"map_health", "camera_health"} - SETTINGS


def is_open(name: str) -> bool:
    """Whether a name holds a word that the input chooses: a condition."""
    group, _, rest = name.partition(".")
    return group == "by_condition" and any(
        rest.endswith(f".{leaf}") and len(rest) > len(leaf) + 1 for leaf in CONDITION_NAMES
    )


def nearest(name: str, names: set[str]) -> str:
    """The known name that is most like another; empty if none is."""
    reason = name.partition(".")[2]
    for group, reasons in COUNTED.items():
        if reason in reasons:
            return f"{group}{reason}"
    found = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.5)
    if found:
        return found[0]
    last = name.rpartition(".")[2]
    ends = [known for known in sorted(names, key=len) if known.rpartition(".")[2] == last]
    return ends[0] if ends else ""


def range_of(name: str) -> tuple[float, float]:
    """Smallest and largest value that a figure can have."""
    if name.startswith("intervals.figures.") and name.endswith((".low", ".high")):
        return range_of(name.removeprefix("intervals.figures.").rpartition(".")[0])
    share = name.rpartition(".")[2] in SHARES or name.startswith(SHARE_GROUPS)
    if ".heading_deg." in name:
        return 0.0, 180.0
    low = -math.inf if name.startswith(SIGNED) and name.endswith(".value") else 0.0
    return low, 1.0 if share else math.inf


def why_unknown(name: str) -> str:
    """Why a figure may not be known: a part of a sentence."""
    for start, reason in WHY.items():
        if name.startswith(start):
            return reason
    return "there is nothing to compute it from"
