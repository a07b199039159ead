"""Systematic offsets of a drive's labels in time, place and direction of the camera, and how sure.

Robust least squares over the residuals of :class:`Pairs`: six numbers for the whole drive. All six
are always estimated together, because a drive may not tell some of them apart: at constant speed on
a straight road a camera that is late looks like one that sits further back. A number is called
observable only if its own uncertainty, all others unknown, is small enough to act on.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dalearn_ros.labels.residuals import Pairs
from dalearn_ros.labels.spread import spread_of

Array = npt.NDArray[np.float64]

STEPS = 6
CAUCHY = 2.4  # residuals of this many sigma weigh half (Holland and Welsch 1977: 95 % efficiency)
LEAST_SIGMA_PX = 1.0  # no detector is trusted beyond this
VIEWS = 10.0  # views of one landmark share its error in the map: together they count as these
MOST_PAIRS = 50_000
LEAST_PAIRS, LEAST_LANDMARKS = 30, 5
SIGNIFICANT = 3.0
TIED = 0.9  # correlation from which two numbers are named as not told apart


class Quantity(NamedTuple):
    """One of the six: its name, what one step of it does, what is expected and what is enough."""

    name: str
    factor: float  # of the unit in the name to SI
    prior: float  # SI, standard deviation before any data
    enough: float  # SI, observable below this standard deviation, worth correcting above
    action: str


DEGREE = float(np.pi / 180.0)
QUANTITIES = (
    Quantity("time_ms", 1e-3, 0.5, 0.010, "add to the stamps of the images"),
    Quantity("forward_m", 1.0, 2.0, 0.10, "move the camera forward in the vehicle"),
    Quantity("left_m", 1.0, 2.0, 0.10, "move the camera to the left in the vehicle"),
    Quantity("height_m", 1.0, 2.0, 0.05, "move the camera up in the vehicle"),
    Quantity("pitch_deg", DEGREE, 10 * DEGREE, 0.1 * DEGREE, "turn the camera down (about y)"),
    Quantity("yaw_deg", DEGREE, 10 * DEGREE, 0.1 * DEGREE, "turn the camera left (about z)"),
)
STEP = np.array([1e-4, 1e-3, 1e-3, 1e-3, 1e-5, 1e-5])


@dataclass(frozen=True)
class Offsets:
    """What the residuals of a drive say.

    Attributes:
        shift: (6,) estimate in SI units, as :meth:`Pairs.residual_px` takes it.
        correction: (6,) what is suggested: the significant ones estimated alone; else 0.
        sigma: (6,) standard deviation of each, the others unknown.
        correlation: (6, 6) of the estimate.
        observable: (6,) whether the drive says enough about it.
        significant: (6,) observable, more than three sigma from zero, and large enough to matter.
        noise_px: Robust standard deviation of a residual, each axis.
        before_px: (M, 2) residuals of all pairs.
        after_px: (M, 2) the same after the correction.
    """

    shift: Array
    correction: Array
    sigma: Array
    correlation: Array
    observable: npt.NDArray[np.bool_]
    significant: npt.NDArray[np.bool_]
    noise_px: float
    before_px: Array
    after_px: Array

    def summary(self) -> dict[str, Any]:
        """JSON values: every quantity by name, and the median residual before and after."""
        found: dict[str, Any] = {}
        for i, quantity in enumerate(QUANTITIES):
            tied = np.abs(self.correlation[i]) > TIED
            tied[i] = False
            found[quantity.name] = {
                "observable": bool(self.observable[i]),
                "offset": self.shift[i] / quantity.factor if self.observable[i] else None,
                "sigma": self.sigma[i] / quantity.factor,
                "not_told_apart_from": [QUANTITIES[j].name for j in np.flatnonzero(tied)],
                "verdict": self._verdict(i, quantity),
            }
        return {
            "offsets": found,
            "residual_median_px": {
                "before": median_norm(self.before_px),
                "after_corrections": median_norm(self.after_px),
            },
        }

    def _verdict(self, i: int, quantity: Quantity) -> str:
        if not self.observable[i]:
            return "not observable on this drive"
        if not self.significant[i]:
            return "nothing to correct"
        value = self.correction[i] / quantity.factor
        return f"{quantity.action}: {value:+.3g} {quantity.name.rpartition('_')[2]}"


def estimate_offsets(pairs: Pairs) -> Offsets | None:
    """The six offsets of a drive.

    Gauss-Newton with Cauchy weights from zero; the standard deviations are the larger of those of
    the information matrix and those that stretches of the drive and classes of landmarks show when
    each is left out once (:mod:`dalearn_ros.labels.spread`). The significant ones are estimated
    once more, the others held at zero: that is what a person who follows the advice will get.

    Args:
        pairs: Of the drive; those whose velocity is unknown take no part in the estimate.

    Returns:
        The offsets; None with fewer than 30 pairs of 5 landmarks: too few for a statement.
    """
    usable = np.concatenate([pairs.residual_px(), pairs.twist[pairs.frame]], axis=1)
    used = np.flatnonzero(np.isfinite(usable).all(axis=1))
    used = used[:: max(1, -(-len(used) // MOST_PAIRS))]
    some = pairs.select(used)
    names, landmark = np.unique(some.map_id, return_inverse=True)
    if len(some) < LEAST_PAIRS or len(names) < LEAST_LANDMARKS:
        return None
    share = np.minimum(1.0, VIEWS / np.bincount(landmark))[landmark]
    found = _solve(some, share, np.ones(6, dtype=bool))
    covariance: Array = np.asarray(np.linalg.inv(found.information), dtype=np.float64)
    spread = np.sqrt(np.diag(covariance))
    residual = np.nan_to_num(some.residual_px(found.shift))
    solve = functools.partial(_near, found, residual, share)
    sigma = np.maximum(spread, spread_of(some, solve))
    enough = np.array([q.enough for q in QUANTITIES])
    observable = sigma < enough
    shift = found.shift
    significant = observable & (np.abs(shift) > np.maximum(SIGNIFICANT * sigma, enough))
    correction = _solve(some, share, significant).shift
    return Offsets(
        shift=shift,
        correction=correction,
        sigma=sigma,
        correlation=covariance / np.outer(spread, spread),
        observable=observable,
        significant=significant,
        noise_px=found.noise_px,
        before_px=pairs.residual_px(),
        after_px=pairs.residual_px(correction),
    )


def median_norm(residual_px: Array) -> float:
    """Median length of residuals (M, 2), those behind the camera left out; NaN of none."""
    lengths = np.linalg.norm(residual_px, axis=1)
    lengths = lengths[np.isfinite(lengths)]
    return float(np.median(lengths)) if len(lengths) else float("nan")


def _noise(residual: Array) -> float:
    # The median length of a 2D normal deviate is sqrt(2 ln 2) standard deviations.
    return max(LEAST_SIGMA_PX, median_norm(residual) / float(np.sqrt(2.0 * np.log(2.0))))


def jacobian_of(pairs: Pairs, shift: Array) -> Array:
    """Derivative (M, 2, 6) of the projection by the shift, by central differences.

    Args:
        pairs: M of them.
        shift: (6,) as :meth:`Pairs.residual_px` takes it, SI units.

    Returns:
        Pixels per SI unit; 0 for a point behind the camera.
    """
    columns = []
    for axis in range(6):
        step = np.zeros(6)
        step[axis] = STEP[axis]
        ahead, behind = pairs.residual_px(shift + step), pairs.residual_px(shift - step)
        columns.append((behind - ahead) / (2.0 * STEP[axis]))
    jacobian: Array = np.nan_to_num(np.stack(columns, axis=2))
    return jacobian


class _Solution(NamedTuple):
    """Where Gauss-Newton ended.

    Attributes:
        shift: (6,).
        by_shift: (M, 2, 6) derivative of the projection there.
        information: (6, 6) of weighted residuals and prior.
        noise_px: Robust standard deviation of a residual.
    """

    shift: Array
    by_shift: Array
    information: Array
    noise_px: float


def _solve(pairs: Pairs, share: Array, free: npt.NDArray[np.bool_]) -> _Solution:
    """The free ones of the six, the others held at zero."""
    shift = np.zeros(6)
    for _ in range(STEPS):
        residual = np.nan_to_num(pairs.residual_px(shift))
        by_shift = jacobian_of(pairs, shift) * free
        information, pull, noise_px = _normal(by_shift, residual, share, shift)
        shift = shift + np.linalg.solve(information, pull)
    return _Solution(shift, by_shift, information, noise_px)


def _near(found: _Solution, residual: Array, share: Array, kept: npt.NDArray[np.bool_]) -> Array:
    """The six from some of the pairs (mask (M,)), the projection taken as linear about `found`."""
    by_shift, residual, share = found.by_shift[kept], residual[kept], share[kept]
    shift = found.shift
    for _ in range(STEPS):
        left = residual - by_shift @ (shift - found.shift)
        information, pull, _ = _normal(by_shift, left, share, shift)
        shift = shift + np.linalg.solve(information, pull)
    return shift


def _normal(
    by_shift: Array, residual: Array, share: Array, shift: Array
) -> tuple[Array, Array, float]:
    """Information (6, 6) and gradient (6,) of weighted residuals and prior; the noise in pixels."""
    noise_px = _noise(residual)
    robust = 1.0 + (np.linalg.norm(residual, axis=1) / (CAUCHY * noise_px)) ** 2
    weighted = by_shift * (share / robust / noise_px**2)[:, None, None]
    prior = 1.0 / np.array([q.prior for q in QUANTITIES]) ** 2
    information = np.tensordot(weighted, by_shift, axes=([0, 1], [0, 1])) + np.diag(prior)
    pull = np.tensordot(weighted, residual, axes=([0, 1], [0, 1])) - prior * shift
    return information, pull, noise_px
