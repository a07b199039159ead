"""Blur of a lens of fixed focus, by depth and by place in the picture.

By depth: a thin lens of focal length f and f-number N, focused at s0, draws a point at depth s as a
disc, the circle of confusion, of diameter (all in metres on the sensor)

    c = (f / N) · f · |s - s0| / (s · (s0 - f)),

and in pixels c / p with the pixel pitch p; f = p times the focal length in pixels of the
calibration. The cities' lenses (:class:`dalearn_ros.world.style.City`):

    ========  =======  =====  =======  ====  ============  ============  ============
    city      f        N      p        s0    c at 1.5 m    c at 4 m      c at infinity
    ========  =======  =====  =======  ====  ============  ============  ============
    north     4.45 mm  1.6    4.2 um   30 m  1.87 px       0.64 px       0.10 px
    south     3.49 mm  2.0    3.75 um  15 m  0.97 px       0.30 px       0.11 px
    east      4.96 mm  1.4    4.2 um   40 m  2.68 px       0.94 px       0.10 px
    ========  =======  =====  =======  ====  ============  ============  ============

By place: softer towards the corners, as simple lenses are.

A disc of diameter c spreads light with a variance of c²/16 along each axis, a mean over 3 x 3
pixels with 2/3. The picture is mixed with its mean over 3 x 3 pixels in the share that gives the
wanted variance, (c²/16) / (2/3), which is exact to 3.3 px; variances of both causes add.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.world.lens import HEIGHT, WIDTH, Lens
from dalearn_ros.world.style import City

Float = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]
SHARE_OF_SQUARE = (1.0 / 16.0) / (2.0 / 3.0)


class Focus:
    """The lens of one city's camera.

    Attributes:
        focal_m: Focal length in metres.
    """

    def __init__(self, city: City, lens: Lens) -> None:
        pitch = city.pixel_um * 1e-6
        f = self.focal_m = city.focal_px * pitch
        self._sharp = 1.0 / city.focus_m
        self._px_m = (f / city.f_number) * f / (1.0 - f / city.focus_m) / pitch
        place = np.clip((lens.radius - 0.5) * 1.3, 0.0, 0.75)
        self._place = np.round(place * 255.0).astype(np.uint8)

    def circle_px(self, depth: npt.ArrayLike) -> Float:
        """Diameter in pixels of the circle of confusion, any shape, at depths in metres (or inf).

        The thin lens's formula, divided by s and s0: c is linear in 1/s.
        """
        inverse = 1 / np.asarray(depth, dtype=np.float32)
        return np.asarray(np.abs(inverse - self._sharp) * self._px_m, dtype=np.float32)

    def soften(self, image: Picture, depth: Float) -> Picture:
        """The blurred picture (720, 1280, 3).

        Args:
            image: (720, 1280, 3) uint8.
            depth: (h, w) metres of the same view, any size.
        """
        circle = self.circle_px(depth)
        by_depth = cv2.convertScaleAbs(circle * circle, alpha=255.0 * SHARE_OF_SQUARE)
        share = cv2.add(self._place, cv2.resize(by_depth, (WIDTH, HEIGHT)))
        kept = cv2.cvtColor(cv2.bitwise_not(share), cv2.COLOR_GRAY2BGR)
        mean = cv2.blur(image, (3, 3))
        spread = cv2.multiply(mean, cv2.cvtColor(share, cv2.COLOR_GRAY2BGR), mean, 1 / 255)
        sharp = cv2.multiply(image, kept, kept, 1 / 255)
        return np.asarray(cv2.add(sharp, spread, sharp), dtype=np.uint8)
