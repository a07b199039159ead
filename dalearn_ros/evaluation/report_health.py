"""The report's part on the health of map and camera."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dalearn_ros.evaluation.page import number, table


def health_part(metrics: Mapping[str, Any]) -> str:
    """Its HTML, from the content of metrics.json; empty where nobody looked."""
    return _map(metrics["map_health"]) + _camera(metrics["camera_health"])


def _map(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    counts = ", ".join(f"{n} {kind}" for kind, n in found["counts"].items())
    text = (
        f"<h3>Health of the map</h3><p>Of {found['landmarks']} landmarks that were due, suspected: "
        f"{counts}; confirmed only after a second pass.</p>"
    )
    rows = [
        [row["id"], row["class"], row["kind"], number(row["distance_m"], 2, "m"),
         number(row["log_odds"], 1), "yes" if row["confirmed"] else "no"]
        for row in found["rows"]
    ]  # fmt: skip
    head = ["landmark", "class", "finding", "moved", "log odds", "confirmed"]
    return text + (table(head, rows) if rows else "")


def _camera(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    rows = []
    for name, drift in found["drifts"].items():
        ends = drift["interval_95"] or (None, None)
        span = " to ".join(number(end, 3) for end in ends)
        rows.append([name, drift["state"], number(drift["value"], 3), span])
    return (
        f"<h3>Health of the camera</h3><p>From {found['tracks']} landmarks in {found['windows']} "
        "stretches of road.</p>" + table(["offset", "state", "value", "95 %"], rows)
    )
