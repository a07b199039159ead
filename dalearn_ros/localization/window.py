"""The images of the last seconds, of all cameras, and the odometry at their times."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.localization.known import Known
from dalearn_ros.localization.odometry import Chain, OdometryNoise
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.localization.window_fit import WindowFit, fit_window
from dalearn_ros.localization.window_problem import View

Array = npt.NDArray[np.float64]


class Window:
    """Views in the order in which they came.

    Args:
        map_m: (K, 3) points of the map, metres.
        settings: Length, spacing, noise.
    """

    def __init__(self, map_m: Array, settings: LocalizerSettings) -> None:
        self.settings = settings
        self.views: list[View] = []
        self._map_m = map_m
        self._noise = OdometryNoise.of(settings)
        self._driven: dict[int, Transform] = {}

    @property
    def matches(self) -> int:
        """Matched observations in all views."""
        return sum(len(view.rows) for view in self.views)

    def clear(self) -> None:
        """Forget all views."""
        self.views, self._driven = [], {}

    def add(self, view: View, driven: Transform | None) -> None:
        """Add a view. The camera's last one goes if it followed the one before too closely, and so
        do views of other times that no odometry ties to this one.

        Args:
            view: Newest of its camera.
            driven: odom_from_base at its stamp; None without odometry.
        """
        mine = [one for one in self.views if one.name == view.name]
        if len(mine) >= 2:
            spacing = (mine[-1].stamp_ns - mine[-2].stamp_ns) * 1e-9
            if spacing < self.settings.spacing_s - 1e-6:
                self.views.remove(mine[-1])
        now = view.stamp_ns
        if driven is not None:
            self._driven[now] = driven
        tied = self._driven if now in self._driven else {}
        self.views = [one for one in self.views if one.stamp_ns in tied or one.stamp_ns == now]
        self.views.append(view)

    def extend(
        self,
        view: View,
        seen: npt.NDArray[np.int64],
        rows: npt.NDArray[np.int64],
        pixels: Array,
        noise_px2: Array,
    ) -> View:
        """Put more matches into a view; the new view is returned."""
        fuller = dataclasses.replace(
            view,
            seen=np.concatenate([view.seen, seen]),
            rows=np.concatenate([view.rows, rows]),
            pixels=np.concatenate([view.pixels, pixels]),
            noise_px2=np.concatenate([view.noise_px2, noise_px2]),
        )
        self.views[self.views.index(view)] = fuller
        return fuller

    def keep_after(self, oldest_ns: int) -> None:
        """Forget what is older than a time."""
        self.views = [view for view in self.views if view.stamp_ns >= oldest_ns]
        self._driven = {time: pose for time, pose in self._driven.items() if time >= oldest_ns}

    def fit(self, prior: Known) -> WindowFit:
        """Estimate the newest pose.

        Args:
            prior: At any time of the window or before it; without odometry only if all views are of
                its stamp.
        """
        start = prior.pose.stamp_ns
        known = {start: prior.driven or Transform.identity(), **self._driven}
        stamps = sorted({start, *(view.stamp_ns for view in self.views)})
        return fit_window(
            self.views,
            Chain(stamps, [known[stamp] for stamp in stamps], self._noise),
            self._map_m,
            prior.aged((stamps[-1] - start) * 1e-9, self.settings.odometry_lasting_s),
            stamps.index(start),
            map_sigma_m=self.settings.map_sigma_m,
            gate=self.settings.gate,
            moved_sigma_m=self.settings.moved_sigma_m,
            moved_share=self.settings.moved_share,
        )
