"""Material codes that the renderer carries in its alpha channel, and small colour helpers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

# What a pixel is made of. A hole of a cutout texture is 0. Decals blend towards GROUND = 255.
RETRO = 96  # sends light back to where it comes from: sign faces
EMISSIVE = 144  # shines by itself: lamps, lit windows, the sky
DIFFUSE = 200  # everything else that stands
GROUND = 255  # roads, paint, pavements, grass: gets wet, is covered by snow


def with_code(bgr: npt.NDArray[np.generic], code: int) -> Image:
    """(H, W, 4) uint8 texture of one material from colours (H, W, 3)."""
    h, w = bgr.shape[:2]
    out = np.empty((h, w, 4), dtype=np.uint8)
    out[..., :3] = np.clip(bgr, 0, 255)
    out[..., 3] = code
    return out


def emission_weight() -> npt.NDArray[np.float32]:
    """(256,) share of a pixel's light that is its own, by material code."""
    codes = np.arange(256, dtype=np.float32)
    weight = np.clip((DIFFUSE - codes) / float(DIFFUSE - EMISSIVE), 0.0, 1.0)
    weight[codes < (RETRO + EMISSIVE) / 2] = 0.0
    return np.asarray(weight, dtype=np.float32)


def retro_weight() -> npt.NDArray[np.float32]:
    """(256,) 1 for retro-reflecting codes."""
    return np.asarray(np.arange(256) < (RETRO + EMISSIVE) / 2, dtype=np.float32)


def ground_weight() -> npt.NDArray[np.float32]:
    """(256,) 1 for ground."""
    codes = np.arange(256, dtype=np.float32)
    return np.asarray(np.clip((codes - DIFFUSE - 20) / 20.0, 0.0, 1.0), dtype=np.float32)
