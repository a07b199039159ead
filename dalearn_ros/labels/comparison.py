"""A drive's labels against what a detector saw: what a person needs to trust or mend them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dalearn_ros.core.files import atomic_file
from dalearn_ros.labels.offsets import (
    LEAST_LANDMARKS,
    LEAST_PAIRS,
    SIGNIFICANT,
    estimate_offsets,
    median_norm,
)
from dalearn_ros.labels.residuals import PairCollector, landmark_rows
from dalearn_ros.landmarks.catalogue import LabelSpace

WORST = 20  # landmarks named in the summary; the file has all
LEAST_VIEWS = 3  # of a landmark before its residual says something about the map

Row = dict[str, str | int | float]


def compare(collected: PairCollector, space: LabelSpace) -> tuple[dict[str, Any], list[Row]]:
    """Residuals and offsets of a drive.

    Args:
        collected: All its frames.
        space: Names of the classes.

    Returns:
        The summary for ``audit.json`` and one row a landmark, the worst first. A landmark is
        ``suspect`` if its median residual, after the suggested corrections, is over three times
        the noise of one observation: it may have moved, or never stood where the map has it.
    """
    pairs = collected.pairs()
    summary: dict[str, Any] = {
        "labels": collected.labels,
        "observations": collected.observations,
        "pairs": 0 if pairs is None else len(pairs),
    }
    if pairs is None:
        return {**summary, "verdict": "no observation lies near a label"}, []
    offsets = estimate_offsets(pairs)
    if offsets is None:
        before = after = pairs.residual_px()
        limit = np.inf
        text = f"too few for offsets: {LEAST_PAIRS} pairs of {LEAST_LANDMARKS} landmarks are needed"
        summary |= {"verdict": text, "residual_median_px": {"before": median_norm(before)}}
    else:
        before, after = offsets.before_px, offsets.after_px
        limit = SIGNIFICANT * offsets.noise_px
        count = int(offsets.significant.sum())
        text = f"{count} corrections suggested" if count else "no correction suggested"
        summary |= {"verdict": text, "noise_px": offsets.noise_px, **offsets.summary()}
    rows = []
    for row in landmark_rows(pairs, before, after):
        length = _after_px(row)
        name = space.names[int(row.pop("class_id"))]
        suspect = int(int(row["seen"]) >= LEAST_VIEWS and length > limit)
        rows.append({"map_id": row.pop("map_id"), "class": name, "suspect": suspect, **row})
    suspects = [row for row in rows if row["suspect"]]
    summary |= {"landmarks": len(rows), "landmarks_suspect": len(suspects)}
    return {**summary, "suspect_landmarks": suspects[:WORST]}, rows


def compare_cameras(
    collected: Mapping[str, PairCollector], space: LabelSpace
) -> tuple[dict[str, Any], list[Row]]:
    """Residuals and offsets of a drive, each camera by itself.

    Every camera has its own clock and mounting, and its residuals are along its own axes: only
    counts are put together. A landmark is suspect if one of the cameras says so.

    Args:
        collected: Camera → all its frames.
        space: Names of the classes.

    Returns:
        Of one camera what :func:`compare` says. Of several the counts of all, what each of them
        says under ``cameras``, and rows with the name of the camera, the worst first.
    """
    if len(collected) == 1:
        return compare(next(iter(collected.values())), space)
    found = {name: compare(collector, space) for name, collector in collected.items()}
    rows: list[Row] = [{"camera": name, **row} for name, (_, own) in found.items() for row in own]
    rows.sort(key=_after_px, reverse=True)
    suspects = [row for row in rows if row["suspect"]]
    cameras = {name: summary for name, (summary, _) in found.items()}
    counts = {
        key: sum(summary[key] for summary in cameras.values())
        for key in ("labels", "observations", "pairs")
    }
    return {
        **counts,
        "verdict": "; ".join(f"{name}: {own['verdict']}" for name, own in cameras.items()),
        "landmarks": len({row["map_id"] for row in rows}),
        "landmarks_suspect": len({row["map_id"] for row in suspects}),
        "suspect_landmarks": suspects[:WORST],
        "cameras": {
            name: {key: value for key, value in own.items() if key != "suspect_landmarks"}
            for name, own in cameras.items()
        },
    }, rows


def _after_px(row: Row) -> float:
    return float(np.hypot(float(row["right_after_px"]), float(row["down_after_px"])))


def write_rows(path: Path, rows: list[Row]) -> None:
    """One row a landmark as CSV with a header; residuals rounded to a hundredth of a pixel."""
    with atomic_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else ["map_id"])
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {key: round(v, 2) if isinstance(v, float) else v for key, v in row.items()}
            )
