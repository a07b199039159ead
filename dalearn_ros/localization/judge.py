"""Whether an estimate may be given: enough landmarks, enough explained, certain, trusted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.localization.observability import Observability, observability, planar
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.localization.trust import Trust
from dalearn_ros.localization.window_fit import WindowFit
from dalearn_ros.localization.window_problem import View

Array = npt.NDArray[np.float64]


LOST_IMAGES = 2  # images of a window that must say so: in one it may be chance


class Judge:
    """Judges the estimates of a window, one after the other.

    Args:
        settings: The gates.
    """

    def __init__(self, settings: LocalizerSettings) -> None:
        self._settings = settings
        self._trust = Trust(settings)
        self.sound = False

    def reason(self, fit: WindowFit, views: list[View]) -> str:
        """Empty if the estimate may be given, else why not.

        ``sound`` tells afterwards whether the estimate may be carried on, given or not: it is, if
        it is only too uncertain.
        """
        settings = self._settings
        self.sound = False
        lost = sum(view.lost > settings.lost_odds for view in views)
        distrust = self._trust.judge(fit.pose, fit.prior, lost >= min(LOST_IMAGES, len(views)))
        if distrust:
            return distrust
        used, observed = sum(int(i.sum()) for i in fit.inliers), sum(v.observed for v in views)
        if used < settings.minimum_explained * observed:
            return f"too few observations are landmarks of the map: {used} of {observed}"
        self.sound = True
        worst = largest_sigma(fit)
        if worst > settings.maximum_sigma_m:
            weak = ", ".join(self.known(fit).weak_names) or "none alone"
            return f"the place is too uncertain: {worst:.2f} m (weakly determined: {weak})"
        return ""

    def known(self, fit: WindowFit) -> Observability:
        """What the landmarks determine by themselves."""
        assert fit.pose.covariance is not None and fit.prior.covariance is not None
        return observability(
            fit.information,
            fit.prior.covariance,
            fit.pose.covariance,
            fit.pose.map_from_base.yaw_rad,
            self._settings.weak_m,
            self._settings.weak_rad,
        )


def largest_sigma(fit: WindowFit) -> float:
    """Standard deviation of the place in its worst horizontal direction, metres."""
    assert fit.pose.covariance is not None
    place = planar(fit.pose.covariance, 0.0)[:2, :2]
    return float(np.sqrt(np.linalg.eigvalsh(place)[-1]))
