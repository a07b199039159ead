"""Image files to observations, drawn and as rows of JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.bags.images import ImageFault, decode_compressed
from dalearn_ros.core.errors import InputError
from dalearn_ros.inference.attention import AttentionMap
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Observations

Image = npt.NDArray[np.uint8]
_COLOURS = (
    (60, 60, 230), (40, 160, 250), (230, 140, 40), (200, 200, 60), (80, 220, 80),
    (220, 80, 200), (60, 230, 230), (250, 200, 120), (160, 120, 250),
)  # fmt: skip


def read_image(path: Path) -> Image:
    """Read an image file as (H, W, 3) uint8 BGR.

    Raises:
        InputError: Missing, half-written, or no image that can be decoded.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such image.")
    try:
        return decode_compressed(path.read_bytes())
    except (OSError, ImageFault) as error:
        raise InputError(f"{path}: is no image that can be read ({error}).") from None


def draw_observations(image: Image, found: Observations, label_space: LabelSpace) -> Image:
    """A copy of the image with a cross, an ellipse of 2 sigma and the class at each landmark.

    Args:
        image: (H, W, 3) uint8 BGR.
        found: Observations in its pixels.
        label_space: For the names.
    """
    drawn: Any = image.copy()
    for row in range(len(found)):
        class_id = int(found.class_id[row])
        colour = _COLOURS[(class_id - 1) % len(_COLOURS)]
        u, v = (round(float(x)) for x in found.point_px[row])
        cv2.drawMarker(drawn, (u, v), colour, cv2.MARKER_CROSS, 12, 2)
        values, vectors = np.linalg.eigh(found.covariance_px2[row])
        axes = tuple(max(1, round(2.0 * float(np.sqrt(max(x, 0.0))))) for x in values)
        angle = float(np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0])))
        cv2.ellipse(drawn, (u, v), axes, angle, 0, 360, colour, 1)
        text = f"{label_space.names[class_id]} {found.score[row]:.2f}"
        cv2.putText(drawn, text, (u + 8, v - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1)
    return np.asarray(drawn, np.uint8)


def observation_rows(found: Observations, label_space: LabelSpace) -> list[dict[str, Any]]:
    """Observations as JSON values: class, point, score, covariance, distance."""
    return [
        {
            "class": label_space.names[int(found.class_id[row])],
            "class_id": int(found.class_id[row]),
            "point_px": found.point_px[row],
            "score": float(found.score[row]),
            "covariance_px2": found.covariance_px2[row],
            "range_m": float(found.range_m[row]),
            "sigma_range_m": float(found.sigma_range_m[row]),
        }
        for row in range(len(found))
    ]


def detect_file(
    detector: LandmarkDetector,
    path: Path,
    drawing: Path,
    below: Callable[[Image, AttentionMap], Image] | None = None,
) -> Observations:
    """Find the landmarks of an image file and write the drawn image.

    Args:
        detector: Finds them.
        path: The image.
        drawing: The drawn image, ``.jpg``.
        below: Draws the attention map on the image, to stand below; None: without it.

    Raises:
        InputError: The image cannot be read or the drawing cannot be written.
    """
    image = read_image(path)
    answer = detector.answer(image, attention=below is not None)
    found = answer.observations
    drawn = draw_observations(image, found, detector.label_space)
    if below is not None and answer.attention is not None:
        drawn = np.vstack([drawn, below(image, answer.attention)])
    done, encoded = cv2.imencode(".jpg", drawn)
    if not done:
        raise InputError(f"{drawing}: the drawn image cannot be encoded.")
    drawing.write_bytes(encoded.tobytes())
    return found
