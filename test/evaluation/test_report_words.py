"""The report's summary in words."""

from __future__ import annotations

import copy
import math
from typing import Any

from dalearn_ros.evaluation.report_words import summary_words

NAN = math.nan
METRICS: dict[str, Any] = {
    "frames": 60,
    "frames_skipped": {},
    "recall": 0.494,
    "precision": 0.777,
    "support": 528,
    "reference_point_px": {"median": 2.54, "p95": 6.73},
    "per_class": {
        "warning_sign": {"support": 100, "recall": 0.1, "f1": 0.2},
        "signal": {"support": 50, "recall": 0.8, "f1": 0.9},
        "arrow": {"support": 0, "recall": NAN, "f1": NAN},
    },
    "calibration": {"ece": 0.04},
    "localization": {
        "lateral_m": {"median": 0.021},
        "availability": 0.975,
        "confirmed_wrong": 0,
        "nees": 2.25,
        "nees_samples": 100,
    },
    "prior": {"lateral_m": {"median": 0.63}},
}


def words(located: bool = True, latency_ms: float = NAN, **changes: Any) -> str:
    metrics = copy.deepcopy(METRICS)
    for key, value in changes.items():
        if key in metrics["localization"]:
            metrics["localization"][key] = value
        else:
            metrics[key] = value
    return " ".join(summary_words(metrics, located, latency_ms))


def test_a_whole_run_in_words() -> None:
    assert words(latency_ms=41.6) == (
        "The detector found 49 of 100 landmarks that it should see (528 in 60 images); of 100 that "
        "it reported, 78 were there. A found one is typically 2.5 px off, and 95 % are within "
        "6.7 px. "
        # 90 of 100 warning signs and 10 of 50 signals are missed.
        "It is best at signals (F1 0.90) and worst at warning signs (F1 0.20); 90 of the 100 "
        "misses are warning signs. "
        "Its scores can be read as probabilities (they are 0.04 off in the mean). "
        "There is a pose for 98 of 100 images, typically 0.02 m off to the side (the prior pose: "
        "0.63 m). "
        "Its covariance is too small: errors are 1.5 times what it says. "
        "95 % of the images took at most 42 ms. "
        "60 frames evaluated, 0 skipped."
    )


def test_what_the_covariance_is_worth() -> None:
    assert "too large: errors are 0.5 times" in words(nees=0.25)
    assert "covariance is true" in words(nees=1.1)
    assert "too short to say whether its covariance is true (3 samples)" in words(nees_samples=3)
    assert "covariance" not in words(nees=NAN)


def test_bad_news_is_not_hidden() -> None:
    assert "cannot be read as probabilities: they are 0.20" in words(calibration={"ece": 0.2})
    assert "2 were sure of themselves and wrong by over 1 m" in words(confirmed_wrong=2)
    text = words(frames_skipped={"image:truncated": 2, "pose:gap": 1, "detector": 0})
    assert "60 frames evaluated, 3 skipped (2 image:truncated, 1 pose:gap)." in text


def test_what_is_unknown_is_left_out() -> None:
    unknown = {"median": NAN, "p95": NAN}
    text = words(precision=NAN, recall=0.0, reference_point_px=unknown, located=False)
    assert "found 0 of 100 landmarks that it should see (528 in 60 images). " in text
    assert "no true pose" in text and "nan" not in text
    text = words(recall=NAN, per_class={}, calibration={"ece": NAN}, lateral_m=unknown)
    assert text.startswith("There is a pose for 98 of 100 images. ") and "nan" not in text
    assert words(frames=0, located=False).startswith("There is no true pose")
