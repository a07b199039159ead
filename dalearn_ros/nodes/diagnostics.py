"""Counters of what became of every frame, and how they are reported on /diagnostics."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from dalearn_ros.core.files import atomic_file
from dalearn_ros.nodes.qos import results

PERIOD_S = 1.0
LATENCIES_KEPT = 2000
PERCENTILES = (50, 80, 90, 95, 99)


class FrameCounters:
    """Counts from several threads: received = processed + overwritten + skipped + in work.

    Args:
        keep_journal: Remember the fate of each stamp, for :meth:`write_journal`.
    """

    def __init__(self, keep_journal: bool = False) -> None:
        self._lock = threading.Lock()
        self._counts = Counter({"received": 0, "overwritten": 0, "processed": 0})
        self._skipped: Counter[str] = Counter()
        self._latencies: dict[str, deque[float]] = {}
        self._journal: list[tuple[int, str]] | None = [] if keep_journal else None

    def received(self) -> None:
        """A message has arrived."""
        with self._lock:
            self._counts["received"] += 1

    def overwritten(self, stamp_ns: int) -> None:
        """A message was replaced by a newer one before the worker took it."""
        self._end("overwritten", stamp_ns)

    def skipped(self, stamp_ns: int, reason: str) -> None:
        """A message could not be used."""
        with self._lock:
            self._skipped[reason] += 1
        self._end("skipped", stamp_ns, reason)

    def processed(self, stamp_ns: int, latency_ms: Mapping[str, float]) -> None:
        """A result has been published; milliseconds by stage."""
        self._end("processed", stamp_ns)
        with self._lock:
            for stage, value in latency_ms.items():
                kept = self._latencies.setdefault(stage, deque(maxlen=LATENCIES_KEPT))
                kept.append(value)

    def snapshot(self) -> dict[str, str]:
        """All counters and latencies as text, by name."""
        with self._lock:
            values: dict[str, Any] = {**self._counts}
            values.setdefault("skipped", 0)
            values.update({f"skipped.{reason}": n for reason, n in sorted(self._skipped.items())})
            latencies = {stage: np.array(kept) for stage, kept in self._latencies.items()}
        for stage, times in sorted(latencies.items()):
            values[f"latency_ms.{stage}.mean"] = f"{times.mean():.3f}"
            for share, value in zip(PERCENTILES, np.percentile(times, PERCENTILES), strict=True):
                values[f"latency_ms.{stage}.p{share}"] = f"{value:.3f}"
        return {name: str(value) for name, value in values.items()}

    def write_journal(self, path: Path) -> None:
        """Write ``stamp_ns,fate,reason`` for every message that arrived, in the order it ended."""
        with self._lock:
            rows = list(self._journal or [])
        with atomic_file(path) as temporary:
            lines = ["stamp_ns,fate,reason", *(f"{stamp},{text}" for stamp, text in rows)]
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _end(self, fate: str, stamp_ns: int, reason: str = "") -> None:
        with self._lock:
            self._counts[fate] += 1
            if self._journal is not None:
                self._journal.append((stamp_ns, f"{fate},{reason}"))


class Reporter:
    """Publishes one status on /diagnostics each second, and once more when asked.

    Args:
        node: Whose status it is; its full name is the status's name.
        counters: What to report.
    """

    def __init__(self, node: Node, counters: FrameCounters) -> None:
        self._node, self._counters = node, counters
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", results())
        self._timer = node.create_timer(PERIOD_S, self.publish)
        self._problem = ""

    def problem(self, text: str) -> None:
        """The sentence that the status carries as a warning; empty if all is well."""
        self._problem = text

    def publish(self) -> None:
        """Publish now."""
        status = DiagnosticStatus(
            level=DiagnosticStatus.WARN if self._problem else DiagnosticStatus.OK,
            name=self._node.get_fully_qualified_name(),
            message=self._problem or "running",
            hardware_id="dalearn_ros",
        )
        values = self._counters.snapshot()
        status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
