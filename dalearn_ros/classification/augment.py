"""Random changes of whole batches of images, on the device where they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from dalearn_ros.core.settings import field


@dataclass(frozen=True)
class AugmentationSettings:
    """How much images are changed."""

    shift: float = field(0.1, "Largest shift, share of the side.", minimum=0.0, maximum=1.0)
    scale: float = field(0.35, "Largest change of scale, as exp(+-x).", minimum=0.0, maximum=2.0)
    aspect: float = field(
        0.2, "Largest change of width against height, as exp(+-x).", minimum=0.0, maximum=2.0
    )
    turn_deg: float = field(15.0, "Largest turn.", unit="deg", minimum=0.0, maximum=180.0)
    shear: float = field(
        0.3, "Largest shear, shift of x for a step of y.", minimum=0.0, maximum=2.0
    )
    stroke: float = field(
        0.7,
        "Largest share of the brightest or of the darkest neighbour that a pixel takes over: "
        "strokes become thicker or thinner.",
        minimum=0.0,
        maximum=1.0,
    )
    blur: float = field(
        0.7, "Largest share of the mean of its neighbours that a pixel takes over.",
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
    contrast: float = field(
        0.3, "Largest change of contrast, as exp(+-x).", minimum=0.0, maximum=2.0
    )
    noise: float = field(
        0.05, "Largest sigma of the noise, share of the full range.", minimum=0.0, maximum=1.0
    )
    invert: float = field(
        0.0, "Share of images whose light and dark are exchanged.", minimum=0.0, maximum=1.0
    )


def prepare(images: Tensor) -> Tensor:
    """(n, c, H, W) uint8 to float32 of 0 to 1."""
    return images.to(torch.float32) / 255.0


def change(images: Tensor, settings: AugmentationSettings, strength: float = 1.0) -> Tensor:
    """Images moved, thickened or thinned, blurred and relit, each in its own way.

    Numbers are drawn from torch's generator of the images' device. What comes in from outside has
    the median of the image's border.

    Args:
        images: (n, c, H, W) of 0 to 1.
        settings: The largest changes.
        strength: What share of them, 0 to 1; of 0 nothing changes.

    Returns:
        (n, c, H, W) of 0 to 1.
    """
    return change_together(images, images[:, :0], settings, strength)[0]


def change_together(
    images: Tensor, maps: Tensor, settings: AugmentationSettings, strength: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Images changed as by :func:`change`, and maps over the same areas that move along.

    Args:
        images: (n, c, H, W) of 0 to 1.
        maps: (n, k, h, w) of any size; 0 comes in from outside.
        settings: The largest changes.
        strength: What share of them, 0 to 1.

    Returns:
        Both, of their sizes.
    """
    if strength == 0.0:
        return images, maps
    places = _places(images, settings, strength)
    outside = _border(images)
    changed = _strokes(_sampled(images - outside, places) + outside, settings, strength)
    gain = torch.exp(_draw(images, settings.contrast * strength))
    changed = (changed - 0.5) * gain + 0.5
    sigma = torch.rand_like(gain) * settings.noise * strength
    changed = (changed + torch.randn_like(changed) * sigma).clamp(0.0, 1.0)
    inverted = torch.rand_like(gain) < settings.invert * strength
    moved = _sampled(maps, places) if maps.shape[1] else maps
    return torch.where(inverted, 1.0 - changed, changed), moved


def _draw(images: Tensor, most: float) -> Tensor:
    """(n, 1, 1, 1) uniform in -most to most."""
    return (torch.rand(len(images), 1, 1, 1, device=images.device) * 2.0 - 1.0) * most


def _places(images: Tensor, settings: AugmentationSettings, strength: float) -> Tensor:
    """(n, 2, 3) where the pixels of changed images are from, sides being -1 to 1."""

    def draw(most: float) -> Tensor:
        return _draw(images, most * strength)[:, 0, 0, 0]

    turn, shear = draw(math.radians(settings.turn_deg)), draw(settings.shear)
    scale, aspect = draw(settings.scale), draw(settings.aspect)
    wide, high = torch.exp(scale + aspect / 2), torch.exp(scale - aspect / 2)
    cos, sin = torch.cos(turn), torch.sin(turn)
    left = torch.stack([cos * wide, (cos * shear - sin) * high, 2 * draw(settings.shift)], dim=1)
    right = torch.stack([sin * wide, (sin * shear + cos) * high, 2 * draw(settings.shift)], dim=1)
    return torch.stack([left, right], dim=1)


def _sampled(images: Tensor, places: Tensor) -> Tensor:
    grid = functional.affine_grid(places, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def _border(images: Tensor) -> Tensor:
    """(n, c, 1, 1) median of the outermost pixels."""
    edges = [images[:, :, 0], images[:, :, -1], images[:, :, :, 0], images[:, :, :, -1]]
    return torch.cat(edges, dim=2).median(dim=2).values[:, :, None, None]


def _strokes(images: Tensor, settings: AugmentationSettings, strength: float) -> Tensor:
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    amount = _draw(images, settings.stroke * strength)
    bright = functional.max_pool2d(padded, 3, 1)
    dark = -functional.max_pool2d(-padded, 3, 1)
    changed = torch.where(
        amount > 0, torch.lerp(images, bright, amount.clamp(min=0)),
        torch.lerp(images, dark, (-amount).clamp(min=0)),
    )  # fmt: skip
    blurred = functional.avg_pool2d(functional.pad(changed, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return torch.lerp(changed, blurred, _draw(images, settings.blur * strength).abs())
