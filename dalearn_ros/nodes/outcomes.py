"""What a running system says of itself: times and counters, and what a bag player sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import InputError
from dalearn_ros.evaluation.timing import Timing

IMAGES = ("sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/Image")
LOST, NO_RESULT = "lost in transport", "no result"


class ReportedTiming(Timing):
    """Milliseconds as the nodes report them on /diagnostics.

    Args:
        reports: Node → key → value, the latest of each.
    """

    def __init__(self, reports: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__()
        self._reports = reports

    def result(self) -> dict[str, Any]:
        """The content of ``timing.json``."""
        content = super().result()
        latency = content["latency_ms"]
        for values in self._reports.values():
            for key, value in values.items():
                if key.startswith("latency_ms."):
                    _, stage, figure = key.split(".")
                    latency.setdefault(stage, {})[figure] = float(value)
        if "inference" in latency:
            latency["session_run"] = dict(latency["inference"])
        return content


def read_manifest(path: Path) -> dict[str, Any]:
    """A bag player's manifest.

    Raises:
        InputError: Unreadable, or another file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError.at(path, "", "a manifest of bag_player", str(error)) from None
    if not isinstance(content, dict) or content.get("format") != "dalearn-manifest":
        raise InputError.at(path, "key 'format'", "dalearn-manifest", "another file")
    return content


def sent_stamps(manifest: Mapping[str, Any]) -> set[int]:
    """Stamps of the camera images that were sent."""
    return {
        stamp
        for topic, entry in manifest["topics"].items()
        if entry["type"] in IMAGES and "depth" not in topic
        for stamp in entry["stamps_ns"]
    }


def outcomes(sent: set[int], answered: set[int], report: Mapping[str, str]) -> Counter[str]:
    """What became of the images that were sent; the sum is their number.

    Args:
        sent: Stamps, from the manifest.
        answered: Stamps with a result.
        report: The detector's counters.

    Returns:
        ``processed`` (those with a result), ``overwritten``, each reason of a skip, ``lost in
        transport`` (those that the detector did not receive), and the rest as ``no result``.
    """
    found = Counter({"processed": len(sent & answered)})
    found["overwritten"] = int(report.get("overwritten", 0))
    for key, value in report.items():
        if key.startswith("skipped."):
            found[key.partition(".")[2]] = int(value)
    if "received" in report:
        found[LOST] = len(sent) - int(report["received"])
    found[NO_RESULT] = len(sent) - sum(found.values())
    return +found
