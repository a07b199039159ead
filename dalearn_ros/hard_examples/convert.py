"""Images with the colour distributions of other conditions.

In every area and channel s' = (s - s_mean) / s_std * t_std + t_mean. A conversion is a table of
gains and offsets, one row an area, that is applied to the original image's colours. It starts from
the original and its own statistics always, whatever was made of it before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.hard_examples.colour import strips
from dalearn_ros.hard_examples.spaces import LAB, ColourSpace
from dalearn_ros.hard_examples.statistics import WHOLE, AreaStatistics, Distribution, measure

Image = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]
ALL_CHANNELS = (0, 1, 2)


@dataclass(frozen=True)
class Source:
    """An image ready to be converted any number of times; make one with :meth:`of`.

    Attributes:
        image: (H, W, 3) uint8 BGR, the original.
        index: (H, W) uint8, the area of each pixel.
        space: The colour space.
        colours: (H, W, 3) float32, the image in it.
        statistics: Of its areas and of all of it.
    """

    image: Image
    index: Image
    space: ColourSpace
    colours: Float
    statistics: AreaStatistics

    @classmethod
    def of(
        cls, image: Image, index: Image, names: Sequence[str], space: ColourSpace = LAB
    ) -> Source:
        """Convert to the colour space and measure.

        Args:
            image: (H, W, 3) uint8 BGR.
            index: (H, W) uint8, places in ``names``.
            names: Areas.
            space: Of the distributions.

        Raises:
            InputError: The index image has another size, or labels without a name.
        """
        if WHOLE in names:
            raise InputError.at("areas", "", f"names other than '{WHOLE}'", f"'{WHOLE}'")
        colours = space.from_bgr(image)
        return cls(image, index, space, colours, measure(colours, index, names))


@dataclass(frozen=True)
class Converted:
    """A converted image and what was met on the way.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        areas: Areas that were converted; ``image`` stands for the whole image.
        empty: Areas that were asked for and have no pixel in the image.
        flat: (area, channel) without spread, s_std = 0: they were only shifted to the new mean.
        clipped: Share of all pixels whose new colour sRGB cannot show; it was clipped.
        changed: Mean change of a channel of the image, 8-bit levels.
    """

    image: Image
    areas: tuple[str, ...]
    empty: tuple[str, ...] = ()
    flat: tuple[tuple[str, str], ...] = field(default=())
    clipped: float = 0.0
    changed: float = 0.0


def convert(
    source: Source,
    targets: Mapping[str, Distribution],
    channels: Iterable[int] = ALL_CHANNELS,
    soft_px: float = 0.0,
) -> Converted:
    """Give areas of an image other colour distributions.

    Args:
        source: The original.
        targets: Area → its new distribution. ``image`` is the whole image with its own statistics;
            beside it, areas that are named follow their own targets, all other pixels those of the
            whole image.
        channels: Which of the space's channels change, 0 to 2.
        soft_px: Width over which neighbouring areas blend, the deviation of a Gaussian; 0: none.
            It hides borders of the index image that lie beside those of the things.

    Raises:
        InputError: No target, an area that the index image has no name for, a channel that is not
            0 to 2, or a target deviation below 0 or a value that is not finite.
    """
    chosen = _checked(source, targets, channels)
    tables, report = _table(source, targets, chosen)
    if not report.areas:
        return Converted(source.image.copy(), (), report.empty)
    image, outside = np.empty_like(source.image), 0
    maps = _soft_maps(tables, source.index, soft_px) if soft_px > 0.0 else None
    for rows in strips(*source.index.shape):
        if maps is None:
            gain, offset = (np.take(table, source.index[rows], axis=0) for table in tables)
        else:
            gain, offset = maps[0][rows], maps[1][rows]
        values = source.colours[rows] * gain
        values += offset
        image[rows], beyond = source.space.to_bgr(values)
        outside += int(np.count_nonzero(beyond))
    changed = float(cv2.norm(image, source.image, cv2.NORM_L1)) / image.size
    clipped = outside / max(source.index.size, 1)
    return Converted(image, report.areas, report.empty, report.flat, clipped, changed)


def _checked(
    source: Source, targets: Mapping[str, Distribution], channels: Iterable[int]
) -> tuple[int, ...]:
    chosen = tuple(sorted(set(channels)))
    if not chosen or not set(chosen) <= set(ALL_CHANNELS):
        raise InputError.at("conversion", "channels", "some of 0, 1, 2", str(chosen))
    if not targets:
        raise InputError.at("conversion", "targets", "one area or more", "none")
    for name, target in targets.items():
        if name not in source.statistics.names:
            known = ", ".join(source.statistics.names)
            raise InputError.at("conversion", "areas", f"some of {known}", f"'{name}'")
        if not np.isfinite(target.vector).all() or min(target.std) < 0.0:
            found = f"mean {target.mean}, deviation {target.std}"
            raise InputError.at(
                "conversion", name, "finite numbers, deviations of 0 or more", found
            )
    return chosen


def _table(
    source: Source, targets: Mapping[str, Distribution], channels: tuple[int, ...]
) -> tuple[tuple[Float, Float], Converted]:
    """Gain and offset (K, 3) of each area, and the report of what was met."""
    names = source.statistics.names[:-1]
    gain, offset = np.ones((len(names), 3)), np.zeros((len(names), 3))
    areas, empty, flat = [], [], []
    for name in sorted(targets, key=lambda name: name != WHOLE):  # areas win over the whole
        own = source.statistics.of(name)
        if own is None:
            empty.append(name)
            continue
        areas.append(name)
        rows = slice(None) if name == WHOLE else names.index(name)
        for channel in channels:
            scale = 1.0
            if own.std[channel] > 0.0:
                scale = targets[name].std[channel] / own.std[channel]
            else:
                flat.append((name, source.space.channels[channel]))
            gain[rows, channel] = scale
            offset[rows, channel] = targets[name].mean[channel] - scale * own.mean[channel]
    tables = gain.astype(np.float32), offset.astype(np.float32)
    return tables, Converted(source.image, tuple(areas), tuple(empty), tuple(flat))


def _soft_maps(tables: tuple[Float, Float], index: Image, sigma_px: float) -> list[Float]:
    """Gain and offset of every pixel, blended across the borders of areas.

    Blending gains and offsets is blending the converted colours: both are linear in them.
    """
    return [
        np.asarray(
            cv2.GaussianBlur(
                np.take(table, index, axis=0), (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE
            ),
            np.float32,
        )
        for table in tables
    ]
