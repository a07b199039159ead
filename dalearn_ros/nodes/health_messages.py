"""Map health and camera health as messages: markers, JSON text, diagnostics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, String
from visualization_msgs.msg import Marker, MarkerArray

from dalearn_ros.localization.camera_report import DRIFTED, CameraHealthReport, Drift
from dalearn_ros.localization.distance_check import OFF, DistanceReport
from dalearn_ros.localization.health_report import HealthRow, MapHealthReport
from dalearn_ros.nodes.messages import header_of

COLOURS = {"missing": (0.9, 0.1, 0.1), "moved": (1.0, 0.6, 0.0), "new": (0.2, 0.4, 1.0)}
SUSPECTED, CONFIRMED = 0.35, 0.9  # opacity
SIZE_M, SHAFT_M = 0.6, 0.15


def health_markers(report: MapHealthReport, stamp_ns: int, frame_id: str) -> MarkerArray:
    """Findings as markers: missing red, moved orange with an arrow from the map's place, new blue.

    What is only suspected is pale. The first marker deletes those of the last message.

    Args:
        report: All findings.
        stamp_ns: Of the message.
        frame_id: Frame of the map.
    """
    header = header_of(stamp_ns, frame_id)
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for row in report.rows:
        markers.append(_sphere(header, len(markers), row))
        if row.shift_m is not None:
            markers.append(_arrow(header, len(markers), row))
        markers.append(_text(header, len(markers), row))
    return MarkerArray(markers=markers)


def map_health_message(report: MapHealthReport) -> String:
    """std_msgs/String with the JSON of :meth:`MapHealthReport.to_dict`."""
    return String(data=report.to_json())


def camera_health_message(report: CameraHealthReport) -> String:
    """std_msgs/String with the JSON of :meth:`CameraHealthReport.to_dict`."""
    return String(data=report.to_json())


def camera_diagnostics(report: CameraHealthReport, name: str) -> DiagnosticStatus:
    """One status of a camera: WARN if one of its numbers has drifted, else OK.

    Values: ``tracks``, ``windows``, and for each number, such as ``yaw_deg``, its ``state``,
    ``value``, ``sigma``, ``progress`` and ``excitation``.

    Args:
        report: What is known of the camera by now.
        name: The status's name, the node's and the camera's.
    """
    drifted = [drift for drift in report.drifts if drift.state == DRIFTED]
    values = {"tracks": str(report.tracks), "windows": str(report.windows)}
    for drift in report.drifts:
        for key, value in drift.to_dict().items():
            if key in ("state", "value", "sigma", "progress", "excitation"):
                text = "" if value is None else str(value)
                values[f"{drift.quantity.name}.{key}"] = text
    return DiagnosticStatus(
        level=DiagnosticStatus.WARN if drifted else DiagnosticStatus.OK,
        name=name,
        message=_summary(report, drifted),
        hardware_id="dalearn_ros",
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )


def distance_diagnostics(report: DistanceReport, name: str) -> DiagnosticStatus:
    """One status of the distances predicted in a camera's images: WARN if their scale is off.

    Values: ``state``, ``landmarks``, ``scale``, ``scale_low``, ``scale_high`` (95 %) and
    ``relative_error``; empty while they are not known.

    Args:
        report: What the last landmarks say.
        name: The status's name, the node's and the camera's.
    """
    low, high = report.interval
    numbers = {"scale": report.scale, "scale_low": low, "scale_high": high}
    numbers["relative_error"] = report.relative_error
    values = {"state": report.state, "landmarks": str(report.landmarks)}
    values |= {key: f"{v:.4f}" if math.isfinite(v) else "" for key, v in numbers.items()}
    return DiagnosticStatus(
        level=DiagnosticStatus.WARN if report.state == OFF else DiagnosticStatus.OK,
        name=name,
        message=str(report),
        hardware_id="dalearn_ros",
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )


def _summary(report: CameraHealthReport, drifted: Sequence[Drift]) -> str:
    """One sentence: what has drifted, by how much and what to do; else the state of each."""
    if drifted:
        return "; ".join(
            f"{drift.quantity.action}: {drift.value / drift.quantity.factor:+.3g} "
            f"{drift.quantity.name.rpartition('_')[2]} "
            f"(95 %: {drift.interval[0]:+.3g} to {drift.interval[1]:+.3g})"
            for drift in drifted
        )
    states: dict[str, list[str]] = {}
    for drift in report.drifts:
        states.setdefault(drift.state, []).append(drift.quantity.name)
    return "; ".join(f"{state}: {', '.join(names)}" for state, names in states.items())


def _sphere(header: Any, number: int, row: HealthRow) -> Marker:
    marker = _marker(header, number, Marker.SPHERE, row)
    marker.pose.position = _point(row.position_m)
    marker.scale.x = marker.scale.y = marker.scale.z = SIZE_M
    return marker


def _arrow(header: Any, number: int, row: HealthRow) -> Marker:
    """From where the map has it to where it was seen."""
    assert row.shift_m is not None
    marker = _marker(header, number, Marker.ARROW, row)
    marker.scale.x, marker.scale.y = SHAFT_M, 2.0 * SHAFT_M
    marker.points = [_point(row.position_m - row.shift_m), _point(row.position_m)]
    return marker


def _text(header: Any, number: int, row: HealthRow) -> Marker:
    marker = _marker(header, number, Marker.TEXT_VIEW_FACING, row)
    marker.pose.position = _point(row.position_m)
    marker.pose.position.z += SIZE_M
    marker.scale.z = 0.5 * SIZE_M
    moved = "" if row.distance_m is None else f" {row.distance_m:.1f} m"
    sure = "" if row.confirmed else "?"
    marker.text = f"{row.kind}{sure}{moved}: {row.class_name} {row.id}"
    return marker


def _marker(header: Any, number: int, kind: int, row: HealthRow) -> Marker:
    marker = Marker(header=header, ns="map_health", id=number, type=kind, action=Marker.ADD)
    marker.pose.orientation.w = 1.0
    red, green, blue = COLOURS[row.kind]
    opacity = CONFIRMED if row.confirmed else SUSPECTED
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=opacity)
    return marker


def _point(place_m: Any) -> Point:
    x, y, z = (float(value) for value in place_m)
    return Point(x=x, y=y, z=z)
