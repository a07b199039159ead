"""Counters of what became of every frame, and how they are reported on /diagnostics."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from dalearn_ros.core.files import atomic_file
from dalearn_ros.nodes.qos import results

PERIOD_S = 1.0
LATENCIES_KEPT = 1000
PERCENTILES = (50, 80, 90, 95, 99)
JOURNAL = "stamp_ns,fate,reason,wait_ms,inference_ms,total_ms"
_NONE: Mapping[str, float] = {}
RATE_S = 5.0  # the rate is that of the last seconds


class FrameCounters:
    """Counts from several threads: received = processed + overwritten + skipped + in work.

    Args:
        keep_journal: Remember the fate of each stamp, for :meth:`write_journal`.
        clock: Seconds, for the rate.
    """

    def __init__(
        self, keep_journal: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._ends: deque[float] = deque(maxlen=LATENCIES_KEPT)
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
        self._end("processed", stamp_ns, "", latency_ms)
        with self._lock:
            self._ends.append(self._clock())
            for stage, value in latency_ms.items():
                kept = self._latencies.setdefault(stage, deque(maxlen=LATENCIES_KEPT))
                kept.append(value)

    def counts(self) -> dict[str, int]:
        """received, processed, overwritten, skipped, and skipped.REASON for each."""
        with self._lock:
            values = dict(self._counts)
            values.setdefault("skipped", 0)
            values.update({f"skipped.{reason}": n for reason, n in sorted(self._skipped.items())})
        return values

    def snapshot(self) -> dict[str, str]:
        """All counters, the rate and latencies as text, by name."""
        values: dict[str, Any] = {**self.counts()}
        with self._lock:
            since = self._clock() - RATE_S
            values["rate_hz"] = f"{sum(end > since for end in self._ends) / RATE_S:.2f}"
            latencies = {stage: np.array(kept) for stage, kept in self._latencies.items()}
        for stage, times in sorted(latencies.items()):
            values[f"latency_ms.{stage}.mean"] = f"{times.mean():.3f}"
            for share, value in zip(PERCENTILES, np.percentile(times, PERCENTILES), strict=True):
                values[f"latency_ms.{stage}.p{share}"] = f"{value:.3f}"
        return {name: str(value) for name, value in values.items()}

    def write_journal(self, path: Path) -> None:
        """Write the fate of every message that arrived, in the order it ended.

        Columns: :data:`JOURNAL`; milliseconds of those that were processed.
        """
        with self._lock:
            rows = list(self._journal or [])
        with atomic_file(path) as temporary:
            lines = [JOURNAL, *(f"{stamp},{text}" for stamp, text in rows)]
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _end(
        self, fate: str, stamp_ns: int, reason: str = "", latency_ms: Mapping[str, float] = _NONE
    ) -> None:
        with self._lock:
            self._counts[fate] += 1
            if self._journal is not None:
                known = (latency_ms.get(stage) for stage in ("wait", "inference", "total"))
                times = ",".join("" if value is None else f"{value:.3f}" for value in known)
                self._journal.append((stamp_ns, f"{fate},{reason},{times}"))


class Reporter:
    """Publishes one status on /diagnostics each second, and once more when asked.

    The seconds are those of the machine: with ``use_sim_time`` it also reports while no time comes.

    Args:
        node: Whose status it is; its full name is the status's name.
        counters: What to report. A mapping from several names gives a status with the sums, and
            one for each name, called after the node and it.
        prepare: Called before each status, to bring problems and facts up to date.
    """

    def __init__(
        self,
        node: Node,
        counters: FrameCounters | Mapping[str, FrameCounters],
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._node, self._prepare = node, prepare
        self._counters = {"": counters} if isinstance(counters, FrameCounters) else counters
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", results())
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(PERIOD_S, self.publish, clock=clock)
        self._problems: dict[tuple[str, str], str] = {}
        self._facts: dict[tuple[str, str], Mapping[str, str]] = {}

    def problem(self, text: str, about: str = "", name: str = "") -> None:
        """The sentence that the status carries as a warning; empty if all is well.

        Args:
            text: The sentence.
            about: One sentence about each matter stands there at a time.
            name: Of the mapping of counters, whose status gets it too.
        """
        if text:
            self._problems[name, about] = text
        else:
            self._problems.pop((name, about), None)

    def facts(self, values: Mapping[str, str], about: str = "", name: str = "") -> None:
        """More values of the status, such as what runs the network.

        Args:
            values: They replace those about the same matter.
            about: The matter.
            name: Of the mapping of counters, whose status gets them; empty: the node's.
        """
        self._facts[name, about] = values

    def publish(self) -> None:
        """Publish now."""
        self._prepare()
        one, several = len(self._counters) == 1, list(self._counters.items())
        own = several[0][1].snapshot() if one else _sums(self._counters)
        for (name, _), facts in dict(self._facts).items():
            own.update(facts if one or not name else {})
        title = self._node.get_fully_qualified_name()
        problems = list(dict(self._problems).items())
        told = [f"{name}: {text}" if name and not one else text for (name, _), text in problems]
        parts = [(title, own, told)]
        if not one:
            for name, counters in several:
                mine = [text for (whose, _), text in problems if whose == name]
                values = counters.snapshot()
                for (whose, _), facts in dict(self._facts).items():
                    values.update(facts if whose == name else {})
                parts.append((f"{title}/{name}", values, mine))
        message = DiagnosticArray(status=[_status(*part) for part in parts])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)


def _sums(counters: Mapping[str, FrameCounters]) -> dict[str, str]:
    total: Counter[str] = Counter()
    for one in counters.values():
        total.update(one.counts())
    return {name: str(count) for name, count in total.items()}


def _status(title: str, values: Mapping[str, str], problems: list[str]) -> DiagnosticStatus:
    status = DiagnosticStatus(
        level=DiagnosticStatus.WARN if problems else DiagnosticStatus.OK,
        name=title,
        message="; ".join(problems) or "running",
        hardware_id="dalearn_ros",
    )
    status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
    return status
