"""What camera health has found, as values for people and for JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from dalearn_ros.labels.offsets import Quantity

INTERVAL = 1.96  # standard deviations to either side: 95 %
COLLECTING, UNOBSERVABLE = "collecting", "not observable"
STEADY, DRIFTED = "steady", "drifted"


@dataclass(frozen=True)
class Drift:
    """One of the six numbers.

    Attributes:
        quantity: Name, unit, what is enough, what a person should do.
        state: ``collecting``, ``not observable``, ``steady`` or ``drifted``.
        value: Estimate in SI units: what the mounting or the stamps lack.
        sigma: Its standard deviation, all else unknown.
        progress: 0 to 1, how near the variance has come to what is enough.
        excitation: 0 to 1: the standard deviation if all else were known, against ``sigma``. Near
            zero the drive does not tell it from something else, however long it is.
        tied_to: Names of what it is not told apart from.
    """

    quantity: Quantity
    state: str
    value: float
    sigma: float
    progress: float
    excitation: float
    tied_to: tuple[str, ...]

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval in the unit of the quantity's name."""
        width = INTERVAL * self.sigma
        factor = self.quantity.factor
        return (self.value - width) / factor, (self.value + width) / factor

    def to_dict(self) -> dict[str, Any]:
        """JSON values in the unit of the name; the estimate only if it is observable."""
        told = self.state in (STEADY, DRIFTED)
        low, high = self.interval
        return {
            "state": self.state,
            "value": round(self.value / self.quantity.factor, 4) if told else None,
            "interval_95": [round(low, 4), round(high, 4)] if told else None,
            "sigma": round(self.sigma / self.quantity.factor, 4),
            "progress": round(self.progress, 3),
            "excitation": round(self.excitation, 3),
            "not_told_apart_from": list(self.tied_to),
            "action": self.quantity.action if self.state == DRIFTED else "",
        }


@dataclass(frozen=True)
class CameraHealthReport:
    """What is known of a camera by now.

    Attributes:
        drifts: One each of time, forward, left, height, pitch and yaw.
        tracks: Landmarks followed; under 30 nothing is said.
        windows: Stretches that it rests on.
        turned_deg: How far the vehicle has turned in them, all turns added up.
        speed_mps: Slowest and fastest.
    """

    drifts: tuple[Drift, ...]
    tracks: int
    windows: int
    turned_deg: float
    speed_mps: tuple[float, float]

    def of(self, name: str) -> Drift:
        """The one of that name, such as ``yaw_deg``."""
        return next(drift for drift in self.drifts if drift.quantity.name == name)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "version": 1,
            "tracks": self.tracks,
            "windows": self.windows,
            "turned_deg": round(self.turned_deg, 1),
            "speed_mps": [round(speed, 1) for speed in self.speed_mps],
            "drifts": {drift.quantity.name: drift.to_dict() for drift in self.drifts},
        }

    def to_json(self) -> str:
        """The same as text on one line."""
        return json.dumps(self.to_dict(), allow_nan=False)
