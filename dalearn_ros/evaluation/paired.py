"""Two runs on the same frames as one table, of which units are exchanged or drawn together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.bootstrap import drawn_errors, drawn_scores, holding
from dalearn_ros.evaluation.columns import Columns
from dalearn_ros.evaluation.frames import AXES, FrameTable
from dalearn_ros.evaluation.intervals import DRAWS, draw_images
from dalearn_ros.evaluation.units import Units

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
TINY = 1e-9  # differences that are equal but for rounding


@dataclass(frozen=True)
class Pair:
    """Runs A and B.

    Attributes:
        table: The frames of A, then those of B.
        errors: The same, but of hits only those of truths that both hit, and of poses only those
            of frames that both have a pose of: each is judged on the same.
        units: Of ``table``: those of A's frames, then, by the same order, those of B's.
    """

    table: FrameTable
    errors: FrameTable
    units: Units

    @classmethod
    def of(cls, a: FrameTable, b: FrameTable, order: Ints, units: Units) -> Pair:
        """Join two runs.

        Args:
            a: The first.
            b: The second, with the same frames in any order.
            order: (N,) position in ``a`` of each frame of ``b``.
            units: Of the frames of ``a``.
        """
        count = len(a.frames)
        frames = [*a.frames, *b.frames]
        tables = {
            name: _joined(getattr(a, name), getattr(b, name), count)
            for name in ("hits", "missed", "claims", "poses")
        }
        of_frame = np.concatenate([units.of_frame, units.of_frame[order] + units.count])
        place = np.concatenate([np.arange(count), order])
        shared = dict(tables)
        shared["hits"] = _chosen(tables["hits"], _both_hit(tables["hits"], place, count))
        shared["poses"] = _chosen(tables["poses"], _both_posed(tables["poses"], place, count))
        return cls(
            FrameTable(a.classes, frames, **tables),
            FrameTable(a.classes, frames, **shared),
            Units(units.kind, of_frame, 2 * units.count),
        )

    def each(self) -> tuple[dict[str, float], dict[str, float]]:
        """The figures of A and of B, errors of what both have only; NaN if not known."""
        half = self.units.count // 2
        found = self._figures(np.repeat(np.eye(2, dtype=np.int64), half, axis=1))
        a, b = ({name: float(v[side]) for name, v in found.items()} for side in (0, 1))
        return a, b

    def contributing(self) -> dict[str, int]:
        """How many units have anything of each figure, in A or in B."""
        half = self.units.count // 2
        found = holding(self.table, self.units)
        found |= {k: v for k, v in holding(self.errors, self.units).items() if ".median" in k}
        return {name: int((which[:half] | which[half:]).sum()) for name, which in found.items()}

    def drawn(self) -> dict[str, Array]:
        """(DRAWS,) B minus A of each figure, in draws of units with the answers of both."""
        draws = draw_images(self.units.count // 2)
        nothing = np.zeros_like(draws)
        return self._steps(np.hstack([draws, nothing]), np.hstack([nothing, draws]))

    def chances(self) -> dict[str, float]:
        """Each figure's two-sided p: how often chance alone makes a difference as large.

        If the models were alike, it would be chance which of their answers to a unit is called A
        and which B. So the two are exchanged in some of the units: in every way if there are no
        more than :data:`DRAWS`, else in as many at random.
        """
        half = self.units.count // 2
        exact = 2**half <= DRAWS
        if exact:
            swap = np.arange(2**half)[:, None] >> np.arange(half) & 1
        else:
            swap = np.random.default_rng(0).integers(0, 2, (DRAWS, half))
        stay = 1 - swap
        steps = self._steps(np.hstack([stay, swap]), np.hstack([swap, stay]))
        a, b = self.each()
        found = {}
        for name, step in steps.items():
            seen = abs(b[name] - a[name])
            with np.errstate(invalid="ignore"):
                large = int((~(np.abs(step) < seen - TINY)).sum())  # NaN counts as large
            p = large / len(step) if exact else (large + 1) / (len(step) + 1)
            found[name] = p if math.isfinite(seen) else math.nan
        return found

    def _figures(self, drawn: Ints) -> dict[str, Array]:
        scores = drawn_scores(self.table, self.units, drawn)
        return scores | drawn_errors(self.errors, self.units, drawn)

    def _steps(self, first: Ints, second: Ints) -> dict[str, Array]:
        before, after = self._figures(first), self._figures(second)
        return {name: after[name] - values for name, values in before.items()}


def holm(chances: Mapping[str, float]) -> dict[str, float]:
    """P values that hold for all figures together (Holm 1979); NaN is left out of the count."""
    known = sorted((p, name) for name, p in chances.items() if math.isfinite(p))
    found = dict.fromkeys(chances, math.nan)
    least = 0.0
    for place, (p, name) in enumerate(known):
        least = max(least, min(1.0, p * (len(known) - place)))
        found[name] = least
    return found


def _joined(a: Columns, b: Columns, count: int) -> Columns:
    """The rows of two tables; those of ``b`` have their frames ``count`` later."""
    found = a.empty()
    found.extend(**{name: a[name] for name in found.names})
    found.extend(**{name: b[name] + (count if name == "frame" else 0) for name in found.names})
    return found


def _chosen(rows: Columns, which: Bools) -> Columns:
    found = rows.empty()
    found.extend(**{name: rows[name][which] for name in found.names})
    return found


def _both_hit(hits: Columns, place: Ints, count: int) -> Bools:
    """Which hits, with an error, are of a truth that the other run hit as well."""
    frame, known = hits["frame"], np.isfinite(hits["px"])
    keys = place[frame] * (1 << 16) + hits["row"]
    first = frame < count
    both = np.intersect1d(keys[first & known], keys[~first & known])
    return np.asarray(known & np.isin(keys, both), np.bool_)


def _both_posed(poses: Columns, place: Ints, count: int) -> Bools:
    """Which poses are of a frame that the other run has a pose of as well."""
    frame, known = poses["frame"], np.isfinite(poses[AXES[0]])
    first, keys = frame < count, place[frame]
    both = np.intersect1d(keys[first & known], keys[~first & known])
    return np.asarray(known & np.isin(keys, both), np.bool_)
