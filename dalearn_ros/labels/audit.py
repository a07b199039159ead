"""What a labelled drive is worth: counts, reasons, and pictures to look at."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dalearn_ros.labels.project import FrameLabels
from dalearn_ros.labels.residuals import PairCollector
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
        notes: Sentences about assumptions: ground model, what the map's loader took for granted.
        clouds: What became of the LiDAR clouds, frames by reason; empty without.
        against: Camera → its labels and the observations of a detector; empty if none was asked.
    """

    label_space: LabelSpace
    frames: int = 0
    frames_skipped: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    by_class: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    sigma_px: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    clouds: Counter[str] = field(default_factory=Counter)
    against: dict[str, PairCollector] = field(default_factory=dict)
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
            "clouds": dict(self.clouds),
            "notes": list(self.notes),
        }


def audit_page(summary: Mapping[str, Any], pictures: list[str], title: str) -> str:
    """The content of ``audit.html``: tables and pictures, no script and nothing from outside.

    Args:
        summary: Of :meth:`Audit.summary`.
        pictures: Paths of pictures relative to the page.
        title: Heading.
    """
    tables = _section(summary, 2)
    images = "".join(
        f'<figure><img src="{html.escape(p)}"><figcaption>{html.escape(p)}</figcaption></figure>'
        for p in pictures
    )
    style = (
        "body{font:15px sans-serif;margin:2em;max-width:1300px}"
        "h2{font-size:1.1em;margin:1em 0 .2em}h3,h4,h5{font-size:.95em;margin:.7em 0 .2em}"
        "td{padding:.1em 1em .1em 0}img{max-width:100%}figure{margin:1em 0}"
    )
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{style}</style>'
    body = f"<h1>{html.escape(title)}</h1>{tables}<h2>pictures</h2>{images}"
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>\n"


def _section(values: Mapping[str, Any], level: int) -> str:
    """Plain values as one table, then everything else under a heading of its own."""
    plain = {k: v for k, v in values.items() if not isinstance(v, (Mapping, list))}
    parts = [_table([(name, [value]) for name, value in sorted(plain.items())])] if plain else []
    for name, value in values.items():
        if name in plain or not value:
            continue
        parts.append(f"<h{level}>{html.escape(name.replace('_', ' '))}</h{level}>")
        rows = list(value.values()) if isinstance(value, Mapping) else value
        if all(isinstance(row, Mapping) and not _nested(row) for row in rows):
            names = list(value) if isinstance(value, Mapping) else [""] * len(rows)
            heads = [("", list(rows[0]))]
            cells = [(n, list(row.values())) for n, row in zip(names, rows, strict=True)]
            parts.append(_table(heads + cells))
        elif isinstance(value, Mapping):
            parts.append(_section(value, level + 1))
        else:
            parts += [f"<p>{html.escape(str(row))}</p>" for row in rows]
    return "".join(parts)


def _nested(row: Mapping[str, Any]) -> bool:
    return any(isinstance(value, Mapping) for value in row.values())


def _table(rows: list[tuple[str, list[Any]]]) -> str:
    cells = (
        "".join(f"<td>{_number(value)}</td>" for value in [name.replace("_", " "), *values])
        for name, values in rows
    )
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def _number(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value)
    return html.escape(f"{value:.2f}" if isinstance(value, float) else str(value))
