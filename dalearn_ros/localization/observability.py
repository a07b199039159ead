"""What the landmarks determine by themselves, without the prior: along, across, heading."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

DIRECTIONS = ("longitudinal", "lateral", "heading")
PLANE, REST = np.array([0, 1, 5]), np.array([2, 3, 4])
NO_INFORMATION = 1e-6  # information that stands for none: a standard deviation of 1000


@dataclass(frozen=True)
class Observability:
    """Each for longitudinal, lateral (metres) and heading (radians), axes of the vehicle.

    Attributes:
        sigma: (3,) standard deviation from the landmarks alone; 1000 where they say nothing.
        weak: (3,) whether that is too large to rely on.
        share: (3,) of the prior's variance that the landmarks removed: 0 all is from the prior, 1
            all is from the landmarks.
    """

    sigma: Array
    weak: npt.NDArray[np.bool_]
    share: Array

    @property
    def weak_names(self) -> list[str]:
        """The weak directions, in words."""
        return [name for name, weak in zip(DIRECTIONS, self.weak, strict=True) if weak]


def observability(
    information: Array,
    prior: Array,
    covariance: Array,
    yaw_rad: float,
    weak_m: float,
    weak_rad: float,
) -> Observability:
    """Judge the landmarks' share in a pose.

    Height, roll and pitch count as known as well as the prior knows them: a vehicle stands on the
    road.

    Args:
        information: (6, 6) of the pose from the landmarks alone, axes of the map.
        prior: (6, 6) covariance of the prior.
        covariance: (6, 6) of the estimate.
        yaw_rad: Heading of the vehicle in the map.
        weak_m: Standard deviation from which a direction is weak.
        weak_rad: The same for the heading.
    """
    own = information[np.ix_(PLANE, PLANE)]
    across = information[np.ix_(PLANE, REST)]
    rest = information[np.ix_(REST, REST)] + np.linalg.inv(
        prior[np.ix_(REST, REST)] + 1e-12 * np.eye(3)
    )
    alone = own - across @ np.linalg.solve(rest, across.T)
    turned = vehicle_axes(yaw_rad)
    values, vectors = np.linalg.eigh(turned @ (0.5 * (alone + alone.T)) @ turned.T)
    spread = (vectors / np.maximum(values, NO_INFORMATION)) @ vectors.T
    sigma = np.sqrt(np.minimum(np.diag(spread), 1.0 / NO_INFORMATION))
    before = planar(prior, yaw_rad).diagonal()
    after = planar(covariance, yaw_rad).diagonal()
    share = np.clip(1.0 - after / np.maximum(before, 1e-12), 0.0, 1.0)
    return Observability(sigma, sigma > np.array([weak_m, weak_m, weak_rad]), share)


def vehicle_axes(yaw_rad: float) -> Array:
    """(3, 3) that turns x, y, heading about the map's axes into along, across, heading."""
    c, s = float(np.cos(yaw_rad)), float(np.sin(yaw_rad))
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def planar(covariance: Array, yaw_rad: float) -> Array:
    """(3, 3) along, across, heading of a pose covariance (6, 6) about the map's axes."""
    turned = vehicle_axes(yaw_rad)
    result: Array = turned @ covariance[np.ix_(PLANE, PLANE)] @ turned.T
    return result
