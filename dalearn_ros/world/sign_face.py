"""One kind of traffic sign and its picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dalearn_ros.world.materials import RETRO, Image
from dalearn_ros.world.pictograms import Canvas
from dalearn_ros.world.sign_parts import Draw


@dataclass(frozen=True)
class SignFace:
    """One kind of sign.

    Attributes:
        code: Code in the country's catalogue, the ``subtype`` in the map.
        kind: Class: warning_sign, regulating_sign, indicating_sign, auxiliary_sign.
        size_m: Width and height of its plate in metres.
        draw: Paints the face.
        name: Name of its texture, unique in the country.
    """

    code: str
    kind: str
    size_m: tuple[float, float]
    draw: Draw
    name: str

    def image(self) -> Image:
        """The face as a texture (256 or 128, 256 or 512, 4), holes outside its plate."""
        wide = self.size_m[0] / self.size_m[1]
        w = 1024 if wide > 1.5 else 512
        h = 256 if wide > 3 else 1024 if wide < 0.67 else 512
        canvas = Canvas(w, h)
        self.draw(canvas)
        bgr = cv2.resize(canvas.bgr, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
        mask = cv2.resize(canvas.mask, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
        spread = cv2.dilate(bgr, np.ones((9, 9), np.uint8))
        bgr = np.where(mask[..., None] > 127, bgr, spread)
        alpha = (mask.astype(np.float32) / 255.0 * RETRO).astype(np.uint8)
        return np.dstack([bgr, alpha])


def face(code: str, kind: str, w: float, h: float, draw: Draw, more: str = "") -> SignFace:
    """A sign of ``w`` x ``h`` metres; ``more`` tells variants of one code apart."""
    return SignFace(code, kind, (w, h), draw, f"sign_{code}{more}")
