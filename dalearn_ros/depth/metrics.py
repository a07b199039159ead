"""How good distances are: the figures of Eigen et al. 2014, and whether the variance is honest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def depth_figures(depth_m: Floats, true_m: Floats, sigma_log: Floats) -> dict[str, float]:
    """Figures of predicted depths.

    Args:
        depth_m: (n,) predicted, metres.
        true_m: (n,) true, metres, above 0.
        sigma_log: (n,) predicted standard deviation of the logarithm.

    Returns:
        ``abs_rel``: mean |d - t| / t; ``rmse_m``; ``delta_1.25``: share with max(d/t, t/d) < 1.25;
        ``median_rel``: median |d - t| / t; ``log_bias``: mean of ln(d/t); ``within_sigma``: share
        whose logarithm is off by less than sigma (0.68 if the variance is honest);
        ``abs_rel_of_mean``: what a constant, the geometric mean of the truth, would have;
        ``places``: n. Empty for n = 0.
    """
    if not len(true_m):
        return {}
    relative = np.abs(depth_m - true_m) / true_m
    logarithm = np.log(depth_m / true_m)
    constant = float(np.exp(np.log(true_m).mean()))
    return {
        "abs_rel": float(relative.mean()),
        "rmse_m": float(np.sqrt(((depth_m - true_m) ** 2).mean())),
        "delta_1.25": float((np.abs(logarithm) < np.log(1.25)).mean()),
        "median_rel": float(np.median(relative)),
        "log_bias": float(logarithm.mean()),
        "within_sigma": float((np.abs(logarithm) < sigma_log).mean()),
        "abs_rel_of_mean": float((np.abs(constant - true_m) / true_m).mean()),
        "places": float(len(true_m)),
    }
