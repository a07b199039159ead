"""Is each landmark still there: a sequential test over passes, not over frames.

Frames of one pass are not independent: what hides a sign may hide it all the way. A pass therefore
has two readings if the landmark is there: it was hidden (with probability h), or it was not, and
each view showed it with the detector's recall. So a pass without a sighting weighs at most
log(1 / h), however many frames it has; and a view counts by how far the vehicle has moved since the
last one, so that a standing vehicle learns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NEVER_NS = -(2**62)


@dataclass(frozen=True)
class Odds:
    """What the test takes as given.

    Attributes:
        missing: Share of the map's landmarks that are gone, before any evidence.
        hidden_pass: Share of the passes in which something hides a landmark all the way.
        hidden_view: Share of the views in which something hides one for a moment.
        false_match: Share of the views in which something else is taken for one that is gone.
        gap_s: A pass has ended when the landmark was not due for this long.
        lowest, highest: Limits of the log-odds, so that what stood for years can go.
    """

    missing: float = 0.02
    hidden_pass: float = 0.01
    hidden_view: float = 0.1
    false_match: float = 0.02
    gap_s: float = 20.0
    lowest: float = -6.0
    highest: float = 12.0


class Presence:
    """Evidence on N landmarks; a fixed number of values each.

    Args:
        count: N.
        odds: What is taken as given.
    """

    def __init__(self, count: int, odds: Odds) -> None:
        self.odds = odds
        start = np.log(odds.missing / (1.0 - odds.missing))
        self._closed = np.full(count, start)
        self._if_missing = np.zeros(count)
        self._if_there = np.zeros(count)
        self._where = np.zeros(count, np.int64)  # bits: parts of the image where it was missed
        self._last_ns = np.full(count, NEVER_NS, np.int64)
        self.expected = np.zeros(count, np.int64)
        self.seen = np.zeros(count, np.int64)
        self.passes = np.zeros(count, np.int64)

    def add(
        self, rows: Ints, seen: Mask, recall: Array, part: Ints, weight: float, stamp_ns: int,
        blind: Mask,
    ) -> None:  # fmt: skip
        """Add one image.

        Args:
            rows: (M,) landmarks that are due, each once.
            seen: (M,) whether they were seen at their place.
            recall: (M,) probability that the detector sees one that is there and not hidden.
            part: (M,) part of the image, 0 to 7.
            weight: Share of an independent view that this image is, 0 to 1.
            stamp_ns: Of the image.
            blind: (8,) parts of the image in which the camera sees nothing now.
        """
        stale = rows[np.abs(stamp_ns - self._last_ns[rows]) > self.odds.gap_s * 1e9]  # or a replay
        self._close(stale, blind)
        self.passes[stale] += 1
        chance = recall * (1.0 - self.odds.hidden_view)
        wrong = self.odds.false_match
        self._if_there[rows] += weight * np.log(np.where(seen, chance, 1.0 - chance))
        self._if_missing[rows] += weight * np.log(np.where(seen, wrong, 1.0 - wrong))
        self._where[rows] |= np.where(seen, 0, 1 << part)
        self._last_ns[rows] = stamp_ns
        self.expected[rows] += 1
        self.seen[rows] += seen

    def log_odds(self, blind: Mask) -> Array:
        """(N,) natural logarithm of the odds that a landmark is gone, the pass under way included.

        Args:
            blind: (8,) as above; a pass that missed a landmark there says nothing about it.
        """
        total = self._closed + self._of_pass(np.arange(len(self._closed)), blind)
        result: Array = np.clip(total, self.odds.lowest, self.odds.highest)
        return result

    def _of_pass(self, rows: Ints, blind: Mask) -> Array:
        """What the pass under way adds (M,)."""
        hidden = self.odds.hidden_pass
        missing, there = self._if_missing[rows], self._if_there[rows]
        both = np.logaddexp(np.log(hidden) + missing, np.log(1.0 - hidden) + there)
        bits = int(np.flatnonzero(blind).size and (1 << np.flatnonzero(blind)).sum())
        told = (self._where[rows] & bits) == 0
        added = missing - both
        return np.where(told | (added < 0.0), added, 0.0)

    def _close(self, rows: Ints, blind: Mask) -> None:
        total = self._closed[rows] + self._of_pass(rows, blind)
        self._closed[rows] = np.clip(total, self.odds.lowest, self.odds.highest)
        self._if_missing[rows] = self._if_there[rows] = 0.0
        self._where[rows] = 0
