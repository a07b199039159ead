"""What a window says if some of its landmarks do not stand where the map has them.

A least-squares estimate takes each landmark either for standing where the map has it, but for a
small error, or for moved by metres. Here that is changed: first for one landmark after the other,
as long as that makes it more probable; then from there for one landmark and for sets of up to
three. Each supposition has its own pose and its own probability given the window, and the answer is
their mixture. Landmarks that contradict each other so widen the covariance until others tell
which of them are right.

The residuals are taken as linear in the unknowns around the estimate, so a supposition only changes
the prior of its landmarks' errors between N(0, 1) and N(0, ratio²): small matrices (Woodbury).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

LARGEST_SET, KEPT_SETS = 3, 6  # sets grow by one landmark from the most probable ones
NEGLIGIBLE = 1e-9  # a supposition whose log-weight is larger by less is not better


@dataclass(frozen=True)
class Mixture:
    """Of all suppositions, weighted with their probability.

    Attributes:
        step: (lead,) mean of the leading unknowns' step from the estimate.
        covariance: (lead, lead) of it.
        solution: (n + 3K,) step of all unknowns to the estimate of one supposition that no
            change of a single landmark makes more probable.
        moved: (K,) probability of each landmark to have moved.
    """

    step: Array
    covariance: Array
    solution: Array
    moved: Array


class _Suppositions(NamedTuple):
    """S sets of L landmarks (S, L) whose supposition is changed.

    The logarithm of the weight (S,) is against no change; step (S, lead) and covariance
    (S, lead, lead) are those of the leading unknowns.
    """

    changed: Ints
    log_weight: Array
    step: Array
    covariance: Array


def mixture(
    normal: Array, errors: Array, moved: Mask, ratio: float, share: float, lead: int
) -> Mixture:
    """Weigh suppositions around a least-squares estimate.

    Args:
        normal: (n + 3K, n + 3K) normal matrix, priors included: n unknowns, then the errors of K
            landmarks in standard deviations.
        errors: (K, 3) estimates of the latter.
        moved: (K,) landmarks that the estimate takes for moved: the prior of their errors is
            N(0, ratio²).
        ratio: Standard deviation of a moved landmark's place, in those of one that has not; over 1.
        share: Of the landmarks that have moved, before the window is looked at; over 0, under 1.
        lead: How many of the n unknowns, from the first, the answer is about.
    """
    odds = float(np.log(share / (1.0 - share)) - 3.0 * np.log(ratio))
    less = 1.0 - 1.0 / ratio**2  # information that a landmark's prior loses when it is moved
    covariance, solution, moved = _climb(normal, errors, moved, less, odds)
    errors = errors + solution[-errors.size :].reshape(-1, 3)
    lost = np.where(moved, -less, less)
    sets = np.zeros((1, 0), np.int64)
    found = [_Suppositions(sets, np.zeros(1), np.zeros((1, lead)), covariance[None, :lead, :lead])]
    for _ in range(min(LARGEST_SET, len(errors))):
        sets = _larger(sets, len(errors))
        found.append(_suppose(sets, covariance, errors, lost, odds, lead))
        sets = sets[np.argsort(-found[-1].log_weight)[:KEPT_SETS]]
    return _mixed(found, moved, solution)


def _climb(
    normal: Array, errors: Array, moved: Mask, less: float, odds: float
) -> tuple[Array, Array, Mask]:
    """Change single landmarks while that is more probable: covariance, step of all, who moved."""
    normal, errors, moved = normal.copy(), errors.copy(), moved.copy()
    solution, single = np.zeros(len(normal)), np.arange(len(errors))[:, None]
    while True:
        covariance: Array = np.asarray(np.linalg.inv(normal), dtype=np.float64)
        lost = np.where(moved, -less, less)
        weight = _suppose(single, covariance, errors, lost, odds, 0).log_weight
        best = int(np.argmax(weight))
        if weight[best] <= NEGLIGIBLE:
            return covariance, solution, moved
        own = len(normal) - errors.size + 3 * best + np.arange(3)
        normal[own, own] -= lost[best]
        right = np.zeros(len(normal))
        right[own] = lost[best] * errors[best]
        step = np.linalg.solve(normal, right)
        solution += step
        errors += step[-errors.size :].reshape(-1, 3)
        moved[best] = ~moved[best]


def _larger(sets: Ints, count: int) -> Ints:
    """(S', L + 1) all sets with one more of ``count`` landmarks, each once."""
    more = np.tile(np.arange(count), len(sets))[:, None]
    new = np.concatenate([np.repeat(sets, count, axis=0), more], axis=1)
    new = np.sort(new[(new[:, :-1] != more).all(axis=1)], axis=1)
    number = new @ count ** np.arange(new.shape[1])  # one a set
    return new[np.unique(number, return_index=True)[1]]


def _suppose(
    sets: Ints, covariance: Array, errors: Array, less: Array, odds: float, lead: int
) -> _Suppositions:
    """Leading unknowns and weights of sets (S, L)."""
    first = len(covariance) - errors.size
    index = (first + 3 * sets[:, :, None] + np.arange(3)).reshape(len(sets), -1)  # (S, 3L)
    lost = np.repeat(less[sets], 3, axis=1)
    shift = errors[sets].reshape(index.shape)
    own = covariance[index[:, :, None], index[:, None, :]]
    across = covariance[index, :lead]  # (S, 3L, lead)
    gap = np.eye(index.shape[1]) - lost[:, :, None] * own
    pull = lost * shift
    moved = (own @ pull[:, :, None])[:, :, 0]
    both = np.concatenate([moved[:, :, None], across], axis=2)
    widened = np.linalg.solve(gap, lost[:, :, None] * both)
    whole = pull + widened[:, :, 0]
    gain = np.einsum("si,si->s", pull, shift) + np.einsum("si,si->s", moved, whole)  # chi-square
    weight = 0.5 * gain - 0.5 * np.linalg.slogdet(gap)[1] + odds * np.sign(less[sets]).sum(axis=1)
    step = np.einsum("sip,si->sp", across, whole)
    spread = covariance[:lead, :lead] + across.transpose(0, 2, 1) @ widened[:, :, 1:]
    return _Suppositions(sets, weight, step, spread)


def _mixed(found: list[_Suppositions], moved: Mask, solution: Array) -> Mixture:
    logs = np.concatenate([one.log_weight for one in found])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    steps = np.concatenate([one.step for one in found])
    step = weights @ steps
    apart = steps - step
    spread = np.concatenate([one.covariance for one in found])
    covariance = np.einsum("s,sij->ij", weights, spread)
    covariance += np.einsum("s,si,sj->ij", weights, apart, apart)
    changed, start = np.zeros(len(moved)), 0
    for one in found:
        own = weights[start : start + len(one.changed)]
        share = np.repeat(own, one.changed.shape[1])
        changed += np.bincount(one.changed.ravel(), share, minlength=len(moved))
        start += len(own)
    moved_share = np.where(moved, 1.0 - changed, changed)
    return Mixture(solution[: len(step)] + step, covariance, solution, moved_share)
