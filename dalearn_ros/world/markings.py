"""Pictures painted on the road: arrows and symbols as decals (alpha = opacity)."""

from __future__ import annotations

import cv2
import numpy as np

from dalearn_ros.world.materials import Image
from dalearn_ros.world.pictograms import Canvas, Points
from dalearn_ros.world.textures import bgr255, fractal

# width and length of each in metres, by name
ARROWS = {
    "arrow_straight": (0.6, 5.0),
    "arrow_left": (1.1, 4.6),
    "arrow_right": (1.1, 4.6),
    "arrow_straight_left": (1.2, 5.0),
    "arrow_straight_right": (1.2, 5.0),
}
SYMBOLS = {
    "symbol_bicycle": (1.2, 2.2),
    "symbol_diamond": (1.0, 3.4),
    "symbol_30": (1.5, 2.8),
    "symbol_50": (1.5, 2.8),
    "symbol_bus": (1.8, 2.8),
    "symbol_triangle": (1.6, 3.4),
}
SIZES = {**ARROWS, **SYMBOLS}


def _shape(c: Canvas, name: str) -> None:
    white = (255, 255, 255)

    def straight(x: float, wide: float) -> None:
        c.polygon(
            [
                (x - 0.11 * wide, 1),
                (x - 0.11 * wide, 0.36),
                (x + 0.11 * wide, 0.36),
                (x + 0.11 * wide, 1),
            ],
            white,
        )
        c.polygon([(x - 0.5 * wide, 0.4), (x, 0.0), (x + 0.5 * wide, 0.4)], white)

    def bent(x: float, side: float, reach: float) -> None:
        def put(points: Points) -> Points:
            return [(x + side * p * reach, q) for p, q in points]

        c.polygon(
            put([(-0.13, 0.62), (0.13, 0.52), (0.55, 0.30), (0.55, 0.42), (0.13, 0.72)]), white
        )
        c.polygon(put([(0.5, 0.14), (0.5, 0.58), (1.0, 0.30)]), white)

    if name == "arrow_straight":
        straight(0.5, 1.0)
    elif name in ("arrow_left", "arrow_right"):
        side = -1.0 if name == "arrow_left" else 1.0
        x = 0.5 - side * 0.28
        c.polygon([(x - 0.1, 1), (x - 0.1, 0.55), (x + 0.1, 0.55), (x + 0.1, 1)], white)
        bent(x, side, 0.75)
    elif name.startswith("arrow_straight_"):
        side = -1.0 if name.endswith("left") else 1.0
        x = 0.5 - side * 0.25
        straight(x, 0.5)
        bent(x, side, 0.72)
    elif name == "symbol_bicycle":
        c.bicycle(0.5, 0.58, 0.4 * c.w / c.h, white)
    elif name == "symbol_diamond":
        c.line([(0.5, 0.04), (0.93, 0.5), (0.5, 0.96), (0.07, 0.5), (0.5, 0.04)], white, 0.05)
    elif name == "symbol_triangle":
        c.line([(0.1, 0.05), (0.9, 0.05), (0.5, 0.95), (0.1, 0.05), (0.9, 0.05)], white, 0.05)
    else:
        text = {"symbol_30": "30", "symbol_50": "50", "symbol_bus": "BUS"}[name]
        flat = Canvas(c.w, c.w // 2 if len(text) < 3 else c.w // 3)
        flat.text(0.5, 0.5, text, 0.8, white, 0.18)
        c.bgr[:] = cv2.resize(flat.bgr, (c.w, c.h), interpolation=cv2.INTER_CUBIC)


def decal(
    rng: np.random.Generator, name: str, colour: tuple[float, float, float], wear: float
) -> Image:
    """The picture (256, 128, 4) of one marking, its far end at the top."""
    canvas = Canvas(512, 1024)
    _shape(canvas, name)
    shape = cv2.resize(canvas.bgr[..., 0], (128, 256), interpolation=cv2.INTER_AREA) / 255.0
    noise = fractal(rng, 256, (4, 16, 64))[:, :128] * 0.8 + rng.standard_normal((256, 128)) * 0.4
    worn = np.clip((noise - 2.6 + 2.6 * wear) * 0.9, 0.0, 0.7)
    out = np.empty((256, 128, 4), dtype=np.uint8)
    out[..., :3] = np.clip(bgr255(colour), 0, 255)
    out[..., 3] = np.clip(shape * (1 - worn) * 255, 0, 255)
    return out
