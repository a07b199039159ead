"""What a labelled drive is worth: counts, reasons, and pictures to look at."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dalearn_ros.labels.project import FrameLabels
from dalearn_ros.landmarks.catalogue import LabelSpace


@dataclass
class Audit:
    """Collects what happened while a drive was labelled.

    Attributes:
        label_space: Names of the classes.
        frames: Frames labelled.
        frames_skipped: Reason → frames left out.
        dropped: Reason → landmarks near a frame that gave no label.
        ignored: Reason → labels marked `ignore` (a label may have several reasons).
        by_class: Class name → labels that count.
        seen: Ids of map landmarks that gave at least one label that counts.
        sigma_px: Largest standard deviation of each counting label that follows from the pose.
    """

    label_space: LabelSpace
    frames: int = 0
    frames_skipped: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    by_class: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    sigma_px: list[float] = field(default_factory=list)
    _labels_ignored: int = 0

    def add(self, result: FrameLabels) -> None:
        """Count one labelled frame."""
        self.frames += 1
        self.dropped.update(result.dropped)
        self.ignored.update(result.ignored)
        labels = result.labels
        good = ~labels.ignore
        self._labels_ignored += int(labels.ignore.sum())
        self.by_class.update(self.label_space.names[int(c)] for c in labels.class_id[good])
        self.seen.update(str(name) for name in labels.map_id[good])
        covariances = labels.covariance_px2[good]
        known = np.isfinite(covariances).all(axis=(1, 2))
        if known.any():
            largest = np.linalg.eigvalsh(covariances[known])[:, -1]
            self.sigma_px += np.sqrt(np.maximum(largest, 0.0)).tolist()

    def summary(self, landmarks_in_map: int) -> dict[str, Any]:
        """The content of ``audit.json``: counts, reasons and percentiles, JSON values."""
        sigma = np.array(self.sigma_px)
        middle, high = np.percentile(sigma, [50, 95]) if len(sigma) else (np.nan, np.nan)
        return {
            "frames": self.frames,
            "frames_skipped": dict(self.frames_skipped),
            "labels": sum(self.by_class.values()),
            "labels_by_class": dict(self.by_class),
            "labels_ignored": self._labels_ignored,
            "ignored_by_reason": dict(self.ignored),
            "landmarks_dropped_by_reason": dict(self.dropped),
            "landmarks_in_map": landmarks_in_map,
            "landmarks_labelled": len(self.seen),
            "point_sigma_px": {"median": float(middle), "p95": float(high)},
        }


def audit_page(summary: Mapping[str, Any], pictures: list[str], title: str) -> str:
    """The content of ``audit.html``: tables and pictures, no script and nothing from outside.

    Args:
        summary: Of :meth:`Audit.summary`.
        pictures: Paths of pictures relative to the page.
        title: Heading.
    """
    tables = []
    for key, value in summary.items():
        shown = value if isinstance(value, Mapping) else {"": value}
        rows = "".join(
            f"<tr><td>{html.escape(str(name))}</td><td>{_number(number)}</td></tr>"
            for name, number in sorted(shown.items())
        )
        tables.append(f"<h2>{html.escape(key.replace('_', ' '))}</h2><table>{rows}</table>")
    images = "".join(
        f'<figure><img src="{html.escape(p)}"><figcaption>{html.escape(p)}</figcaption></figure>'
        for p in pictures
    )
    style = (
        "body{font:15px sans-serif;margin:2em;max-width:1300px}h2{font-size:1em;margin:1em 0 .2em}"
        "td{padding:.1em 1em .1em 0}img{max-width:100%}figure{margin:1em 0}"
    )
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{style}</style>'
    body = f"<h1>{html.escape(title)}</h1>{''.join(tables)}<h2>pictures</h2>{images}"
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>\n"


def _number(value: Any) -> str:
    return html.escape(f"{value:.2f}" if isinstance(value, float) else str(value))
