"""Whether a place that the prior excludes explains an image better: another lane."""

from __future__ import annotations

import numpy as np

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.localization.localizer import Localizer
from dalearn_ros.localization.results import Reading


def lost(localizer: Localizer, observations: Observations, prior: Pose, reading: Reading) -> float:
    """Log-likelihood by which a prior that is off by ``lost_sigma_m`` explains an image better.

    Both likelihoods are of the whole image, over all places that the prior, or the wider one,
    allows: the wider one pays for allowing more.

    Args:
        localizer: Of the image's camera.
        observations: Of the image.
        prior: With a covariance.
        reading: Of the image, from that prior.
    """
    assert prior.covariance is not None
    far = localizer.settings.lost_sigma_m**2
    wide = Pose(
        prior.stamp_ns, prior.map_from_base, prior.covariance + np.diag([far, far, 0, 0, 0, 0])
    )
    found = localizer.near(wide, reading.visible)
    other = localizer.associate(observations, found, wide, reading.noise_px2)
    return other.log_likelihood - reading.log_likelihood
