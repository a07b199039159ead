"""The report's summary in plain words: what the figures mean, best news and worst news first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

HONEST_NEES = (0.7, 1.5)  # per degree of freedom
FEWEST_SAMPLES = 20  # before a mean of NEES says anything
TRUE_SCORES = 0.05  # expected calibration error


def summary_words(metrics: Mapping[str, Any], located: bool, latency_ms: float) -> list[str]:
    """Sentences about a run.

    Args:
        metrics: The content of metrics.json, not yet rounded.
        located: Whether poses were scored.
        latency_ms: 95 % of the images took at most so long; NaN if it is not known.
    """
    words = [_found(metrics), _classes(metrics), _scores(metrics)] if metrics["frames"] else []
    if located:
        words += [_pose(metrics["localization"], metrics["prior"]), _honest(metrics)]
    else:
        words.append("There is no true pose: localization is not scored.")
    if math.isfinite(latency_ms):
        words.append(f"95 % of the images took at most {latency_ms:.0f} ms.")
    words.append(_skipped(metrics))
    return [sentence for sentence in words if sentence]


def _found(metrics: Mapping[str, Any]) -> str:
    recall, precision = metrics["recall"], metrics["precision"]
    if not math.isfinite(recall):
        return ""
    text = (
        f"The detector found {_of_100(recall)} of 100 landmarks that it should see "
        f"({metrics['support']} in {metrics['frames']} images)"
    )
    if math.isfinite(precision):
        text += f"; of 100 that it reported, {_of_100(precision)} were there"
    point = metrics["reference_point_px"]
    if not math.isfinite(point["median"]):
        return f"{text}."
    return (
        f"{text}. A found one is typically {point['median']:.1f} px off, and 95 % are within "
        f"{point['p95']:.1f} px."
    )


def _classes(metrics: Mapping[str, Any]) -> str:
    scored = {
        name: entry
        for name, entry in metrics["per_class"].items()
        if entry["support"] and math.isfinite(entry["f1"])
    }
    if len(scored) < 2:
        return ""
    best = max(scored, key=lambda name: scored[name]["f1"])
    worst = min(scored, key=lambda name: scored[name]["f1"])
    misses = {n: round(e["support"] * (1.0 - e["recall"])) for n, e in scored.items()}
    most = max(misses, key=lambda name: misses[name])
    text = (
        f"It is best at {_words(best)} (F1 {scored[best]['f1']:.2f}) and worst at {_words(worst)} "
        f"(F1 {scored[worst]['f1']:.2f})"
    )
    total = sum(misses.values())
    return f"{text}; {misses[most]} of the {total} misses are {_words(most)}." if total else text


def _scores(metrics: Mapping[str, Any]) -> str:
    error = metrics["calibration"]["ece"]
    if not math.isfinite(error):
        return ""
    if error <= TRUE_SCORES:
        return f"Its scores can be read as probabilities (they are {error:.2f} off in the mean)."
    return f"Its scores cannot be read as probabilities: they are {error:.2f} off in the mean."


def _pose(found: Mapping[str, Any], prior: Mapping[str, Any]) -> str:
    lateral, before = found["lateral_m"], prior["lateral_m"]["median"]
    share = f"There is a pose for {_of_100(found['availability'])} of 100 images"
    if not math.isfinite(lateral["median"]):
        return f"{share}."
    text = f"{share}, typically {lateral['median']:.2f} m off to the side"
    text += f" (the prior pose: {before:.2f} m)" if math.isfinite(before) else ""
    wrong = found["confirmed_wrong"]
    return text + (f"; {wrong} were sure of themselves and wrong by over 1 m." if wrong else ".")


def _honest(metrics: Mapping[str, Any]) -> str:
    value, samples = metrics["localization"]["nees"], metrics["localization"]["nees_samples"]
    if not math.isfinite(value):
        return ""
    if samples < FEWEST_SAMPLES:
        return f"The drive is too short to say whether its covariance is true ({samples} samples)."
    low, high = HONEST_NEES
    if value > high:
        return f"Its covariance is too small: errors are {math.sqrt(value):.1f} times what it says."
    if value < low:
        return f"Its covariance is too large: errors are {math.sqrt(value):.1f} times what it says."
    return "Its covariance is true: errors are about as large as it says."


def _skipped(metrics: Mapping[str, Any]) -> str:
    reasons = {name: count for name, count in metrics["frames_skipped"].items() if count}
    count = sum(reasons.values())
    if not count:
        return f"{metrics['frames']} frames evaluated, 0 skipped."
    told = ", ".join(f"{number} {name}" for name, number in reasons.items())
    return f"{metrics['frames']} frames evaluated, {count} skipped ({told})."


def _of_100(share: float) -> str:
    return f"{100.0 * share:.0f}"


def _words(name: str) -> str:
    return name.replace("_", " ") + "s"
