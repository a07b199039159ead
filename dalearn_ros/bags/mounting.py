"""Where a sensor sits on the vehicle: one transform for the whole drive."""

from __future__ import annotations

import math

import numpy as np

from dalearn_ros.core.errors import PoseError
from dalearn_ros.geometry.tf_buffer import TransformBuffer
from dalearn_ros.geometry.transforms import Transform

SAMPLES = 200  # of a transform on /tf that are compared
STILL_M, STILL_DEG = 0.01, 0.1  # a mounting that moves less is fixed


def way(transforms: TransformBuffer, base_frame: str, frame: str) -> tuple[list[str], list[str]]:
    """The frames from a sensor to the vehicle, and those of their links that came on ``/tf``.

    Raises:
        PoseError: They are not connected (reason ``tf``).
    """
    try:
        transforms.lookup(base_frame, frame)
    except PoseError as error:
        if error.reason == "tf":
            raise
    up_base, up_frame = transforms.chain(base_frame), transforms.chain(frame)
    common = next(name for name in up_frame if name in up_base)
    below, above = up_frame[: up_frame.index(common)], up_base[: up_base.index(common)]
    sampled = [name for name in [*below, *above] if transforms.stamps_of(name)]
    return [*below, common, *above[::-1]], sampled


def fixed_mounting(transforms: TransformBuffer, base_frame: str, frame: str) -> Transform:
    """``base_from_sensor``, static or sampled on ``/tf`` and always the same.

    Raises:
        PoseError: The frames are not connected (reason ``tf``; the missing one is named), no time
            has samples of all links, or the sensor moves on the vehicle (``moves``).
    """
    _, sampled = way(transforms, base_frame, frame)
    if not sampled:
        return transforms.lookup(base_frame, frame)
    stamps = sorted({stamp for name in sampled for stamp in transforms.stamps_of(name)})
    found: list[Transform] = []
    for stamp in stamps[:: max(1, len(stamps) // SAMPLES)]:
        try:
            found.append(transforms.lookup(base_frame, frame, stamp))
        except PoseError as error:
            fault = error
    if not found:
        raise fault
    first = found[0].inverse()
    steps = [first @ other for other in found]
    far_m = max(float(np.linalg.norm(step.translation)) for step in steps)
    cosines = [0.5 * (float(np.trace(step.rotation)) - 1.0) for step in steps]
    turned_deg = math.degrees(math.acos(min(1.0, max(-1.0, min(cosines)))))
    if far_m > STILL_M or turned_deg > STILL_DEG:
        text = (
            f"{base_frame} <- {frame} moves by {far_m:.2f} m and {turned_deg:.1f} degrees during "
            f"the drive ('{sampled[0]}' on /tf); a camera must be fixed to the vehicle."
        )
        raise PoseError(text, "moves")
    return found[0]
