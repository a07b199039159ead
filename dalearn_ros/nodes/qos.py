"""Quality of service, one profile a kind of data."""

from __future__ import annotations

from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
)


def newest() -> QoSProfile:
    """Images for a slow reader: best effort, only the newest (depth 5 adds 130 ms of queue)."""
    return _profile(1, ReliabilityPolicy.BEST_EFFORT)


def stream(depth: int = 50) -> QoSProfile:
    """Small messages of sensors: best effort, so that it also hears best-effort senders."""
    return _profile(depth, ReliabilityPolicy.BEST_EFFORT)


def results(depth: int = 50) -> QoSProfile:
    """Results, of which none should be lost: reliable."""
    return _profile(depth, ReliabilityPolicy.RELIABLE)


def latched(depth: int = 1) -> QoSProfile:
    """What a late reader must get too: ``/tf_static``, LabelInfo."""
    return _profile(depth, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)


def _profile(
    depth: int,
    reliability: ReliabilityPolicy,
    durability: DurabilityPolicy = DurabilityPolicy.VOLATILE,
) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=reliability,
        durability=durability,
    )
