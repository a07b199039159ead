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


class CounterLog:
    """A node's counters as it reported them, with the wall clock at which each was heard."""

    def __init__(self) -> None:
        self._heard: list[tuple[int, dict[str, int]]] = []

    def add(self, report: Mapping[str, str], heard_unix_ns: int) -> None:
        """Take a report; kept if it differs from the one before."""
        counters = {key: int(value) for key, value in report.items() if value.isdecimal()}
        if not self._heard or self._heard[-1][1] != counters:
            self._heard.append((heard_unix_ns, counters))

    def since(self, began_unix_ns: int | None) -> dict[str, int]:
        """The latest counters, less those of the last report that was heard before a moment.

        Nothing is taken off if there is no such report, or the node has begun anew since.

        Args:
            began_unix_ns: The moment, wall clock, nanoseconds; None: it is not known.
        """
        if not self._heard:
            return {}
        latest = self._heard[-1][1]
        before = [c for heard, c in self._heard if began_unix_ns and heard <= began_unix_ns]
        base = before[-1] if before else {}
        if latest.get("received", 0) < base.get("received", 0):
            return latest
        return {key: count - base.get(key, 0) for key, count in latest.items()}


def remove_manifest(path: Path) -> None:
    """Remove that of an earlier run, which would end the evaluator of this one.

    Raises:
        InputError: It cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be removed ({error.strerror}).") from None


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


def sent_stamps(manifest: Mapping[str, Any], topic: str = "") -> set[int]:
    """Stamps of the camera images that were sent.

    Args:
        manifest: Of the bag player.
        topic: Of the judged camera's images, raw or ``/compressed``; where the manifest has
            neither, the images of all cameras count.
    """
    stamps = {
        name: entry["stamps_ns"]
        for name, entry in manifest["topics"].items()
        if entry["type"] in IMAGES and "depth" not in name
    }
    for name in (topic, topic.removesuffix("/compressed")):
        if name in stamps:
            return set(stamps[name])
    return {stamp for found in stamps.values() for stamp in found}


def outcomes(sent: set[int], answered: set[int], report: Mapping[str, int]) -> Counter[str]:
    """What became of the images that were sent; the sum is their number.

    Args:
        sent: Stamps, from the manifest.
        answered: Stamps with a result.
        report: The detector's counters while they were sent.

    Returns:
        ``processed`` (those with a result), ``overwritten``, each reason of a skip, ``lost in
        transport`` (those that the detector did not receive), and the rest as ``no result``.
    """
    found = Counter({"processed": len(sent & answered)})
    found["overwritten"] = report.get("overwritten", 0)
    for key, count in report.items():
        if key.startswith("skipped."):
            found[key.partition(".")[2]] = count
    if "received" in report:  # more than were sent, if another sender is on the topic
        found[LOST] = max(0, len(sent) - report["received"])
    found[NO_RESULT] = len(sent) - sum(found.values())
    return +found
