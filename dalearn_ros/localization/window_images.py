"""What goes into a window and what comes out of it, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.localization.observability import Observability
from dalearn_ros.localization.results import LocalizationResult
from dalearn_ros.localization.window_fit import WindowFit
from dalearn_ros.localization.window_problem import View

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CameraImage:
    """What the detector saw in one image.

    Attributes:
        camera: Name of the camera.
        observations: With the stamp of the image.
        driven: odom_from_base at that stamp; None without odometry.
    """

    camera: str
    observations: Observations
    driven: Transform | None = None

    @property
    def stamp_ns(self) -> int:
        """Time of the image."""
        return self.observations.stamp_ns


@dataclass(frozen=True)
class Taken:
    """An image that has just come into the window."""

    image: CameraImage
    view: View
    doubtful: Ints
    candidates: int


def result_of(
    fit: WindowFit,
    views: list[View],
    taken: Sequence[Taken],
    images: Sequence[CameraImage],
    reason: str,
    known: Observability,
) -> LocalizationResult:
    """The answer of a window.

    Args:
        fit: Of the window.
        views: Of the window, in the order of the fit.
        taken: The images that have just come in.
        images: As they were given; matches name their camera by the position in it.
        reason: Why there is no pose; empty if there is one.
        known: What the landmarks determine.
    """
    pairs, residual, camera = [np.zeros((0, 2), np.int64)], [np.zeros((0, 2))], [0]
    for one in taken:
        if one.view not in views:
            continue
        place = views.index(one.view)
        inside = fit.inliers[place]
        pairs.append(np.stack([one.view.seen, one.view.rows], axis=1)[inside])
        residual.append(fit.residual_px[place][inside])
        camera += [images.index(one.image)] * int(inside.sum())
    return LocalizationResult(
        None if reason else fit.pose,
        reason,
        np.concatenate(pairs),
        np.concatenate(residual),
        fit.chi2,
        sum(one.candidates for one in taken),
        sum(len(one.doubtful) for one in taken),
        known,
        fit.inflation,
        len(views),
        np.array(camera[1:], np.int64),
    )
