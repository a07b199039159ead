"""Labels as COCO annotations and back.

COCO ``keypoints`` hold our pixel index (the centre of the top-left pixel is 0, 0); ``bbox`` and
``segmentation`` count from the corner of the image, so they are our pixels + 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels

Array = npt.NDArray[np.float64]
Json = dict[str, Any]
CORNER = 0.5


def categories(space: LabelSpace) -> list[Json]:
    """COCO categories of a label space; the id is the class id."""
    return [
        {"id": i, "name": name, "keypoints": ["reference_point"], "skeleton": []}
        for i, name in enumerate(space.names)
        if i > 0
    ]


def annotation_rows(
    labels: Labels, image_id: int, first_id: int, approximate: npt.NDArray[np.bool_]
) -> list[Json]:
    """COCO annotations of one image.

    Args:
        labels: N rows.
        image_id: Id of the image.
        first_id: Id of the first annotation; they count up.
        approximate: (N,) whether a point is a stand-in that must not be scored in pixels.
    """
    rows = []
    for i in range(len(labels)):
        outline = np.asarray(labels.outlines_px[i])
        low, high = outline.min(axis=0) + CORNER, outline.max(axis=0) + CORNER
        rows.append(
            {
                "id": first_id + i,
                "image_id": image_id,
                "category_id": int(labels.class_id[i]),
                "bbox": _plain([*low, *(high - low)]),
                "segmentation": [_plain((outline + CORNER).ravel())],
                "area": round(polygon_area(outline), 3),
                "iscrowd": 0,
                "keypoints": [*_plain(labels.point_px[i]), 2],
                "num_keypoints": 1,
                "range_m": _plain([labels.range_m[i]])[0],
                "visible": _plain([labels.visible[i]])[0],
                "map_id": str(labels.map_id[i]),
                "covariance_px2": [_plain(row) for row in labels.covariance_px2[i]],
                "ignore": bool(labels.ignore[i]),
                "approximate_point": bool(approximate[i]),
            }
        )
    return rows


def labels_of(rows: Sequence[Mapping[str, Any]]) -> Labels:
    """The inverse of :func:`annotation_rows`; what other tools leave out is NaN or empty."""
    if not rows:
        return Labels.empty()
    outlines = [_outline(row) for row in rows]
    points = [
        row["keypoints"][:2] if row.get("keypoints") else outline.mean(axis=0)
        for row, outline in zip(rows, outlines, strict=True)
    ]
    covariances = [
        np.array(row.get("covariance_px2") or np.full((2, 2), None), dtype=np.float64)
        for row in rows
    ]
    return Labels(
        class_id=np.array([row["category_id"] for row in rows], dtype=np.int64),
        point_px=np.array(points, dtype=np.float64).reshape(-1, 2),
        outlines_px=Ragged.of(outlines, 2),
        range_m=np.array([_or_nan(row.get("range_m")) for row in rows]),
        visible=np.array([_or_nan(row.get("visible")) for row in rows]),
        map_id=np.array([str(row.get("map_id", "")) for row in rows], dtype=np.str_),
        covariance_px2=np.array(covariances),
        ignore=np.array([bool(row.get("ignore", row.get("iscrowd", 0))) for row in rows]),
    )


def known_labels(rows: Sequence[Mapping[str, Any]], space: LabelSpace) -> Labels:
    """As :func:`labels_of`, of classes that a label space has.

    Raises:
        KeyError, TypeError, ValueError: An annotation lacks what it must have, or its class is not
            one of the space's.
    """
    labels = labels_of(rows)
    strange = ~np.isin(labels.class_id, range(1, len(space)))
    if strange.any():
        raise ValueError(f"category_id {labels.class_id[strange][0]}")
    return labels


def box_outline(x: float, y: float, width: float, height: float) -> Array:
    """Rectangle (4, 2) in our pixels from a corner-based COCO box."""
    left, top = x - CORNER, y - CORNER
    right, bottom = left + width, top + height
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def polygon_area(outline: Array) -> float:
    """Area of a polygon (k, 2), px²."""
    x, y = outline[:, 0], outline[:, 1]
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))


def _outline(row: Mapping[str, Any]) -> Array:
    segments = row.get("segmentation")
    if isinstance(segments, list) and segments and len(segments[0]) >= 6:
        return np.asarray(segments[0], dtype=np.float64).reshape(-1, 2) - CORNER
    return box_outline(*(float(value) for value in row["bbox"]))


def _or_nan(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _plain(values: npt.ArrayLike) -> list[float | None]:
    """JSON numbers with 6 digits, null for NaN and infinity."""
    rounded = np.round(np.asarray(values, dtype=np.float64), 6).tolist()
    return [value if math.isfinite(value) else None for value in rounded]
