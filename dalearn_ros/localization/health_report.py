"""What map health has found, as rows for people and for JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

KINDS = ("missing", "moved", "new")


@dataclass(frozen=True)
class HealthRow:
    """One landmark of which the map and what was seen differ.

    Attributes:
        kind: ``missing``, ``moved`` or ``new``.
        confirmed: False: suspected, look again; True: seen so in two passes or more, and sure.
        id: The landmark in the map; ``new:N`` for one that is not in it.
        class_name: Its class.
        position_m: (3,) where it was seen; for a missing one, where the map has it. Map frame.
        sigma_m: Standard deviation of that along the worst axis; NaN for a missing one.
        shift_m: (3,) seen minus map of a moved one, else None.
        log_odds: Natural logarithm of the odds that this is so.
        expected: Images in which it was due; 0 for a new one.
        seen: Images in which it was seen at the map's place (missing, moved), or at all (new).
        views: Bearings that the position rests on.
        passes: How often the vehicle came by.
    """

    kind: str
    confirmed: bool
    id: str
    class_name: str
    position_m: Array
    sigma_m: float
    shift_m: Array | None
    log_odds: float
    expected: int
    seen: int
    views: int
    passes: int

    @property
    def distance_m(self) -> float | None:
        """How far a moved one has moved."""
        return None if self.shift_m is None else float(np.linalg.norm(self.shift_m))

    def to_dict(self) -> dict[str, Any]:
        """JSON values; metres rounded to a millimetre, null where unknown."""
        return {
            "kind": self.kind,
            "confirmed": self.confirmed,
            "id": self.id,
            "class": self.class_name,
            "position_m": [round(float(v), 3) for v in self.position_m],
            "sigma_m": round(self.sigma_m, 3) if np.isfinite(self.sigma_m) else None,
            "shift_m": None if self.shift_m is None else [round(float(v), 3) for v in self.shift_m],
            "distance_m": None if self.distance_m is None else round(self.distance_m, 3),
            "log_odds": round(self.log_odds, 2),
            "expected": self.expected,
            "seen": self.seen,
            "views": self.views,
            "passes": self.passes,
        }


@dataclass(frozen=True)
class MapHealthReport:
    """All rows, and what they rest on.

    Attributes:
        rows: The surest first.
        frames: What became of each frame → how many: ``counted``, ``no pose``, ``standing``,
            ``too little seen``.
        landmarks: Landmarks of the map that were due at least once.
        blind_parts: Parts of the image (of 4 by 2, row by row from the upper left) in which the
            camera sees nothing of what it should.
    """

    rows: tuple[HealthRow, ...]
    frames: dict[str, int]
    landmarks: int
    blind_parts: tuple[int, ...]

    def of(self, kind: str, confirmed: bool = False) -> list[HealthRow]:
        """Rows of a kind; with ``confirmed`` only those."""
        return [row for row in self.rows if row.kind == kind and (row.confirmed or not confirmed)]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "version": 1,
            "frames": dict(sorted(self.frames.items())),
            "landmarks": self.landmarks,
            "blind_parts": list(self.blind_parts),
            "counts": {kind: len(self.of(kind)) for kind in KINDS},
            "confirmed": {kind: len(self.of(kind, confirmed=True)) for kind in KINDS},
            "rows": [row.to_dict() for row in self.rows],
        }

    def to_json(self) -> str:
        """The same as text on one line."""
        return json.dumps(self.to_dict(), allow_nan=False)
