"""The same landmark in one image after another: short-term tracks with stable numbers.

Each track is a point that moves through the image at constant velocity, with its covariance (a
Kalman filter with white acceleration as its error). In every image tracks and observations of one
class are paired one to one by their Mahalanobis distance from the predicted point. The tracker
numbers observations; it neither makes nor moves nor removes one.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from dalearn_ros.core.settings import field
from dalearn_ros.landmarks.types import Observations

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NONE = -1


@dataclass(frozen=True)
class TrackingSettings:
    """When observations of two images are the same landmark. Pixels are those of the image."""

    confirm_hits: int = field(
        3, "A track gets its number when it was seen so often...", minimum=1, maximum=20
    )
    confirm_frames: int = field(5, "...in so many of the last images.", minimum=1, maximum=20)
    max_misses: int = field(
        5, "A track ends after so many images in a row without it.", minimum=1, maximum=100
    )
    max_gap_s: float = field(
        1.0, "All tracks end where no image came for so long.", unit="s", minimum=0.01, maximum=60.0
    )
    gate: float = field(
        13.8, "Largest squared Mahalanobis distance of a pair (13.8: 99.9 %).",
        minimum=0.1, maximum=100.0,
    )  # fmt: skip
    sigma_px: float = field(
        1.0, "Error of an observed point beside its covariance.", unit="px",
        minimum=0.0, maximum=100.0,
    )  # fmt: skip
    sigma_velocity: float = field(
        150.0, "Speed of a point in the image when it is first seen.", unit="px/s",
        minimum=1.0, maximum=10000.0,
    )  # fmt: skip
    sigma_acceleration: float = field(
        300.0, "Change of that speed.", unit="px/s²", minimum=0.0, maximum=100000.0
    )


@dataclass
class _Track:
    class_id: int
    seen: deque[bool]  # in the last confirm_frames images
    number: int = NONE
    misses: int = 0


class Tracker:
    """Numbers the observations of one camera; the same input gives the same numbers.

    A number is never used again while the tracker lives, not after a reset either.
    """

    def __init__(self, settings: TrackingSettings | None = None) -> None:
        self.settings = settings or TrackingSettings()
        self._next = 0
        self._source: object = None
        self.reset()

    def reset(self) -> None:
        """End all tracks."""
        self._last_ns: int | None = None
        self._tracks: list[_Track] = []
        self._state = np.zeros((0, 4))  # of each track: u, v, du, dv: px, px/s
        self._covariance = np.zeros((0, 4, 4))

    def update(self, seen: Observations, source: object = None) -> Observations:
        """Number the observations of the next image.

        Args:
            seen: In the pixels of the image.
            source: What the image came from, such as its size and frame; when it changes, all
                tracks end. They also end when time stands still or goes back, and after a gap.

        Returns:
            The same observations in the same order; ``track_id`` is -1 until a track is confirmed.
        """
        self._predict(self._advance_clock(seen.stamp_ns, source))
        errors = seen.covariance_px2 + self.settings.sigma_px**2 * np.eye(2)
        tracks, rows = self._pairs(seen, errors)
        if len(rows):
            self._correct(tracks, seen.point_px[rows], errors[rows])
        paired = dict(zip(tracks.tolist(), rows.tolist(), strict=True))
        owner = {row: self._tracks[index] for index, row in paired.items()}
        for index, track in enumerate(self._tracks):
            track.seen.append(index in paired)
            track.misses = 0 if index in paired else track.misses + 1
        self._end_missed()
        new = [row for row in range(len(seen)) if row not in owner]
        owner.update(zip(new, self._begin(seen, errors, new), strict=True))
        numbers = [self._number(owner[row]) for row in range(len(seen))]
        return dataclasses.replace(seen, track_id=np.array(numbers, np.int64))

    def _advance_clock(self, stamp_ns: int, source: object) -> float:
        """Seconds since the last image; 0 if the tracks had to end."""
        before, was = self._last_ns, self._source
        step_s = 0.0 if before is None else (stamp_ns - before) * 1e-9
        if not 0.0 < step_s <= self.settings.max_gap_s or source != was:
            self.reset()
            step_s = 0.0
        self._last_ns, self._source = stamp_ns, source
        return step_s

    def _predict(self, step_s: float) -> None:
        """Constant velocity; the acceleration is white, and constant within the step."""
        move = np.eye(4)
        move[:2, 2:] = step_s * np.eye(2)
        push = np.vstack([0.5 * step_s**2 * np.eye(2), step_s * np.eye(2)])
        noise = self.settings.sigma_acceleration**2 * push @ push.T
        self._state = self._state @ move.T
        self._covariance = move @ self._covariance @ move.T + noise

    def _pairs(self, seen: Observations, errors: Floats) -> tuple[Ints, Ints]:
        """Tracks and rows that belong together: the least sum, where an unpaired one costs a gate.

        Confirmed tracks choose first, so that a false alarm cannot take a landmark's number.
        """
        cost = self._distances(seen, errors)
        confirmed = np.array([track.number != NONE for track in self._tracks], np.bool_)
        owner = np.full(len(seen), NONE)  # track of each row
        for group in (np.flatnonzero(confirmed), np.flatnonzero(~confirmed)):
            free = np.flatnonzero(owner == NONE)
            if not len(group) or not len(free):
                continue
            one, other = linear_sum_assignment(cost[group[:, None], free])
            tracks, rows = group[one], free[other]
            near = cost[tracks, rows] < self.settings.gate
            owner[rows[near]] = tracks[near]
        paired = np.flatnonzero(owner != NONE)
        return owner[paired], paired

    def _distances(self, seen: Observations, errors: Floats) -> Floats:
        """(T, N) squared Mahalanobis distances; the gate for what cannot be a pair."""
        off = seen.point_px - self._state[:, None, :2]
        spread = errors + self._covariance[:, None, :2, :2]
        a, b, c = spread[..., 0, 0], spread[..., 0, 1], spread[..., 1, 1]
        du, dv = off[..., 0], off[..., 1]
        squared = (c * du**2 - 2.0 * b * du * dv + a * dv**2) / (a * c - b**2)
        classes = np.array([track.class_id for track in self._tracks], np.int64)
        possible = (classes[:, None] == seen.class_id) & (squared < self.settings.gate)
        distances: Floats = np.where(possible, squared, self.settings.gate)
        return distances

    def _correct(self, tracks: Ints, point_px: Floats, errors: Floats) -> None:
        """Kalman update of the paired tracks."""
        before = self._covariance[tracks]
        spread = before[:, :2, :2] + errors
        gain = np.linalg.solve(spread, before[:, :2]).transpose(0, 2, 1)
        off = point_px - self._state[tracks, :2]
        self._state[tracks] += (gain @ off[..., None])[..., 0]
        self._covariance[tracks] = before - gain @ before[:, :2]

    def _end_missed(self) -> None:
        kept = [t.misses < self.settings.max_misses for t in self._tracks]
        if all(kept):
            return
        self._tracks = [track for track, stays in zip(self._tracks, kept, strict=True) if stays]
        mask = np.array(kept, np.bool_)
        self._state, self._covariance = self._state[mask], self._covariance[mask]

    def _begin(self, seen: Observations, errors: Floats, rows: list[int]) -> list[_Track]:
        """A new track for each of these rows."""
        if not rows:
            return []
        state, covariance = np.zeros((len(rows), 4)), np.zeros((len(rows), 4, 4))
        state[:, :2], covariance[:, :2, :2] = seen.point_px[rows], errors[rows]
        covariance[:, 2:, 2:] = self.settings.sigma_velocity**2 * np.eye(2)
        self._state = np.concatenate([self._state, state])
        self._covariance = np.concatenate([self._covariance, covariance])
        window = self.settings.confirm_frames
        new = [_Track(int(c), deque([True], maxlen=window)) for c in seen.class_id[rows]]
        self._tracks += new
        return new

    def _number(self, track: _Track) -> int:
        """The track's number, which it gets when it is confirmed."""
        if track.number == NONE and sum(track.seen) >= self.settings.confirm_hits:
            track.number, self._next = self._next, self._next + 1
        return track.number
