"""What the localizer answers: a pose, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.pnp import PoseFit
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.localization.candidates import Visible
from dalearn_ros.localization.observability import Observability

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LATE = "late image: a newer one, or one of the same stamp, was used before it"


@dataclass(frozen=True)
class Reading:
    """One image read by itself.

    Attributes:
        pairs: (M, 2) row of the observation, row in the map.
        fit: Pose of this image alone; None if there are too few pairs.
        noise_px2: (N, 2, 2) of all observations.
        visible: What may be seen from the prior's place.
        candidates: How many landmarks may have been in the image.
        doubtful: (D,) rows of observations left out.
        log_likelihood: Of the reading, against all being false alarms.
    """

    pairs: Ints
    fit: PoseFit | None
    noise_px2: Array
    visible: Visible
    candidates: int
    doubtful: Ints
    log_likelihood: float


@dataclass(frozen=True)
class LocalizationResult:
    """A pose, or the reason why there is none.

    Attributes:
        pose: With its covariance, prior included; None if there is none.
        reason: Empty if there is a pose, else a sentence; up to its first colon it is one of a few
            kinds that can be counted.
        matches: (M, 2) row of the observation, row of the landmark in the map; of the newest image
            (of all cameras, one after the other).
        residual_px: (M, 2) seen minus projected from ``pose``.
        chi2: Sum of the squared Mahalanobis residuals: of the matches of one image, or of a window.
        candidates: How many landmarks of the map may have been in the image.
        doubtful: How many matches were left out because two readings were about as likely.
        observability: What the landmarks determine without the prior; None where nothing was
            fitted.
        inflation: By how much the landmarks' covariance was widened because they fit badly.
        images: How many images the estimate rests on.
        camera: (M,) position of the match's camera in the order in which they were given.
    """

    pose: Pose | None
    reason: str
    matches: Ints
    residual_px: Array
    chi2: float
    candidates: int
    doubtful: int
    observability: Observability | None = None
    inflation: float = 1.0
    images: int = 1
    camera: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def found(self) -> bool:
        """Whether there is a pose."""
        return self.pose is not None


def nothing(reason: str, candidates: int = 0, doubtful: int = 0) -> LocalizationResult:
    """No pose, and why."""
    none = np.zeros((0, 2))
    return LocalizationResult(
        None, reason, none.astype(np.int64), none, 0.0, candidates, doubtful, images=0
    )


def too_few(count: int, needed: int, candidates: int, doubtful: int) -> LocalizationResult:
    """No pose, because too few landmarks are matched."""
    text = f"not enough landmarks: {count} of at least {needed}"
    if doubtful:
        text += f", {doubtful} more may be one landmark or another"
    return nothing(text, candidates, doubtful)


def contradiction(step: Array) -> str:
    """The sentence for landmarks that lie a step (6,) away from where the prior has them."""
    return (
        f"the landmarks contradict the prior pose: they put the vehicle "
        f"{math.hypot(step[0], step[1]):.1f} m and {math.degrees(step[5]):.1f} degrees from it, "
        "more than its covariance allows"
    )
